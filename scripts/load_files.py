"""Fill the raw schema with one's own files: FOLDER/<source>.csv or FOLDER/<source>.parquet.

<source> is orders (required), order_items, customers, refunds, marketing_touches, events, support_tickets,
survey_responses, referrals or exchange_rates; the columns are those of models/staging/_sources.yml, in any order, of
which only the required ones must be there. Case and surrounding blanks of names do not matter.
CSV: UTF-8, comma, a header line, quotes within quotes doubled. An empty field is null, also a quoted one (""); NULL
or NA is text. All values arrive as they are, but for ids that all end in .0; staging casts them. A file that cannot be
read exactly is refused.
FOLDER/manifest.json is optional: how many rows each file has, and what its columns add up to (delivery_manifest.py).
What this project loaded into the raw schema before is replaced, all at once or, on an error, not at all; raw tables of
others are never touched. Messages name files, lines and columns, never what a record holds.
"""

from __future__ import annotations

from customer_value.raw import load_files, loading

if __name__ == "__main__":
    loading.command(__doc__, load_files.load, folder=True)
