"""dbt as a process of its own: which program, its messages as they come, its results, all without values."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from customer_value.messages import ADDRESS, LEFT_OUT, without_values
from customer_value.processes import die_with_parent
from customer_value.project import PROJECT


def dbt_program(target: str) -> Path:
    """Return the dbt that has the adapter of a target: Spark's is in an environment of its own."""
    if target.startswith("spark"):
        return PROJECT / ".venv-spark" / "bin" / "dbt"
    return Path(sys.executable).with_name("dbt")


def blocks(lines: Iterable[str]) -> Iterator[str]:
    """Yield each of dbt's messages whole: it begins with the time of day, its further lines do not."""
    block = ""
    for line in lines:
        if block and re.match(r"(\x1b\[\d+m)*\d\d:\d\d:\d\d", line):
            yield block
            block = ""
        block += line
    if block:
        yield block


def relay(command: list[str], folder: Path, sinks: Iterable[TextIO]) -> int:
    """Run dbt in a folder and write its messages, without values, to the sinks as they come; return its exit code."""
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        preexec_fn=die_with_parent,
    )  # fmt: skip
    try:
        for block in blocks(process.stdout):
            for sink in sinks:
                sink.write(cleaned(block))
                sink.flush()
        return process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise


def clean_results(file: Path) -> dict[str, Any]:
    """Leave the values out of the messages in dbt's run_results.json; return what it holds then."""
    found = json.loads(file.read_text(encoding="utf-8"))
    for result in found["results"]:
        result["message"] = result["message"] and without_values(result["message"])
    file.write_text(json.dumps(found), encoding="utf-8")
    return found


def cleaned(block: str) -> str:
    """Return a message of dbt for a log; only those of errors can hold values, the others keep their form."""
    if not re.search(r"\berror\b|\bfail|exception|warn", block, re.I):
        return ADDRESS.sub(LEFT_OUT, block)
    return without_values(block) + "\n"
