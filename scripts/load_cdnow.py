"""Fill the raw schema with CDNOW: 23,570 customers of a music shop and their 69,659 purchases, 1997-98.

Source: PyPI package lifetimes; customer_value/raw/load_cdnow.py says what becomes of it.
"""

from __future__ import annotations

from customer_value.raw import load_cdnow, loading

if __name__ == "__main__":
    loading.command(__doc__, load_cdnow.load)
