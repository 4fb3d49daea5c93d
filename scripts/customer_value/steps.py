"""One line per step: its progress while it runs, at a terminal alone; its outcome and time when it has ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

ERASE_LINE = "\x1b[K"


def show(text: str) -> None:
    """Show a line at a terminal until the next one takes its place; elsewhere nothing."""
    if sys.stdout.isatty():
        print(f"{ERASE_LINE}{text}", end="\r", flush=True)


def say(*lines: str) -> None:
    """Print lines that stay."""
    erase = ERASE_LINE if sys.stdout.isatty() else ""
    print(*(f"{erase}{line}" for line in lines), sep="\n", flush=True)


def took(seconds: float) -> str:
    """Return a time for people."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.1f} s"


class Step:
    """A step that runs. outcome: what its line says of it. below: lines under it."""

    def __init__(self, name: str) -> None:
        self.name, self.outcome, self.below = name, "done", []

    def progress(self, text: str) -> None:
        """Show how far it has come."""
        show(f"{self.name} {text}")


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Yield a step, and print its line when the block has ended."""
    this, begun = Step(name), time.monotonic()
    this.progress("...")
    try:
        yield this
    except BaseException:
        say(f"{name} failed, {took(time.monotonic() - begun)}", *this.below)
        raise
    say(f"{name} {this.outcome}, {took(time.monotonic() - begun)}", *this.below)
