"""What may be said of an error: names and reasons, never a value out of a row.

Databases quote the row that they stumble over, with the name, e-mail or birth date in it; messages go to run records,
logs and mail, which more people read than the tables. models/docs/privacy.md says what is kept where.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator

import duckdb
import psycopg2

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
