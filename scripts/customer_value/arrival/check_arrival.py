"""The arrival guard: profiles of the raw tables, judged by Great Expectations. scripts/check_arrival.py says more."""

from __future__ import annotations

import argparse
import hashlib
import html
import itertools
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import traceback
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import yaml

from customer_value import contract, messages
from customer_value.arrival import words
from customer_value.dbt import dbt_program
from customer_value.processes import die_with_parent
from customer_value.project import PROJECT, default_database

if TYPE_CHECKING:
    import pandas as pd

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # before Great Expectations is imported, which is late: it takes seconds
FOLDER = PROJECT / "gx"
PAGE = "uncommitted/data_docs/arrival.html"
TABLE = "(table)"  # the row of a profile's table that is about the source, not a column of it
KEPT_LOADS = 100  # lines of the history
KEPT_RESULTS = 5  # checks that the Data Docs hold
SEVERITIES = {"stop": "critical", "warn": "warning"}
COMPARED = ("volume_ratio", "drift")  # the checks that earlier loads are needed for
FAULTS = ("absent_required", "absent_optional", "untypable_share", "rejected_share")  # which no threshold makes right
# {check: (what it looks at, how its number is written)}; every check is a column of a profile's table
CHECKS = {
    "absent_required": ("is required and not there", "flag"),
    "absent_optional": ("is in the contract and not there", "flag"),
    "additional": ("is not in the contract", "flag"),
    "rows": ("rows", ",.0f"),
    "volume_ratio": ("rows, as a multiple of the median of the last loads", ".2f"),
    "missing_share": ("share of rows where it is null or blank", ".1%"),
    "point_zero": ("ends in .0 where the same ids in another table do not", "flag"),
    "untypable_share": ("share of rows where it cannot be read as the contract's type", ".1%"),
    "rejected_share": ("share of rows that will be rejected for it", ".1%"),
    "unmatched_share": ("share of the orders with a customer whose customer is not in the table of customers", ".1%"),
    "drift": ("drift against the last loads (population stability index)", ".2f"),
    "age_days": ("days since the newest row", ",.1f"),
    "minimum": ("smallest value", ",.2f"),
    "maximum": ("largest value", ",.2f"),
}

# {beginning of a contract type: how it must be written}
FORMS = {
    "timestamp": "2023-11-14, 2023-11-14 13:15, 2023-11-14T13:15:00.25; then perhaps Z, UTC, GMT, -04, -0400 or -04:00",
    "numeric": "1234.56: digits and a point, nothing else",
    "integer": "1234: digits alone",
    "boolean": "true or false, t or f, yes or no, y or n, 1 or 0",
}
FORMS["date"] = FORMS["timestamp"]
EXPRESSIONS = "models/docs/mapping.md, Dates and numbers in another form"
IDS = ("customer_id", "order_id")  # what tables are joined by; an id's contract column ends so


class CheckError(Exception):
    """The arrival cannot be judged; the message says why."""


@dataclass(frozen=True)
class Finding:
    """One failed check of one column. severity: stop or warn. look: the command that shows the data.

    told: what is said of it in words, where that is more than its numbers. remedies: lines that say what it is about.
    """

    severity: str
    source: str
    column: str
    check: str
    expected: str
    observed: str
    look: str
    told: str = ""
    remedies: tuple[str, ...] = ()

    @classmethod
    def of(cls, asked: Any, row: dict, found: dict) -> Finding:
        """Return what a failed expectation says about one row of a source's table. found: one dict of profiles()."""
        check, column = asked.kwargs["column"], row["column_name"]
        query = f"arrival_rows('{found['source']}', '{column}')" if column in found["columns"] else None
        query = "arrival_unmatched()" if check == "unmatched_share" else query
        told = words.rejected(found, column) if check in ("rejected_share", "missing_share") else ""
        if check.startswith("absent"):
            told = words.absent(found, None if column == TABLE else column)
            lacks = f"; var has_{found['source']} is false for a source that you lack" * (found["source"] != "orders")
            look = f"models/staging/_sources.yml; var source_map (models/docs/mapping.md){lacks}"
        else:
            shows = f"{{{{ {query} }}}}" if query else f"select * from {found['table']}"
            look = f'dbt show --limit 20 --output json --inline "{shows}"'
        seen = written(check, float(row[check]))
        said = (asked.meta["expected"], seen, look, told, remedies(check, found, column))
        return cls(asked.meta["severity"], found["source"], column, check, *said)

    def __str__(self) -> str:
        place = self.source if self.column == TABLE else f"{self.source}.{self.column}"
        said = f"{CHECKS[self.check][0]}: {self.observed}, expected {self.expected}"
        if CHECKS[self.check][1] == "flag":
            said = CHECKS[self.check][0]
        return f"{self.severity.upper()}  {place}: {said}{': ' * bool(self.told)}{self.told}"


