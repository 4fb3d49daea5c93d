"""What a refresh says while it runs."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from customer_value import steps
from customer_value.refresh import run_records


class Log:
    """Tells what happens, a line per step: JSON to a file and to programs, plain words to people at a terminal."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file, self.is_terminal, self.run_id = file, sys.stdout.isatty(), None

    def progress(self, step: str, text: str = "...") -> None:
        """Show on a terminal that a step runs, and how far it has come."""
        steps.show(f"{step:<9}{text}")

    def end(self, step: str, seconds: float, outcome: str, **details: Any) -> None:
        """Write what became of a step."""
        findings = details.get("findings") or []
        line = {"at": run_records.now(), "run": self.run_id, "step": step, "outcome": outcome}
        line |= {"seconds": round(seconds, 1)} | {name: value for name, value in details.items() if value is not None}
        text = json.dumps(line, default=str)
        with contextlib.suppress(OSError), self.file.open("a", encoding="utf-8") as content:  # a full disk
            content.write(text + "\n")
        if self.is_terminal:
            told = {name: value for name, value in details.items() if value is not None and name != "findings"}
            said = "".join(f"; {name}: {value}" for name, value in told.items())
            steps.say(f"{step:<9}{outcome}, {steps.took(seconds)}{said}", *(f"    {each}" for each in findings))
        else:
            print(text, flush=True)
