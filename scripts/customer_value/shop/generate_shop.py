"""A generated shop, written as files: clean, or as text with bad rows added."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from customer_value.shop.draws import SCHEMAS, clean_shop, text_schema
from customer_value.shop.faults import Planter
from customer_value.shop.truths import ALL, Truths

LEAST_ORDERS, MOST_ORDERS = 10_000, 100_000_000  # what --orders takes
PLANTED = "truth/planted.csv"


class ShopError(Exception):
    """Arguments that make no shop; the message says what is wrong."""


def check(folder: Path, orders: int, seed: int) -> None:
    """Raise ShopError where the arguments make no shop or the folder holds something else."""
    if not LEAST_ORDERS <= orders <= MOST_ORDERS:
        raise ShopError(f"--orders must be from {LEAST_ORDERS:,} to {MOST_ORDERS:,}, not {orders:,}")
    if seed < 0:
        raise ShopError(f"--seed must be 0 or more, not {seed}")
    if folder.exists() and not folder.is_dir():
        raise ShopError(f"{folder} is a file; name a folder")
    own = set()
    if (folder / "truth").is_dir():  # which every run makes first: the sources beside it are of an earlier run
        own = {folder / "truth", folder / PLANTED, *(folder / f"{source}.parquet" for source in SCHEMAS)}
    others = sorted(path.name for path in (*folder.glob("*"), *folder.glob("truth/*")) if path not in own)
    if others:
        raise ShopError(f"{folder} holds other files ({', '.join(others[:3])}); name a new or empty folder")


def write_shop(folder: Path, orders: int, seed: int = 1, dirty: bool = False, effects: Truths = ALL) -> dict[str, int]:
    """Write the shop into the folder, made if missing; return {source: rows}, the truth included.

    effects: what is true of the shop, and how strongly; truths.NONE makes one without.
    Raises ShopError for arguments that make no shop and OSError where the folder cannot be written.
    """
    check(folder, orders, seed)
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    (folder / PLANTED).unlink(missing_ok=True)
    planter, counts, writers = Planter(orders), Counter(), {}

    def write(part: dict[str, pa.Table]) -> None:
        for source, rows in part.items():
            writers[source].write_table(rows, row_group_size=max(len(rows), 1))
            counts[source] += len(rows)

    try:
        writers |= {source: writer(folder, source, dirty) for source in SCHEMAS}
        for part in clean_shop(orders, seed, as_text=dirty, effects=effects):
            write(part)
            if dirty:
                planter.see(part)
        if dirty:
            write(planter.plant())
    finally:
        for opened in writers.values():
            opened.close()
    if dirty:
        lines = [f"{source},{reason},{rows}\n" for (source, reason), rows in sorted(planter.planted.items())]
        (folder / PLANTED).write_text("source,reject_reason,rows\n" + "".join(lines), encoding="utf-8")
    return {source: counts[source] for source in SCHEMAS}


def writer(folder: Path, source: str, dirty: bool) -> pq.ParquetWriter:
    """Return an open writer of a source's file, which it empties."""
    repeating = {"currency", "status", "channel", "category", "department", "region", "segment_attributes"}
    repeating |= {"payment_method", "brand", "country", "language"}
    repeating |= {"acquisition_channel", "event_type", "survey_type", "product_id", "campaign_id", "store_id"}
    return pq.ParquetWriter(
        folder / f"{source}.parquet",
        text_schema(source) if dirty else SCHEMAS[source],
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in SCHEMAS[source].names if name in repeating] or False,
        coerce_timestamps="us",
        store_decimal_as_integer=True,
    )


def run(folder: Path, orders: int, seed: int, dirty: bool, effects: Truths = ALL) -> None:
    """Write a shop and print rows per source and seconds; exit with 1 on an error."""
    started = time.perf_counter()
    try:
        counts = write_shop(folder, orders, seed, dirty, effects)
    except (ShopError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
    print(f"written to {folder}:")
    for source, rows in counts.items():
        print(f"  {source:<18}{rows:>13,} rows")
    print(f"in {time.perf_counter() - started:.1f} seconds")