@dataclass(frozen=True)
class Outcome:
    """What a check found: findings, stops first; {source: table()}; how many loads it was compared with.

    load: what is to be remembered, remembered(), with "restarts" where what is far from the last loads was accepted.
    notes: lines to be said in any case.
    """

    findings: list[Finding]
    tables: dict[str, pd.DataFrame]
    compared: int
    load: dict
    notes: tuple[str, ...] = ()

    @property
    def stopped(self) -> bool:
        """Return whether nothing may be built."""
        return any(finding.severity == "stop" for finding in self.findings)

    def report(self, folder: Path = FOLDER, results: Path | None = None, once: str = "--restart-history") -> str:
        """Return what is said on the terminal. folder: of the thresholds, and of the results if they have no other.

        once: the option that takes what differs from earlier loads.
        """
        lines = ["\n      ".join([str(each), *each.remedies, f"look: {each.look}"]) for each in self.findings]
        can_be_right = any(each.severity == "stop" and each.check not in FAULTS for each in self.findings)
        lines += [
            f"Accepted; warnings: {len(self.findings)}."
            if not self.stopped
            else "Stopped: nothing was built, and what is published stays as it was. "
            + (
                f"If it is right from now on, edit {folder / 'thresholds.yml'}, or say {once} where only what came "
                "before differs."
                if can_be_right
                else "What is missing, cannot be read or will be rejected has to be mended first."
            ),
            *self.notes,
            f"Earlier loads to compare with: {self.compared or 'none, so volume and drift were not judged'}.",
            f"Summary: {(results or folder) / PAGE}",
        ]
        return "\n".join(lines)


def written(check: str, value: float) -> str:
    """Return a check's number for people."""
    form = CHECKS[check][1]
    return ("yes" if value else "no") if form == "flag" else format(value, form)


def expected(check: str, limits: list) -> str:
    """Return a range [smallest, largest] for people."""
    smallest, largest = (None if limit is None else written(check, limit) for limit in limits)
    if CHECKS[check][1] == "flag":
        return largest
    if smallest is None or largest is None:
        return f"at most {largest}" if smallest is None else f"at least {smallest}"
    return f"{smallest} to {largest}"


def remedies(check: str, found: dict, column: str) -> tuple[str, ...]:
    """Return what is to be known of a finding beside its number: values that cannot be read, and what could be."""
    if check == "point_zero":
        return ("they would be other customers or orders: leave it out at the source, or in a view of your own",)
    if check != "untypable_share":
        return ()
    kind = found["columns"][column]["data_type"]
    forms = next((form for begin, form in FORMS.items() if kind.startswith(begin)), "")
    examples = found.get("unreadable", {}).get(column)
    return (
        *([f"for example: {'; '.join(examples)}"] if examples else []),
        f"can be read: {forms}",
        f"what to do: write it so, or give the expression for it in var source_map ({EXPRESSIONS})",
    )


def mark_point_zeros(found: list[dict]) -> None:
    """Note which ids end in .0 while the same ids in another table do not: the two would never meet.

    found: profiles(), each of which gets the set "point_zero" of such columns.
    """
    for kind in IDS:
        shares = {}
        for item in found:
            item.setdefault("point_zero", set())
            row = item["profile"] or {}
            for name in item["columns"]:
                if name.endswith(kind) and row.get(f"{name}__typed") and f"{name}__point_zero" in row:
                    shares[item["source"], name] = row[f"{name}__point_zero"] / row[f"{name}__typed"]
        if any(share < 0.5 for share in shares.values()):
            for item in found:
                item["point_zero"] |= {name for name in item["columns"] if shares.get((item["source"], name), 0) >= 0.5}


