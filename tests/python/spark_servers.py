"""Spark for the tests: started when it is first asked for, watched, and started anew when it died."""

from __future__ import annotations

import json
import select
import subprocess
import tempfile
from pathlib import Path

from customer_value.project import PROJECT

PROGRAMS = PROJECT / ".venv-spark" / "bin"
START_SECONDS = 300
STOP_SECONDS = 60
# says how Spark is reached, then keeps it up until its input ends
WAIT = "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); sys.stdin.read()"


class Spark:
    """One Spark by scripts/spark_cluster.py, which ends by itself when one of its servers dies."""

    def __init__(self, *options: str) -> None:
        """Start it; AssertionError with its messages when it does not start. options: of spark_cluster.py."""
        self.messages = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        python = str(PROGRAMS / "python")
        self.process = subprocess.Popen(
            [python, "scripts/spark_cluster.py", *options, "--", python, "-c", WAIT],
            cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.messages, text=True,
        )  # fmt: skip
        has_said = select.select([self.process.stdout], [], [], START_SECONDS)[0]
        line = self.process.stdout.readline() if has_said else ""
        if not line:
            self.close()
            raise AssertionError(f"Spark did not start within {START_SECONDS} s:\n{self.said()}")
        self.variables = {name: value for name, value in json.loads(line).items() if "SPARK" in name}

    def said(self) -> str:
        """Return what it wrote to standard error."""
        self.messages.seek(0)
        return self.messages.read()

    def death(self) -> str | None:
        """Return why it cannot be used any more, or None while it can."""
        code = self.process.poll()
        return None if code is None else f"Spark ended with {code}: {self.said()}"

    def close(self) -> None:
        """Stop it, by force where it takes too long; its servers die with it."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class SparkKeeper:
    """Hands out a Spark that lives, with folder for dbt's files: the last one, or a new one where that has died."""

    def __init__(self, folder: Path, *options: str) -> None:
        """options: of spark_cluster.py."""
        self.folder, self.options = folder, options
        self.spark: Spark | None = None

    def get(self) -> Spark:
        """Return a Spark that lives."""
        if self.spark is not None and (death := self.spark.death()):
            print(f"\nSpark is started anew, because the last one is gone: {death.splitlines()[0]}")
            self.spark = None
        self.spark = self.spark or Spark(*self.options)
        return self.spark

    def close(self) -> None:
        """Stop what was handed out."""
        if self.spark is not None:
            self.spark.close()
