"""What a publish or a rollback on DuckDB is about to do, written before it does it and removed when it is done.

The journal is what tells a version that readers never saw, and that may go, from one that somebody turned the link away
from by hand.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from customer_value.publish.publishing import PublishError
from customer_value.refresh import run_records


@dataclass(frozen=True)
class Entry:
    """A step from one current version to another.

    number: the version that becomes current. previous: the one that was, null before the first, or where none was
    known. marks: of a rollback, {number: withdrawn_at as it was before}; null for a new version.
    """

    number: int
    previous: int | None
    marks: dict[str, str | None] | None = None


class Journal:
    """One file with one entry, or none."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> Entry | None:
        """Return what was begun and not finished."""
        try:
            return Entry(**json.loads(self.file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise PublishError(f"{self.file} is no journal of this project: {error}; move it away") from error

    def write(self, entry: Entry) -> None:
        """Note what begins."""
        run_records.write_whole(self.file, json.dumps(asdict(entry)))

    def clear(self) -> None:
        """Note that it is done, or undone."""
        self.file.unlink(missing_ok=True)
