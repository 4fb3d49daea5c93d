"""DATA of make build and make refresh: which loader it names, and loading it unless it is there already."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from customer_value.raw import load_cdnow, load_complete_journey, load_files, loading
from customer_value.raw.loading import Origin


def loader_of(data: str) -> tuple[Callable[[], Origin], Callable[[argparse.Namespace], dict[str, int]]]:
    """Return what says where DATA comes from and what loads it; DATA is not raw."""
    if data == "complete_journey":
        return load_complete_journey.origin, load_complete_journey.load
    if data == "cdnow":
        return load_cdnow.origin, load_cdnow.load
    return partial(load_files.origin, Path(data)), load_files.load


def load(data: str, database: Path) -> str:
    """Fill the raw schema unless it already holds that data; return what was done, for people.

    Raises LoadError when it must not or cannot.
    """
    loading.check_name(database)
    if data == "raw":
        return f"as found in {database}"
    find_origin, loader = loader_of(data)
    origin = find_origin()
    held = loading.held(database)
    if held and set(held.values()) == {origin}:
        return f"{origin.name}: already there"
    counts = [rows for rows in loader(argparse.Namespace(database=database, folder=Path(data))).values() if rows]
    return f"{origin.name}: {sum(counts):,} rows of {len(counts)} sources"
