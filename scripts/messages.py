"""What may be said of an error: names and reasons, never a value out of a row.

Databases quote the row that they stumble over, with the name, e-mail or birth date in it; messages go to run records,
logs and mail, which more people read than the tables. models/docs/privacy.md says what is kept where.
"""

from __future__ import annotations

import json
import re
import subprocess
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import duckdb
import psycopg2
from processes import die_with_parent

LEFT_OUT = "(value left out)"
# what a database puts into quotes and is no value: the word before the quote says so
NAMES = (
    "aggregate|cast|catalog|column|columns|constraint|cursor|database|domain|expression|extension|field|file|function|"
    "index|lock on file|macro|mode|model|operator|option|parameter|relation|role|schema|sequence|setting|table|"
    "trigger|type|user|view|with name"
)
# whole lines in which Postgres, DuckDB or dbt show the row, the statement or the line of a file
TOLD_LINES = re.compile(
    r"^\s*(DETAIL|CONTEXT|HINT|QUERY|STATEMENT|LINE \d+|WHERE|Original Line|Parameters|Parse failed|Candidates?"
    r"|Possible Solution|Possible fixes)\b.*",
    re.I,
)
# values that are not in quotes that can be trusted: they may hold quotes and line breaks themselves
PATTERNS = [
    (r"(Could not (?:convert|cast) (?:string|value|blob)\s+).*( to )", rf"\1{LEFT_OUT}\2"),
    (r"(Duplicate key )\".*\"", rf"\1{LEFT_OUT}"),
    (r"(Key \([^)]*\)=)\(.*\)", rf"\1{LEFT_OUT}"),
    (r"(with value )\S+( can't)", rf"\1{LEFT_OUT}\2"),
    (r"(Failing row contains )\(.*\)", rf"\1{LEFT_OUT}"),
    (r"((?:invalid input (?:syntax|value)|out of range|invalid byte sequence|malformed|field format)[^\n\"]*?: )"
     r"\".*\"", rf"\1{LEFT_OUT}"),
]  # fmt: skip
QUOTED = re.compile(
    rf"(?<![\w'\"])(?P<name>(?:{NAMES})(?: named)?:? )?(?P<quote>['\"]).*?(?P=quote)(?!\w)", re.S | re.I
)
ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)*")


def without_values(text: str) -> str:
    """Return a database's or dbt's error text without the values in it, so that anybody may read it.

    Left out: lines that show the row, the statement or the line of a file (DETAIL, CONTEXT, HINT, LINE, Original Line),
    texts in quotes unless the word before says that they are a name (table "x"), and whatever looks like an e-mail
    address.
    Example: 'invalid input syntax for type numeric: "Ada"' gives 'invalid input syntax for type numeric: (value left
    out)'.
    """
    kept: list[str] = []
    is_caret = False
    for line in text.split("\n"):
        is_told = TOLD_LINES.match(line)
        if not is_told and not (is_caret and not line.strip(" ^\t")):
            kept.append(line)
        is_caret = bool(is_told)
        if is_told and re.match(r"\s*(Original Line|Failing row)", line, re.I):
            break  # what follows may still be that line
    text = "\n".join(kept)
    for pattern, instead in PATTERNS:
        text = re.sub(pattern, instead, text, flags=re.S | re.I)
    text = QUOTED.sub(lambda found: found[0] if found["name"] else LEFT_OUT, text)
    return ADDRESS.sub(LEFT_OUT, text).strip()


def told(error: BaseException) -> str:
    """Return what may be said of an error: its own words, unless a database's are in them."""
    text = str(error).strip() or repr(error)
    is_of_a_database = any(isinstance(each, duckdb.Error | psycopg2.Error) for each in causes(error))
    return without_values(text) if is_of_a_database else text


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those that it came of; what was raised from None has words of its own."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def trace(error: BaseException) -> str:
    """Return where an error was raised, with what may be said of it and of what it came of."""
    lines = []
    for each in reversed(list(causes(error))):
        lines += ["Traceback (most recent call last):\n", *traceback.format_tb(each.__traceback__)]
        lines.append(f"{type(each).__name__}: {without_values(str(each))}\n")
    return "".join(lines)


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
