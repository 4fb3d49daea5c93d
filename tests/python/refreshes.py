"""What tests of many runs share: dbt in a process that stays up, full rebuilds, and marts compared row for row.

A dbt command costs its start, a parse and its models; a process that stays up pays the first two once. Run as a script
this module is that process: a line of JSON in, a line of JSON out (serve).
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb

PROJECT = Path(__file__).resolve().parents[2]
LIMIT = 1800  # seconds that a dbt command may take
# what a run needs beside the models: loaded and seeded; and the record that the seeds are the project's
GIVEN = ("raw", "reference", "oracle")
OWNED = ("operations", "built_relations")
# vars that configs, refs, sources or tests in YAML read, so that another value changes what dbt parses; all others are
# read by the text of models alone (test_project.py compares the parsed project)
READ_AT_PARSE = {
    "abc_value", "clv_min_repeat_customers", "clv_model", "demotion_patience", "guest_orders", "raw_schema",
    "rfm_method", "rfm_population", "source_map",
}  # fmt: skip
# ... but for the values of these that are parsed as the default is
PARSED_ALIKE = {
    "abc_value": ["revenue", "margin"], "guest_orders": ["rejected", "own_customer"],
}  # fmt: skip
# of dbt run: not the quarantine, and no source that the history does not look at
WITHOUT_SIDE_SOURCES = (
    "--exclude", "stg_events+", "stg_marketing_touches+", "stg_support_tickets+", "stg_survey_responses+",
    "stg_referral_links+",
)  # fmt: skip
# what may differ between two builds of the same data: the version is technical, and the day a bad row was first seen
# is that of the first of many refreshes
UNCOMPARED = ("slice_version", "first_seen_on")


class Dbt:
    """dbt on any DuckDB file, one command after the other, in a process of its own."""

    def __init__(self, folder: Path, profiles: Path | None = None):
        """Start the process and wait until it has parsed; folder takes its target and its log."""
        from conftest import PARSED, SHARED  # not at the top: the process itself has no use for it

        target, self.log = folder / "target", folder / "dbt.log"
        environment = os.environ | {"DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": str(folder / "logs")}
        environment |= {"CUSTOMER_VALUE_DATABASE": str(SHARED / "current" / "warehouse.duckdb")}
        environment |= {"DBT_PROFILES_DIR": str(profiles)} if profiles else {}
        target.mkdir(parents=True, exist_ok=True)
        if PARSED.exists():
            shutil.copy(PARSED, target)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, __file__], cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, text=True,
            )  # fmt: skip
        self._answer()
        if not PARSED.exists():
            shutil.copy(target / PARSED.name, PARSED)

    def invoke(self, database: Path, *arguments: str, variables: dict | None = None) -> tuple[dict, str]:
        """Run a dbt command, return how it went and what it said: errors, and with the option --no-quiet the rest too.

        variables: vars that differ from dbt_project.yml; if they are among READ_AT_PARSE, the project is parsed anew,
        unless the last command with such vars had the same.
        """
        place = self.log.stat().st_size
        reply = self._ask(database, arguments, variables)
        with self.log.open(errors="replace") as log:
            log.seek(place)
            return reply, log.read()

    def run(self, database: Path, *arguments: str, variables: dict | None = None) -> None:
        """Run a dbt command, dbt run without more; fail with dbt's errors when it fails. variables: as of invoke."""
        reply, said = self.invoke(database, *(arguments or ("run",)), variables=variables)
        assert reply == {"success": True}, f"dbt {' '.join(arguments)}: {reply}\n{said}"

    def killed(self, database: Path, moment: str, model: str, *options: str) -> None:
        """Begin dbt run and kill it, without a chance to clean up, when a model starts or right after it finished.

        moment: NodeStart or NodeFinished, dbt's events. options: of dbt run.
        """
        reply = self._ask(database, ("run", *options), None, {"moment": moment, "model": model})
        assert reply == {"killed": True}, f"the run was not killed at {moment} of {model}: {reply}"

    def _ask(
        self, database: Path, arguments: tuple[str, ...], variables: dict | None, death: dict | None = None
    ) -> dict:
        question = {"database": str(database), "arguments": arguments, "variables": variables, "death": death}
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict:
        has_answered = select.select([self.process.stdout], [], [], LIMIT)[0]
        assert has_answered, (
            f"dbt's process did not answer in {LIMIT} s:\n{self.log.read_text(errors='replace')[-3000:]}"
        )
        answer = self.process.stdout.readline()
        assert answer, f"dbt's process ended:\n{self.log.read_text(errors='replace')}"
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def is_read_at_parse(var: str) -> bool:
    """Tell whether another value of a var changes what dbt parses."""
    return var in READ_AT_PARSE or var.startswith("has_")


def changes_of_parse(variables: dict | None) -> dict:
    """Return those of some vars that change what dbt parses."""
    return {
        var: value
        for var, value in (variables or {}).items()
        if is_read_at_parse(var)
        and value not in PARSED_ALIKE.get(var, ())
        and not (var == "source_map" and all("table" not in source for source in value.values()))
    }


