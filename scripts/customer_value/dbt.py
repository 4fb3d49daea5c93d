"""dbt as a process of its own: which program, its messages as they come, its results, all without values."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from customer_value.messages import ADDRESS, LEFT_OUT, without_values
from customer_value.processes import die_with_parent
from customer_value.project import PROJECT

SHOWN = 10  # nodes that failed, or warned, that are told in full
MESSAGE_LINES = 20  # of what a node says of its failure
BAD = ("error", "fail", "runtime error")
# what dbt says when a node has ended: the time, then 12 of 345 OK created ...
ENDED = re.compile(r"\S+\s+\d+ of (\d+) (?!START)[A-Z]")
# what macro say_rejects writes to dbt's messages: a line and its further lines, which are indented
REJECTS = re.compile(r"^\S+  ([\d,]+ of [\d,]+ orders rejected, .*\n(?:  .*\n)*)", re.MULTILINE)


class DbtError(Exception):
    """dbt ended before it built anything; the message has the end of what it said."""


@dataclass(frozen=True)
class Built:
    """What a build did. code: of dbt. results: of run_results.json, without values. nodes: of the manifest, by id.

    said: the file of dbt's messages.
    """

    code: int
    invocation_id: str
    results: list[dict[str, Any]]
    nodes: dict[str, dict[str, Any]]
    target: str
    target_path: Path
    said: Path

    def name(self, result: dict[str, Any]) -> str:
        """Return a node's name."""
        return self.nodes.get(result["unique_id"], {}).get("name", result["unique_id"].split(".")[-1])

    def checks(self) -> list[str]:
        """Return the status of each test."""
        return [each["status"] for each in self.results if each["unique_id"].startswith(("test.", "unit_test."))]

    def counts(self) -> str:
        """Return how much was built and checked, for people."""
        found = Counter(each["unique_id"].split(".")[0] for each in self.results if each["status"] == "success")
        checks = self.checks()
        return f"{found['model']} models, {found['seed']} seeds; {checks.count('pass')} of {len(checks)} checks passed"

    def compiled(self, result: dict[str, Any]) -> list[str]:
        """Return a line that says where a node's compiled SQL is; none where it was not compiled."""
        path = self.nodes.get(result["unique_id"], {}).get("path")
        files = (self.target_path / "compiled").rglob(Path(path).name) if path else ()
        return [f"      compiled SQL: {os.path.relpath(file)}" for file in sorted(files)[:1]]

    def rows(self, result: dict[str, Any], look: str) -> list[str]:
        """Return how many rows a test found and how to see them. look: what goes before the command."""
        name, count = self.name(result), result["failures"]
        lines = [f"  {name}: {count:,} row{'s' if count != 1 else ''}"]
        return [
            *lines,
            f"      see them: {look}dbt show --select {name} --target {self.target}",
            *self.compiled(result),
        ]

    def failures(self, look: str = "") -> list[str]:
        """Return what failed, and why, in lines for people; the reasons of rejected orders too."""
        bad = [result for result in self.results if result["status"] in BAD]
        lines = [f"{len(bad)} of {len(self.results)} nodes of dbt build failed:"]
        for result in bad[:SHOWN]:
            if result["status"] == "fail" and result["unique_id"].startswith("test."):
                lines += self.rows(result, look)
            else:
                first, *more = (result["message"] or result["status"]).strip().splitlines()[:MESSAGE_LINES]
                lines += [f"  {self.name(result)}: {first.strip()}", *(f"      {line}" for line in more)]
                lines += self.compiled(result)
        lines += [f"  ... and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
        rejects = REJECTS.search(self.said.read_text(encoding="utf-8"))
        return lines + [f"  {line}" for line in (rejects[1].splitlines() if rejects else [])]

    def warnings(self, look: str = "") -> list[str]:
        """Return what the tests that only warn have found."""
        warned = [result for result in self.results if result["status"] == "warn"]
        lines = [line for result in warned[:SHOWN] for line in self.rows(result, look)]
        return lines + ([f"  ... and {len(warned) - SHOWN} more"] if len(warned) > SHOWN else [])


class Progress:
    """A sink of dbt's messages that tells how many of its nodes have ended."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell, self.ended = tell, 0

    def write(self, message: str) -> None:
        """Take a message."""
        if found := ENDED.match(message):
            self.ended += 1
            self.tell(f"{self.ended} of {found[1]}")

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


def build(target: str, target_path: Path, said: Path, tell: Callable[[str], None], *options: str) -> Built:
    """Run dbt build without unit tests, which say nothing about the data: make test runs them.

    said: the file that gets dbt's messages, without values. tell: gets how far it has come. options: of dbt build.
    The variable DBT_EXCLUDE_RESOURCE_TYPES leaves out something else. Raises DbtError where dbt ends before it builds.
    """
    results = target_path / "run_results.json"
    results.unlink(missing_ok=True)
    said.parent.mkdir(parents=True, exist_ok=True)
    command = [str(dbt_program(target)), "--no-use-colors", "build", "--target", target]
    environment = {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"} | os.environ | {"DBT_TARGET_PATH": str(target_path)}
    with said.open("w", encoding="utf-8", buffering=1) as file:
        sinks = [file, Progress(tell)]
        code = relay([*command, *options], PROJECT, sinks, environment)
    if not results.exists():
        raise DbtError(f"dbt build ended with {code} before it began: {tail(said)}")
    found = clean_results(results)
    nodes = json.loads((target_path / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    return Built(code, found["metadata"]["invocation_id"], found["results"], nodes, target, target_path, said)


def tail(file: Path) -> str:
    """Return the last lines of a file."""
    return "\n".join(file.read_text(encoding="utf-8").splitlines()[-15:])


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


def relay(
    command: list[str], folder: Path, sinks: Iterable[TextIO | Progress], environment: dict[str, str] | None = None
) -> int:
    """Run dbt in a folder and write its messages, without values, to the sinks as they come; return its exit code."""
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", preexec_fn=die_with_parent,
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