def profiles(target: str, now: datetime, variables: str | None = None) -> list[dict]:
    """Return what macro arrival_profiles prints, one dict per enabled source, through dbt's own connection.

    now: time of the check, with time zone. variables: dbt's --vars. Raises CheckError when dbt or the engine refuses.
    """
    if target == "duckdb" and not default_database().exists():
        raise CheckError(f"there is no database {default_database()}; load the raw tables first")
    arguments = json.dumps({"utc": now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")})
    command = [dbt_program(target), "--quiet", "--no-use-colors", "--print", "run-operation", "arrival_profiles"]
    command += ["--target", target, "--args", arguments, *(["--vars", variables] if variables else [])]
    try:
        done = subprocess.run(
            command, cwd=PROJECT, capture_output=True, text=True, check=False, preexec_fn=die_with_parent
        )
    except OSError as error:
        raise CheckError(f"dbt cannot be started: {error}") from error
    found = [json.loads(line) for line in re.findall(r"^arrival_profile (\{.*\})$", done.stdout, re.MULTILINE)]
    if refused := words.refused_expression(done.stdout + done.stderr):
        raise CheckError(refused)
    if done.returncode or not found:
        printed = re.compile(r"^(arrival_profile|source_map_try) .*\n", re.MULTILINE)
        profiles_left_out = printed.sub("", done.stdout + done.stderr)
        said = messages.without_values(profiles_left_out)
        raise CheckError(f"dbt could not profile the raw tables:\n{said[-3000:]}")
    return found


def histogram(profile: dict, column: str) -> list[int] | None:
    """Return the rows per bucket of an amount, those without it last; None for what is no amount."""
    row = profile["profile"] or {}
    below = [row[name] for name in row if name.startswith(f"{column}__below_")]
    if not below:
        return None
    edges = [0, *below, row[f"{column}__typed"], row["row_count"]]
    return [int(upper - lower) for lower, upper in itertools.pairwise(edges)]


def remembered(found: list[dict], now: datetime) -> dict:
    """Return a load as the history keeps it. The fingerprint is the same as long as the raw tables are."""
    clockless = [
        {name: value for name, value in item.items() if name != "point_zero"}
        | {"checked_at": None, "profile": (item["profile"] or {}) | {"newest_at": None}}
        for item in found
    ]
    return {
        "at": now.isoformat(timespec="seconds"),
        "fingerprint": hashlib.sha256(json.dumps(clockless, sort_keys=True).encode()).hexdigest(),
        "sources": {
            item["source"]: {
                "rows": int((item["profile"] or {}).get("row_count", 0)),
                "amounts": {name: counts for name in item["columns"] if (counts := histogram(item, name))},
            }
            for item in found
        },
    }


def history_file(target: str) -> Path:
    """Return where the accepted loads are remembered: with the data, so that a new clone still knows them."""
    default = PROJECT / "data" / target if target != "duckdb" else default_database()
    return Path(os.environ.get("CUSTOMER_VALUE_ARRIVALS") or default.with_suffix(".arrivals.jsonl"))


def history(file: Path) -> list[dict]:
    """Return the accepted loads, oldest first. Raises CheckError for a file that cannot be read."""
    try:
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    except (OSError, ValueError) as error:
        raise CheckError(f"cannot read {file}: {error}; --restart-history starts a new one") from error


def remember(file: Path, loads: list[dict]) -> None:
    """Replace the history in one step, so that it is never half written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(file.name + ".draft")
    draft.write_text("".join(json.dumps(load) + "\n" for load in loads[-KEPT_LOADS:]))
    draft.replace(file)


def drift(counts: list[int], past: list[list[int]]) -> float:
    """Return the population stability index of a histogram against the mean of others: 0 is none, above 1 much.

    Half a row is added to each bucket, so that an empty one is no infinity.
    """
    shares = [[(count + 0.5) / (sum(load) + 0.5 * len(load)) for count in load] for load in [counts, *past]]
    usual = [statistics.fmean(bucket) for bucket in zip(*shares[1:], strict=True)]
    return sum((now - then) * math.log(now / then) for now, then in zip(shares[0], usual, strict=True))


def table(found: dict, loads: list[dict], enough: int) -> pd.DataFrame:
    """Return a source's profile as the table that is judged: a row for the source and one for each column.

    found: one dict of profiles(). loads: accepted loads to compare with. enough: rows from which a load says something.
    Columns: column_name and CHECKS, all numbers; what does not apply is NaN, and NaN is never judged.
    """
    import pandas as pd  # here, so that --help does not wait for it

    row, source = found["profile"] or {}, found["source"]
    rows = row.get("row_count")
    past = [load["sources"][source] for load in loads if load["sources"].get(source, {}).get("rows", 0) >= enough]
    usual = statistics.median(load["rows"] for load in past) if past else None
    newest = row.get("newest_at")
    age = newest and datetime.fromisoformat(found["checked_at"]) - datetime.fromisoformat(newest)
    lines: list[dict[str, Any]] = [
        {
            "column_name": TABLE,
            "absent_required": not found["is_there"],
            "rows": rows,
            "volume_ratio": rows / usual if usual and rows is not None else None,
            "age_days": age.total_seconds() / 86400 if age else None,
        }
    ]
    for name, column in found["columns"].items():
        line = {"column_name": name}
        if found["is_there"]:
            line["absent_required" if column["required"] else "absent_optional"] = not column["is_there"]
        if column["is_there"] and rows:
            untypable = row[f"{name}__untypable"]
            line["point_zero"] = name in found.get("point_zero", ())
            line["untypable_share"] = untypable / rows
            line["missing_share"] = (rows - row[f"{name}__typed"] - untypable) / rows if column["required"] else None
            line |= {"minimum": row.get(f"{name}__min"), "maximum": row.get(f"{name}__max")}
            if name in ("currency", "status"):
                line["rejected_share"] = found.get("rejects", {}).get(name, {"row_count": 0})["row_count"] / rows
            if name == "customer_id" and (unmatched := found.get("unmatched")) and unmatched["identified"]:
                line["unmatched_share"] = unmatched["row_count"] / unmatched["identified"]
            amounts = [load["amounts"][name] for load in past if name in load["amounts"]]
            if amounts and rows >= enough and (counts := histogram(found, name)):
                line["drift"] = drift(counts, [load for load in amounts if len(load) == len(counts)] or [counts])
        lines.append(line)
    lines += [{"column_name": name, "additional": True} for name in found["additional"]]
    frame = pd.DataFrame(lines, columns=["column_name", *CHECKS])
    return frame.astype(dict.fromkeys(CHECKS, float))


def thresholds(folder: Path) -> dict:
    """Return thresholds.yml, with "expectations": {source: its expectations}, its own thresholds or the defaults.

    Imports Great Expectations, which takes seconds. Raises CheckError when the file cannot be used.
    """
    file = folder / "thresholds.yml"
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
        own = found["sources"] or {}
        if unknown := set(own) - set(contract.sources()):
            raise ValueError(f"there is no source {', '.join(unknown)}")
        found["expectations"] = {}
        for source in contract.sources():
            checks = dict(found["defaults"])
            for check, setting in own.get(source, {}).items():
                checks[check] = checks[check] | setting if isinstance(setting, dict) else setting
            found["expectations"][source] = [each for item in checks.items() for each in expectations(*item)]
        found["compared_loads"] + found["compared_from_rows"]
    except (OSError, ValueError, TypeError, LookupError, AttributeError, yaml.YAMLError) as error:
        raise CheckError(f"cannot use {file}: {type(error).__name__}: {error}") from error
    return found


def expectations(check: str, setting: Any, column: str | None = None) -> list:
    """Return the expectations of one setting of thresholds.yml; column: the only one that it is about."""
    from great_expectations.expectations import ExpectColumnValuesToBeBetween
    from great_expectations.expectations.conditions import Column

    if check == "values":
        bounds = itertools.product(setting.items(), ("minimum", "maximum"))
        return [each for (name, limits), bound in bounds for each in expectations(bound, limits, name)]
    if CHECKS[check][1] == "flag":
        setting = {} if setting in ("off", False) else {setting: [0, 0]}  # YAML reads off as false
    return [
        ExpectColumnValuesToBeBetween(
            column=check,
            min_value=limits[0],
            max_value=limits[1],
            row_condition=column and Column("column_name") == column,
            severity=SEVERITIES[severity],
            description=f"{severity}: {CHECKS[check][0]}: {expected(check, limits)}",
            meta={"severity": severity, "expected": expected(check, limits)},
        )
        for severity, limits in setting.items()
        if limits
    ]


def shown(name: str) -> str:
    """Return a column's name as Great Expectations gets it: its pages write names as they are, and fill in at $."""
    return html.escape(name).replace("$", "&#36;")


def judge(found: list[dict], loads: list[dict], limits: dict, folder: Path, now: datetime) -> tuple[list, dict]:
    """Let Great Expectations judge the profiles, one suite per source, and write its Data Docs.

    found: profiles(). loads: accepted loads to compare with. limits: thresholds(), good for one call. folder: Great
    Expectations' context. Returns (findings, {source: table()}).
    Raises CheckError when an expectation cannot be judged.
    """
    import great_expectations as gx
    from great_expectations.core import RunIdentifier

    make_room(folder / "uncommitted")
    context = gx.get_context(mode="file", context_root_dir=folder)
    batch = context.data_sources.get("arrival").get_asset("profile").get_batch_definition("whole")
    frames = {item["source"]: table(item, loads, limits["compared_from_rows"]) for item in found}
    findings = {}
    for item in found:
        names = frames[item["source"]]["column_name"]
        named = {shown(name): name for name in names}
        suite = gx.ExpectationSuite(name=item["source"], expectations=limits["expectations"][item["source"]])
        suite = context.suites.add(suite)
        validation = gx.ValidationDefinition(name=item["source"], data=batch, suite=suite)
        results = context.validation_definitions.add(validation).run(
            batch_parameters={"dataframe": frames[item["source"]].assign(column_name=names.map(shown))},
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["column_name"]},
            run_id=RunIdentifier(run_name=now.strftime("%Y%m%dT%H%M%S.%fZ"), run_time=now),
        )
        for result in results.results:
            if not result.success and "unexpected_index_list" not in result.result:
                raise CheckError(f"Great Expectations could not judge {item['source']}: {result.exception_info}")
            for row in [] if result.success else result.result["unexpected_index_list"]:
                row = row | {"column_name": named[row["column_name"]]}
                finding = Finding.of(result.expectation_config, row, item)
                key = (finding.source, finding.column, finding.check)
                if key not in findings or finding.severity == "stop":  # a warning says nothing more
                    findings[key] = finding
    context.build_data_docs()
    return list(findings.values()), frames


def make_room(results: Path) -> None:
    """Remove suites, which are made anew from the thresholds, and results of all but the last checks."""
    for name in ("expectations", "validation_definitions", "data_docs"):
        shutil.rmtree(results / name, ignore_errors=True)
    for suite in (results / "validations").glob("*/"):
        for old in sorted(suite.glob("*/"))[: 1 - KEPT_RESULTS]:
            shutil.rmtree(old)


def check(
    target: str = "duckdb",
    folder: Path = FOLDER,
    file: Path | None = None,
    restart_history: bool = False,
    variables: str | None = None,
    loads: list[dict] | None = None,
    accept: bool = False,
) -> Outcome:
    """Check what arrived, write the pages and, unless it is stopped, remember the load.

    target: of profiles/profiles.yml. folder: holds the thresholds, and the results in uncommitted/. file: the history.
    restart_history: compare with no earlier load, and begin anew with this one. variables: dbt's --vars. loads: the
    earlier loads, oldest first, where the caller remembers them; then no file is read or written. accept: what would
    stop only because earlier loads differ is a warning. Raises CheckError when it cannot be judged; nothing is
    remembered then.
    """
    now, file, is_ours = datetime.now(UTC), file or history_file(target), loads is None
    limits = thresholds(folder)
    if is_ours:
        loads = [] if restart_history else history(file)
    found = profiles(target, now, variables)
    load = remembered(found, now)
    mark_point_zeros(found)
    if loads and loads[-1]["fingerprint"] == load["fingerprint"]:  # looked at again: not compared with itself
        loads = loads[:-1]
    past = loads[::-1][: limits["compared_loads"]]
    findings, frames = judge(found, past, limits, folder, now)
    if accept and any(finding.severity == "stop" and finding.check in COMPARED for finding in findings):
        load["restarts"] = True
        findings = [replace(each, severity="warn") if each.check in COMPARED else each for each in findings]
    findings = sorted(findings, key=lambda finding: finding.severity)
    outcome = Outcome(findings, frames, len(past), load, tuple(words.unmatched(found)))
    template = jinja2.Template((folder / "arrival.html.j2").read_text(encoding="utf-8"), autoescape=True)
    page = template.render(
        outcome=outcome, found=found, now=now, target=target, checks=CHECKS, written=written, table=TABLE
    )
    (folder / PAGE).write_text(page, encoding="utf-8")
    if is_ours and not outcome.stopped:
        remember(file, [*loads, load])
    return outcome


def run(arguments: argparse.Namespace) -> int:
    """Check what arrived and say what was found; return the exit code. arguments: of scripts/check_arrival.py."""
    try:
        outcome = check(
            arguments.target, arguments.folder, restart_history=arguments.restart_history, variables=arguments.vars
        )
    except Exception as error:  # an error of whatever kind must not pass for an answer
        if not isinstance(error, CheckError):
            traceback.print_exc()
        print(f"error: what arrived cannot be judged, so nothing is built: {error}", file=sys.stderr)
        return 2
    print(outcome.report(arguments.folder))
    return 1 if outcome.stopped else 0
