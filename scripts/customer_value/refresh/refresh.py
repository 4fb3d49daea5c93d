"""A refresh: load, guard, build and test away from readers, then publish all at once or not at all."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from typing import Any

import duckdb
import psycopg2
import yaml

from customer_value import messages, project, report
from customer_value.arrival import check_arrival
from customer_value.clv import fit_clv
from customer_value.privacy import keepers
from customer_value.project import git_revision, project_vars
from customer_value.publish import postgres_marks, publication_rules, publishing
from customer_value.publish.duckdb_store import DuckDBStore
from customer_value.publish.postgres_store import PostgresStore
from customer_value.publish.publication_rules import Finding
from customer_value.publish.publishing import NotNow, PublishError, Store, Version
from customer_value.publish.spark_store import SparkStore
from customer_value.raw.loading import LoadError
from customer_value.refresh import file_lock, run_records, tested_build
from customer_value.refresh.file_lock import LockedError
from customer_value.refresh.log import Log
from customer_value.refresh.run_records import Records, Run
from customer_value.refresh.tested_build import Failed, Refused

ENDS = {"published": 0, "unchanged": 0, "refused": 1, "failed": 2}
NOT_NOW = 4  # it failed, and that may pass by itself
WARNING = "warning: "


class Refresh:
    """One run, from the records of the earlier ones to a new version."""

    def __init__(self, arguments: argparse.Namespace, store: Store, records: Records, log: Log, run: Run) -> None:
        self.arguments, self.store, self.records, self.log, self.run = arguments, store, records, log, run
        self.variables = project_vars(arguments.vars)
        self.state = arguments.home / "state"
        self.target_path = self.state / "target"
        self.is_code_of_last_version = True
        self.damage: str | None = None

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Note that a step begins and how it ended; yields a dict for what is to be told of it."""
        self.run.step, begun, details = name, time.monotonic(), {}
        self.records.save(self.run)
        self.log.progress(name)
        try:
            yield details
        except BaseException as error:
            outcome = "refused" if isinstance(error, Refused | LoadError) else "failed"
            self.log.end(name, time.monotonic() - begun, outcome, error=messages.told(error).splitlines()[0])
            raise
        seconds = time.monotonic() - begun
        if hasattr(self.run, f"{name}_seconds"):
            setattr(self.run, f"{name}_seconds", round(seconds, 3))
        self.log.end(name, seconds, "done", **details)

    def refresh(self) -> str:
        """Do all steps; return published or unchanged."""
        with self.step("recover") as details:
            details["removed"] = "; ".join(self.store.recover()) or None
            self.damage = details["damaged"] = damage_of(self.store)
            os.environ.update(self.store.open_work())
            os.environ |= {"DBT_TARGET_PATH": str(self.target_path), "DBT_LOG_PATH": str(self.state / "logs")}
            os.environ["DBT_LOG_LEVEL_FILE"] = "none"  # dbt's own log has databases' errors in full, values with them
            obstacles = self.store.obstacles(postgres_marks.project_names("models/marts"))
            if obstacles:
                raise PublishError(publishing.in_the_way(obstacles))
            for view in self.store.readers_of_build():
                self.warn(f"{view} reads what dbt builds: dbt drops it with the table; let it read schema published")
        with self.step("load") as details:
            self.run.data_origin = details["data"] = self.store.load(self.arguments.data, self.variables)
            kept_out = keepers.after_load(self.store, self.arguments.home, self.arguments.data, self.variables)
            details["rows_of_erased"] = kept_out or None
        with self.step("compare") as details:
            fingerprint = self.fingerprint()
            for newest in self.store.versions()[-1:]:
                self.is_code_of_last_version = newest.fingerprint.get("code") == fingerprint["code"]
            unchanged = self.unchanged_since(fingerprint)
            details["unchanged_since"] = unchanged and unchanged.number
            if not unchanged:  # before anything is built, so that it costs nothing
                details["findings"] = self.judged(self.emptied_sources(fingerprint["inputs"]))
        if unchanged:
            self.run.message = f"nothing new since {unchanged}"
            current = self.store.current()
            if current and current.number != unchanged.number:
                self.warn(f"readers see {current}; --force builds the same input again and publishes it")
            return "unchanged"
        with self.step("arrival") as details:
            details["findings"] = self.guard()
            details["warnings"] = len(details["findings"])
        if self.arguments.target != "duckdb":
            with self.step("fit") as details:
                details["taken_out"] = self.store.begin_build()
                with self.store.watched():
                    rows = fit_clv.fit(self.arguments.target, self.dbt_vars(), self.is_full())
                details["fit_dates"] = len(rows)
        with self.step("build") as details:
            self.store.write_records(self.records.all())
            self.build()
            details |= {"checks": self.run.checks, "warnings": self.run.checks_warned}
            details["log"] = str(self.state / "build.log")
            details["unusual"] = "; ".join(tested_build.unusual(self.run)) or None
            look = tested_build.unusual_look(self.arguments.target)
            self.run.findings += [f"{line}\n      see it: {look}" for line in tested_build.unusual(self.run)]
        with self.step("check") as details:
            last = self.compared(fingerprint["inputs"])
            findings = publication_rules.check(self.store, self.variables, last, self.run.as_of_date)
            details["findings"] = self.judged(findings)
        with self.step("report") as details:
            details["files"] = self.draw()
        with self.step("publish") as details:
            version = self.publish(fingerprint)
            details |= {"version": version.number, "as_of": version.as_of_date}
        with self.step("prune") as details:
            try:
                details["removed_versions"] = self.store.prune(self.variables["versions_kept"]) or None
                self.records.prune(self.variables["runs_kept"])
                self.keep_manifest()
            except (OSError, psycopg2.Error, PublishError, NotNow) as error:  # what is published is published
                details["error"] = messages.told(error)
        self.run.message = str(version)
        return "published"

    def warn(self, text: str) -> None:
        """Keep what somebody should look at for the run's record; finish() says it, however the run ends."""
        self.run.findings.append(f"{WARNING}{text}")

    def dbt_vars(self) -> str | None:
        """Return the vars for dbt: those given, but the raw schema is the store's copy where it made one."""
        if not self.store.built_from:
            return self.arguments.vars
        given = yaml.safe_load(self.arguments.vars or "{}") or {}
        return json.dumps(given | {"raw_schema": self.store.built_from}, default=str)

    def fingerprint(self) -> dict[str, Any]:
        """Return what the marts depend on: the project, the vars, every raw row."""
        given = {name: value for name, value in self.variables.items() if name != "anomalies_accepted"}
        inputs = self.store.inputs(self.store.built_from or self.variables["raw_schema"])
        code = {"project": project.project_hash(), "code": project.project_hash(["macros", "models"], (".sql", ".py"))}
        return json.loads(json.dumps(code | {"vars": given, "inputs": inputs}, default=str))

    def unchanged_since(self, fingerprint: dict[str, Any]) -> Version | None:
        """Return the newest version, taken back or not, if it was made of the same; None with --force.

        None also where what readers see is damaged: then it is built again.
        """
        newest = self.store.versions()[-1:]
        is_same = newest and newest[0].fingerprint == fingerprint and not self.arguments.force
        if not is_same or not self.damage:
            return newest[0] if is_same else None
        if newest[0].withdrawn_at:
            raise Failed(
                f"what readers see is damaged ({self.damage}), and there is nothing but what was taken back to replace "
                f"it with: {newest[0]}. make rollback VERSION=n shows a version that is whole, --force this one again"
            )
        return None

    def guard(self) -> list[str]:
        """Let the arrival guard judge the raw tables; return what it warns of."""
        results = self.state / "gx"  # beside the versions, so that neither make build nor another home writes to it
        shutil.copytree(check_arrival.FOLDER, results, ignore=shutil.ignore_patterns("uncommitted"), dirs_exist_ok=True)
        withdrawn = {version.number for version in self.store.versions() if version.withdrawn_at}
        with self.store.watched():
            outcome = check_arrival.check(
                self.arguments.target,
                results,
                variables=self.dbt_vars(),
                loads=run_records.usual_arrivals(self.records.all(), withdrawn),
                accept=self.arguments.accept_anomalies,
            )
        self.run.arrival = outcome.load
        looks = [
            finding.look.replace("dbt show", "{look}dbt show", 1) + f" --target {self.arguments.target}"
            if finding.look.startswith("dbt show")
            else finding.look
            for finding in outcome.findings
        ]
        pairs = zip(outcome.findings, looks, strict=True)
        outcome = dataclasses.replace(outcome, findings=[dataclasses.replace(each, look=look) for each, look in pairs])
        if outcome.stopped:
            raise Refused(outcome.report(results=results, once="--accept-anomalies"))
        self.run.findings += [
            "\n      ".join([str(each), *each.remedies, f"see it: {each.look}"]) for each in outcome.findings
        ]
        return [str(finding) for finding in outcome.findings]

    def emptied_sources(self, inputs: dict[str, list]) -> list[Finding]:
        """Find sources that had rows in the last published load and have none now."""
        limits = publication_rules.Limits(self.variables)
        return publication_rules.emptied_sources(limits, self.store.current(), inputs, self.variables)

    def judged(self, findings: list[Finding]) -> list[str]:
        """Keep what the publication rules found in the record and return it; raise Refused where one stops."""
        lines = [f"{each}\n      see it: {each.look(self.store, self.arguments.target)}" for each in findings]
        if self.arguments.accept_anomalies:
            lines = [re.sub("^stop: ", "accepted: ", line) for line in lines]
        self.run.findings += lines
        if any(finding.severity == "stop" for finding in findings) and not self.arguments.accept_anomalies:
            once = "if that is right, --accept-anomalies publishes it this once; limits: var publication_rules"
            told = "\n".join(f"  {line}" for line in lines)
            raise Refused(f"what would be published is not fit to replace what is:\n{told}\n  {once}")
        return [str(finding) for finding in findings]

    def compared(self, inputs: dict[str, list]) -> Version | None:
        """Return what the build is held against: what readers see; where that is damaged, the newest whole version.

        inputs: of the fingerprint. Raises Failed where none is whole and something new came in.
        """
        if not self.damage:
            return self.store.current()
        whole = [each for each in self.store.seen() if not each.withdrawn_at and not self.store.damage(each)]
        if whole:
            return whole[-1]
        if self.store.current().fingerprint["inputs"] != inputs and not self.arguments.accept_anomalies:
            raise Failed(
                "no published version is whole, and the input has changed: what was built cannot be held against what "
                "was published. Where it is right, --accept-anomalies publishes it this once"
            )
        self.warn("no published version is whole, so nothing was compared with what was published")
        return None

    def is_full(self) -> bool:
        """Return whether all slices are built anew, as after an upgrade.

        The history cannot see a changed macro by itself (definitions_key), and dbt refuses to add a column to a table
        that it keeps; a changed model rebuilds the history anyway.
        """
        return self.arguments.full_refresh or not self.is_code_of_last_version

    def build(self) -> None:
        """Run dbt build with its data tests, on what this refresh loaded."""
        variables = (yaml.safe_load(self.dbt_vars() or "{}") or {}) | (
            {"anomalies_accepted": True} if self.arguments.accept_anomalies else {}
        )
        options = ["--vars", json.dumps(variables, default=str)] if variables else []
        options += ["--full-refresh"] if self.is_full() else []

        def tell(text: str) -> None:
            self.log.progress("build", text)

        tested_build.build(self.store, self.run, self.arguments.target, self.state, tell, *options)

    def draw(self) -> int:
        """Draw the report of what was built; return how many files. Marts are right without it: a fault is a warning.

        Spark has none: dbt-charts has no connection to a Thrift server.
        """
        folder = self.state / "report"
        shutil.rmtree(folder, ignore_errors=True)
        if not self.arguments.report or self.arguments.target == "spark":
            return 0
        is_file = isinstance(self.store, DuckDBStore)
        source = report.file_source(self.store.database) if is_file else report.postgres_source("marts")
        docs = ["--target", self.arguments.target, "--target-path", str(self.target_path)]
        docs += ["--vars", self.dbt_vars()] if self.dbt_vars() else []
        try:
            with self.store.watched():
                for fault in report.render(source, folder, self.variables["reporting_currency"], docs):
                    self.warn(f"the report lacks a {fault}")
            return len(list(folder.iterdir()))
        except (report.ReportError, OSError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            self.warn(f"the report could not be drawn, and this version has none: {messages.told(error)}")
            return 0

    def publish(self, fingerprint: dict[str, Any]) -> Version:
        """Publish what was built, with the record of this run in it."""
        self.run.version = self.store.next_number()
        self.run.outcome, self.run.finished_at = "published", run_records.now()
        self.store.write_records([*(run for run in self.records.all() if run.run_id != self.run.run_id), self.run])
        version = Version(
            number=self.run.version,
            run_id=self.run.run_id,
            published_at=self.run.finished_at,
            as_of_date=self.run.as_of_date,
            git_revision=self.run.git_revision,
            invocation_id=self.run.invocation_id,
            variables=self.variables,
            fingerprint=fingerprint,
        )
        self.store.publish(version, publishing.marts(self.target_path / "manifest.json"))
        if self.arguments.target == "postgres":  # on DuckDB it is in the version
            report.show(self.state / "report", self.arguments.home, version.number)
        return version

    def built_in(self) -> str:
        """Return how to look at the warehouse of what this run published, or nothing."""
        if not isinstance(self.store, DuckDBStore) or self.run.outcome != "published":
            return ""
        file = self.store.warehouses / f"{self.run.version:06}" / self.store.database.name
        return f"CUSTOMER_VALUE_DATABASE={shlex.quote(str(file))}"

    def keep_manifest(self) -> None:
        """Keep the manifest of what was published, which dbt's --state compares with."""
        kept = self.state / "manifest" / "manifest.json"
        kept.parent.mkdir(exist_ok=True)
        run_records.write_whole(kept, (self.target_path / "manifest.json").read_text(encoding="utf-8"))


def settle(records: Records, store: Store) -> str | None:
    """Note what became of runs that never said so, because they were killed; return it for people."""
    seen, said = {version.run_id: version.number for version in store.seen()}, []
    for run in records.all():
        if run.outcome == "running":
            run.version = seen.get(run.run_id)
            run.outcome = "published" if run.version else "killed"
            run.message = f"killed in step {run.step}" + (", after it had published" if run.version else "")
            records.save(run)
            said.append(f"run {run.run_id}, begun {run.started_at}, was {run.message}")
    return "; ".join(said) or None


def damage_of(store: Store) -> str | None:
    """Return what of the version that readers see is not as it was published, for people; None where all is."""
    current = store.current()
    found = store.damage(current) if current else []
    return f"version {current.number}: {'; '.join(found)}" if found else None


def still_published(store: Store | None) -> str:
    """Return what readers see, for people."""
    if store is None:
        return "what was before"
    try:
        current, damage = store.current(), damage_of(store)
        if not current:
            return "nothing that is known to be current" if store.versions() else "nothing yet"
    except Exception as error:  # what went wrong before matters more
        return f"what was before ({messages.told(error)})"
    return f"{current}, damaged: {damage}" if damage else str(current)


def open_store(arguments: argparse.Namespace) -> Store:
    """Return the store of a target; on Postgres with its lock. Raises LockedError, and NotNow where none answers."""
    if arguments.target == "duckdb":
        return DuckDBStore(arguments.home, project.default_database())
    return SparkStore(arguments.home) if arguments.target == "spark" else PostgresStore()


def run(arguments: argparse.Namespace) -> int:
    """Refresh under the lock; return the exit code."""
    arguments.home = arguments.home.resolve()
    try:
        publishing.open_home(arguments.home)
    except OSError as error:
        print(f"error: {arguments.home} cannot be used: {error}. Nothing was done", file=sys.stderr)
        return 2
    log, store = Log(arguments.home / "state" / "refresh.jsonl"), None
    lock = arguments.home / "state" / "lock"
    try:
        with file_lock.held(lock):
            store = open_store(arguments)
            records = store.records()
            this = Run(records.next_id(), run_records.now(), git_revision=git_revision())
            log.run_id = this.run_id
            log.end("lock", 0, "held", took_over=settle(records, store), warning=file_lock.doubt(lock))
            return finish(Refresh(arguments, store, records, log, this))
    except LockedError as error:
        code, message = 3, f"another refresh is running: {error}. Nothing was done"
    except NotNow as error:
        code, message = NOT_NOW, f"{messages.told(error)}. Nothing was done; it may pass by itself: run it again later"
    except (OSError, ValueError, psycopg2.Error, PublishError, Failed) as error:
        code, message = 2, messages.told(error)
    log.end("lock", 0, "refused" if code == 3 else "failed", error=message)
    if store is None and arguments.target == "duckdb":
        store = open_store(arguments)  # which asks for no lock
    print(f"error: {message}\nstill published: {still_published(store)}", file=sys.stderr)
    return code


def is_shown(store: Store, run: Run) -> bool:
    """Return whether readers see the version of a run."""
    with contextlib.suppress(Exception):  # the store does not answer: then nobody knows
        current = store.current()
        return current is not None and current.run_id == run.run_id
    return False


def finish(refresh: Refresh) -> int:
    """Carry a refresh out, write its record whatever happens, and say what is to be done."""
    run, store = refresh.run, refresh.store
    advice, may_pass = "", False
    try:
        run.outcome = refresh.refresh()
    except (Refused, LoadError) as error:
        run.outcome, run.message = "refused", messages.told(error)
        advice = "correct the data or the rule, then run it again"
    except NotNow as error:
        run.outcome, run.message, may_pass = "failed", f"{messages.told(error)}. That may pass by itself", True
        advice = "run it again later; nothing has to be cleaned up"
    except (Failed, PublishError, keepers.PrivacyError, check_arrival.CheckError, fit_clv.FitError, OSError) as error:
        run.outcome, run.message = "failed", messages.told(error)
        advice = "mend that, then run it again; nothing has to be cleaned up"
    except (duckdb.Error, psycopg2.Error) as error:
        run.outcome, run.message = "failed", f"the database says: {messages.told(error)}"
        advice = "mend that, then run it again; nothing has to be cleaned up"
    except KeyboardInterrupt:
        run.outcome, run.message = "failed", "it was stopped from outside"
        advice = "run it again; nothing has to be cleaned up"
    except Exception as error:  # whatever it is, readers keep what they have, and the record says so
        run.outcome, run.message = "failed", f"{type(error).__name__}: {messages.without_values(str(error))}"
        advice = "that is a fault of this script: its trace is above"
        print(messages.trace(error), file=sys.stderr)
    if run.outcome == "failed" and is_shown(store, run):  # what is published is published, whatever came after
        refresh.warn(f"published, but step {run.step} did not come to its end: {run.message}")
        run.outcome, may_pass = "published", False
    if refresh.damage:
        damage = f"damaged: {refresh.damage}"
        refresh.warn(
            f"what readers saw was {damage}; it is replaced"
            if run.outcome == "published"
            else f"what readers see is {damage}"
        )
    code = NOT_NOW if may_pass else ENDS[run.outcome]
    run.version = None if code else run.version
    with contextlib.suppress(OSError, psycopg2.Error):
        look = store.close_work(keep=run.outcome == "refused") or refresh.built_in()
        run.message = run.message.replace("{look}", f"{look} " if look else "")
        run.findings = [line.replace("{look}", f"{look} " if look else "") for line in run.findings]
    run.finished_at = run_records.now()
    with contextlib.suppress(OSError, psycopg2.Error, NotNow):
        refresh.records.save(run)
    if code:
        warnings = [line for line in run.findings if line.startswith(WARNING)]
        print(
            *warnings,
            f"error: refresh {run.run_id} {run.outcome} at step {run.step}: {run.message}\n"
            f"still published: {still_published(store)}\nnext: {advice}",
            sep="\n",
            file=sys.stderr,
        )
    else:
        if run.findings:
            print(f"{run.outcome}, with warnings:", *run.findings, sep="\n  ", file=sys.stderr)
        if refresh.log.is_terminal:
            print(f"{run.outcome}: {run.message}")
    return code
