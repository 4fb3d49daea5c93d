"""SQL on Spark for scripts of the default environment, by a process of .venv-spark that keeps one connection open.

The connection is the one that dbt would make: of profiles.yml, target SPARK_TARGET (spark or spark_session). Run with
python -m this module is that process: a line of JSON in, the statement; a line of JSON out, {"rows": [...]}, {"error":
message} or, where nothing answers, {"absent": message}.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import queue
import subprocess
import sys
import threading
from argparse import Namespace
from decimal import Decimal
from typing import Any

from customer_value.processes import die_with_parent
from customer_value.project import PROJECT

PYTHON = PROJECT / ".venv-spark" / "bin" / "python"
PATIENCE = 1800  # seconds that one statement may take


class SparkError(Exception):
    """Spark refuses a statement, or does not answer; the message is Spark's first line, or says what is wrong."""


class SparkAbsentError(SparkError):
    """There is no connection to Spark."""


class SparkSql:
    """A connection to Spark. close() it, or use it in a with statement."""

    def __init__(self, patience: float = PATIENCE, environment: dict[str, str] | None = None) -> None:
        """Start the process; what it cannot do shows with the first statement.

        patience: seconds per statement. environment: in place of this process's. Raises SparkError where .venv-spark
        is missing.
        """
        if not PYTHON.exists():
            raise SparkError("the environment for Spark is missing: make spark")
        self.patience = patience
        # the name, not the file: Python would put the file's folder first, where customer_value/dbt.py hides dbt itself
        self.process = subprocess.Popen(
            [str(PYTHON), "-m", __name__], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=(environment or os.environ) | {"PYTHONPATH": str(PROJECT / "scripts")}, preexec_fn=die_with_parent,
        )  # fmt: skip
        self.answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> SparkSql:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen(self) -> None:
        """Put every answer in the queue, so that it can be waited for with a limit; nothing when the process ends."""
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put("")

    def rows(self, statement: str) -> list[tuple]:
        """Run a statement, return its rows, none where it has none. Raises SparkError, SparkAbsentError."""
        try:
            self.process.stdin.write(json.dumps(statement) + "\n")
            self.process.stdin.flush()
            answer = self.answers.get(timeout=self.patience)
        except queue.Empty as error:
            self.close()
            raise SparkError(f"Spark did not answer within {self.patience:,.0f} seconds: {statement[:200]}") from error
        except (BrokenPipeError, ValueError):
            answer = ""
        if not answer:
            raise SparkError("the process that talks to Spark has ended; its messages are above")
        found = json.loads(answer, object_hook=plain)
        if "absent" in found:
            raise SparkAbsentError(found["absent"])
        if "error" in found:
            raise SparkError(found["error"])
        return [tuple(row) for row in found["rows"]]

    def close(self) -> None:
        """End the process, by force where it does not end by itself."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def literal(text: str) -> str:
    """Return text as an SQL string of Spark's, in which a backslash is an escape and two quotes are nothing."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def opened() -> Any:
    """Return dbt's connection to the target."""
    from dbt.adapters.contracts.connection import Connection
    from dbt.adapters.spark.connections import SparkConnectionManager
    from dbt.cli.resolvers import default_profiles_dir
    from dbt.config.runtime import load_profile
    from dbt.flags import set_from_args
    from dbt_common.context import set_invocation_context

    set_invocation_context(os.environ)  # what env_var() in profiles.yml reads
    set_from_args(Namespace(PROFILES_DIR=os.environ.get("DBT_PROFILES_DIR", str(default_profiles_dir()))), None)
    profile = load_profile(str(PROJECT), {}, None, os.environ.get("SPARK_TARGET", "spark"))
    return SparkConnectionManager.open(
        Connection(type="spark", name="sql", credentials=profile.credentials)  # its state is closed to begin with
    ).handle


# types that JSON has not, {name: how their text is read}
READ = {"date": dt.date.fromisoformat, "datetime": dt.datetime.fromisoformat, "Decimal": Decimal}


def tagged(value: Any) -> dict[str, str]:
    """Return a value that JSON has no type for as one that it has."""
    return {"type": type(value).__name__, "text": str(value)}


def plain(found: dict[str, Any]) -> Any:
    """Return what tagged() made of a value as that value, text where its type is not known; else what was found."""
    return READ.get(found["type"], str)(found["text"]) if found.keys() == {"type", "text"} else found


def serve() -> None:
    """Answer each statement of standard input."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Spark and dbt say goes to standard error
    handle = None
    for line in sys.stdin:
        try:
            handle = handle or opened()
        except Exception as error:
            print(json.dumps({"absent": message_of(error)}), file=answers, flush=True)
            continue
        try:
            cursor = handle.cursor()
            cursor.execute(json.loads(line))
            answer = {"rows": fetched(cursor)}
        except Exception as error:  # whatever it is, the one who asked has to hear of it
            answer = {"error": message_of(error)}
        print(json.dumps(answer, default=tagged), file=answers, flush=True)


def fetched(cursor: Any) -> list[list]:
    """Return the rows of what was executed; a statement that defines or writes something has none to fetch."""
    try:
        rows = [list(row) for row in cursor.fetchall()]
    except TypeError:  # how PyHive says that the server has none
        return []
    dates = [place for place, column in enumerate(cursor.description) if column[1] == "DATE_TYPE"]
    for row in rows:
        for place in dates:  # PyHive leaves them as text
            row[place] = row[place] and dt.date.fromisoformat(row[place])
    return rows


def message_of(error: Exception) -> str:
    """Return an error's message without Spark's stack."""
    text = str(error.args[0].status.errorMessage if error.args and hasattr(error.args[0], "status") else error)
    lines = [line.strip() for line in text.splitlines() if not line.lstrip().startswith("at ")]
    return " ".join(line for line in lines if line)[:1000] or repr(error)


if __name__ == "__main__":
    serve()
