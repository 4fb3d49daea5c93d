"""Processes that a script starts and that must not outlive it."""

from __future__ import annotations

import ctypes
import signal
import sys
from pathlib import Path


def die_with_parent() -> None:
    """Have the system kill this process when the one that started it dies, however it dies (Linux); as preexec_fn.

    Without it a dbt whose refresh was killed would go on building beside the next one.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def dbt_program(target: str) -> Path:
    """Return the dbt that has the adapter of a target: Spark's is in an environment of its own."""
    if target.startswith("spark"):
        return Path(__file__).resolve().parent.parent / ".venv-spark" / "bin" / "dbt"
    return Path(sys.executable).with_name("dbt")