def serve() -> None:
    """Answer each line of standard input, the command that it asks for, with a line: how it went."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what dbt says goes to the log
    parsed = dbtRunner().invoke(["parse", "--quiet"])
    if not parsed.success:
        raise SystemExit(f"dbt parse failed: {parsed.exception}")
    print(json.dumps({"success": True}), file=answers, flush=True)
    others: dict[str, object] = {}  # {vars that change what is parsed: what was parsed}, of the last ones alone
    for line in sys.stdin:
        question = json.loads(line)
        os.environ["CUSTOMER_VALUE_DATABASE"] = question["database"]
        place = 2 if question["arguments"][0] == "docs" else 1  # docs generate has two words
        words, options = question["arguments"][:place], question["arguments"][place:]
        given = ["--vars", json.dumps(question["variables"])] if question["variables"] else []
        command = [*words, "--quiet", "--no-use-colors", "--no-write-json", "--log-level-file", "none"]
        command += [*options, *given]  # options after those above, and so over them
        if question["death"]:
            reply = die(command, parsed.result, **question["death"])
        else:
            result, changes = parsed, changes_of_parse(question["variables"])
            if changes:
                key = json.dumps(changes, sort_keys=True)
                if key not in others:
                    others.clear()
                    others[key] = dbtRunner().invoke(["parse", "--quiet", "--no-partial-parse", *given])
                result = others[key]
            if result.success:
                result = dbtRunner(manifest=result.result).invoke(command)
            reply = {"success": result.success}
            if result.exception:
                reply["exception"] = str(result.exception)
        if DuckDBConnectionManager._ENV:
            DuckDBConnectionManager._ENV.close()  # and with it the lock on the file
        sys.stdout.flush()  # so that the log has all that was printed
        print(json.dumps(reply), file=answers, flush=True)


def die(command: list[str], manifest: object, moment: str, model: str) -> dict:
    """Run a command in a child that kills itself at an event of a model; report whether it came to that."""
    from dbt.cli.main import dbtRunner

    def watch(event: object) -> None:
        if event.info.name == moment and event.data.node_info.node_name == model:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if not child:
        dbtRunner(manifest=manifest, callbacks=[watch]).invoke(command)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return {"killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL}


def copied(database: Path, folder: Path) -> Path:
    """Copy a database into a folder; its name has to stay, dbt has it in what it parsed."""
    folder.mkdir(exist_ok=True)
    return Path(shutil.copy(database, folder))


def fresh_database(folder: Path, source: Path) -> Path:
    """Return a database in a folder that holds another one's raw tables and seeds, and nothing that was built."""
    folder.mkdir(exist_ok=True)
    database = folder / source.name
    database.unlink(missing_ok=True)
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"attach '{source}' as source (read_only)")
        for schema in (*GIVEN, OWNED[0]):
            connection.execute(f"create schema {schema}")
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = 'source' and (schema_name in $1 or schema_name = $2 and table_name = $3)",
            [list(GIVEN), *OWNED],
        ).fetchall():
            connection.execute(f"create table {schema}.{table} as select * from source.{schema}.{table}")
    return database


def marts(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    """Return {mart: its columns} of an attached database."""
    found: dict[str, list[str]] = {}
    for mart, column in connection.execute(
        """
        select table_name, column_name from duckdb_columns()
        where database_name = $1 and schema_name = 'marts' order by table_name, column_index
        """,
        [database],
    ).fetchall():
        found.setdefault(mart, []).append(column)
    return found


def all_but(*ignored: str) -> Callable[[str, list[str]], str]:
    """Return what selects a mart without some columns."""

    def select(mart: str, columns: list[str]) -> str:
        return f"select {', '.join(name for name in columns if name not in ignored)} from {mart}"

    return select


ALL_THAT_COUNTS = all_but(*UNCOMPARED)


def differences(
    left: Path,
    right: Path,
    select: Callable[[str, list[str]], str | None] = ALL_THAT_COUNTS,
    is_left_in_part: bool = False,
) -> dict[str, list[tuple]]:
    """Compare the marts of two databases, row for row and value for value; doubles too have to be the same.

    select: makes of a mart and its columns the query that counts, or None where the mart does not.
    is_left_in_part: the right one may hold marts more.
    Returns {mart: some of the rows that only one of them has}, so nothing where they are the same.
    """
    found = {}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{left}' as one (read_only)")
        connection.execute(f"attach '{right}' as other (read_only)")
        columns, others = marts(connection, "one"), marts(connection, "other")
        if is_left_in_part:
            others = {mart: names for mart, names in others.items() if mart in columns}
        assert columns == others, "one has marts or columns that the other lacks"
        assert "customer_value_history" in columns
        for mart, names in columns.items():
            one, other = (select(f"{side}.marts.{mart}", names) for side in ("one", "other"))
            if one is None:
                continue
            rows = connection.execute(f"""
                select 'left' as side, * from ({one} except all {other})
                union all
                select 'right' as side, * from ({other} except all {one})
                order by all limit 10
            """).fetchall()
            if rows:
                found[mart] = rows
    return found


if __name__ == "__main__":
    serve()
