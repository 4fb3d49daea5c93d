"""Processes that a script starts and that must not outlive it."""

from __future__ import annotations

import ctypes
import signal
import sys


def die_with_parent() -> None:
    """Have the system kill this process when the one that started it dies, however it dies (Linux); as preexec_fn.

    Without it a dbt whose refresh was killed would go on building beside the next one.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
