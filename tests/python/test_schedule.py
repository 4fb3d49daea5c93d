"""The examples of scripts/schedule are run once each, by a real cron, a real systemd and Dagster's own command line.

cron and systemd run in a system to throw away (throwaway_system.py), where the project is at the path that the examples
name: the units are taken as they are but for the random delay, in the crontab only DATA and the time are set. Mail ends
in a file there.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import SHOP
from throwaway_system import INSIDE, USER, System, running, wait_for

from customer_value.project import PROJECT

pytestmark = pytest.mark.schedule

EXAMPLES = PROJECT / "scripts" / "schedule"
DATA = str(SHOP.relative_to(PROJECT))
REFRESH_SECONDS = 300  # five times what it takes
NO_DATA = "/nowhere"  # refused, exit code 1


def published(home: Path) -> dict[str, Any]:
    """Return what is known of the current version; its marts must hold the rows that it says."""
    current = home / "versions" / (home / "current").readlink().name
    version = json.loads((current / "version.json").read_text())
    with tempfile.TemporaryDirectory() as folder:  # DuckDB follows links, and those out of /proc lead nowhere here
        copy = shutil.copy(current / "full.duckdb", folder)
        with duckdb.connect(copy, read_only=True) as connection:
            for mart, rows in version["row_counts"].items():
                assert connection.execute(f"select count(*) from marts.{mart}").fetchone() == (rows,), mart
    assert version["row_counts"]["customer_value"] > 0
    return version


def with_one(text: str, old: str, new: str) -> str:
    """Replace what must be in a text exactly once."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


# --- cron


def crontab(data: str) -> str:
    """Return the example with its DATA, to run once, in the next minute that cron will look at."""
    text = with_one((EXAMPLES / "crontab").read_text(), "\nDATA=raw\n", f"\nDATA={data}\n")
    at = dt.datetime.now() + dt.timedelta(seconds=70)
    return with_one(text, "\n15 3 * * * ", f"\n{at.minute} {at.hour} * * * ")


def test_cron_publishes_without_a_mail_and_mails_what_went_wrong(tmp_path: Path) -> None:
    with running(tmp_path / "system", "/usr/bin/sleep", "infinity", network=True) as system:
        install_cron(system)
        mail, home = system.path("/tmp/mail"), system.path(INSIDE / "data" / "published")

        # the customers of this shop's orders are not all in it, which a refresh warns of, and cron mails a warning
        system.run("rm", str(INSIDE / DATA / "customers.csv"))
        install_table(system, DATA)
        system.run("cron")
        wait_for("cron's refresh", (home / "current").is_symlink, 130 + REFRESH_SECONDS)
        wait_for("its end", lambda: not jobs(system), 60)
        assert published(home)["number"] == 1
        assert not mail.exists(), mail.read_text()

        install_table(system, NO_DATA)
        wait_for("a mail", lambda: mail.exists() and not jobs(system), 130 + 60)
        assert "To: root" in mail.read_text()
        assert "error: refresh 2 refused at step load" in mail.read_text()
        assert published(home)["number"] == 1


def install_cron(system: System) -> None:
    """Install Debian's cron, and a mailer that keeps what it is given in a file."""
    system.run("sh", "-c", "printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d")
    if not system.path("/usr/sbin/cron").exists():
        system.run("apt-get", "update", "-qq")
        system.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "cron")
    system.run("sh", "-c", "printf '#!/bin/sh\ncat >> /tmp/mail\n' > /usr/sbin/sendmail && chmod +x /usr/sbin/sendmail")


def install_table(system: System, data: str) -> None:
    """Install the example as the table of the user, as it says."""
    system.path("/etc/table").write_text(crontab(data))
    system.run("crontab", "-u", USER, "/etc/table")


def jobs(system: System) -> str:
    """Return the living processes of the user whose table cron works off: process 1 here leaves zombies."""
    return system.run("pgrep", "-u", USER, "--runstates", "D,R,S", check=False)


# --- systemd

UNIT = "customer-value-refresh"


def state(system: System, *names: str) -> list[str]:
    """Return properties of the service."""
    lines = system.run("systemctl", "show", f"{UNIT}.service", *(f"--property={name}" for name in names)).splitlines()
    found = dict(line.split("=", 1) for line in lines)
    return [found[name] for name in names]


def has_run(system: System) -> bool:
    """Tell whether a run of the service has ended, however it did."""
    sub_state, started = state(system, "SubState", "ExecMainStartTimestamp")
    return bool(started) and sub_state in ("dead", "failed", "auto-restart")


def set_data(system: System, data: str) -> None:
    """Set DATA as the unit says that it is set."""
    system.path(f"/etc/default/{UNIT}").write_text(f"DATA={data}\n")


def test_systemd_makes_up_for_a_missed_night_and_tells_the_exit_codes_apart(tmp_path: Path) -> None:
    with running(tmp_path / "system", "/lib/systemd/systemd", "--system", "--unit=basic.target") as system:
        wait_for("systemd", lambda: system.run("systemctl", "is-active", "basic.target", check=False) == "active", 60)
        for suffix in ("service", "timer"):
            name = f"{UNIT}.{suffix}"
            system.path(f"/etc/systemd/system/{name}").write_text((EXAMPLES / name).read_text())
        set_data(system, DATA)
        system.run("systemctl", "daemon-reload")
        units = [f"/etc/systemd/system/{UNIT}.{suffix}" for suffix in ("service", "timer")]
        assert system.run("sh", "-c", f"systemd-analyze verify --man=no {' '.join(units)} 2>&1") == ""

        # the machine was off for two days: the timer starts the service at once, but for the random delay
        system.path(f"/etc/systemd/system/{UNIT}.timer.d").mkdir()
        system.path(f"/etc/systemd/system/{UNIT}.timer.d/now.conf").write_text("[Timer]\nRandomizedDelaySec=0\n")
        system.run("systemctl", "daemon-reload")
        system.run("sh", "-c", f"cd /var/lib/systemd/timers && touch -d '2 days ago' stamp-{UNIT}.timer")
        system.run("systemctl", "enable", "--now", f"{UNIT}.timer")
        wait_for("the refresh", lambda: has_run(system), REFRESH_SECONDS)
        journal = system.run("journalctl", "--no-pager", "--output=cat", f"--unit={UNIT}.service")
        assert state(system, "Result", "ExecMainStatus") == ["success", "0"], journal
        home = system.path("/var/lib/customer_value")
        assert published(home)["number"] == 1
        assert [line for line in journal.splitlines() if '"step": "publish", "outcome": "done"' in line]
        # only where the unit lets it
        written = system.run("find", "/", "-xdev", "-user", USER, "-newer", units[0], "-not", "-path", "/proc/*")
        allowed = ("/var/lib/customer_value",)
        assert not [path for path in written.splitlines() if not path.startswith(allowed)]
        following = system.run("systemctl", "show", f"{UNIT}.timer", "--property=NextElapseUSecRealtime")
        assert " 03:15:00 " in following, following

        # 3: another refresh is running, which is no failure
        lock = home / "state" / "lock"
        with lock.open("a") as content:
            fcntl.flock(content, fcntl.LOCK_EX)
            system.run("systemctl", "start", f"{UNIT}.service")
        assert state(system, "Result", "ExecMainStatus", "NRestarts") == ["success", "3", "0"]

        # 1: refused, and not tried again
        set_data(system, NO_DATA)
        system.run("systemctl", "start", f"{UNIT}.service", check=False)
        assert state(system, "SubState", "ExecMainStatus", "NRestarts") == ["failed", "1", "0"]

        # 2: failed, and tried again later
        (home / "state" / "runs" / "000009.json").write_text("damaged")
        system.run("systemctl", "reset-failed", f"{UNIT}.service")  # the starts by hand count, too
        system.run("systemctl", "start", "--no-block", f"{UNIT}.service")
        wait_for("the wait before another try", lambda: state(system, "SubState") == ["auto-restart"], 60)
        assert state(system, "ExecMainStatus") == ["2"]
        assert published(home)["number"] == 1


def test_the_calendar_of_the_timer_is_every_night() -> None:
    (calendar,) = re.findall(r"^OnCalendar=(.*)$", (EXAMPLES / f"{UNIT}.timer").read_text(), re.MULTILINE)
    command = ["systemd-analyze", "calendar", "--iterations=2", calendar]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    nights = [dt.date.fromisoformat(day) for day in re.findall(r"(\d{4}-\d\d-\d\d) 03:15:00 UTC", said)]
    assert len(set(nights)) == 2 and max(nights) - min(nights) == dt.timedelta(days=1), said


# --- Dagster

DAGSTER = PROJECT / ".venv-dagster" / "bin"

# what Dagster has on record, and the lineage that the example gives it
LOOK = """
import json, sys
sys.path.insert(0, "scripts/schedule")
import dagster as dg
import dagster_definitions as example
instance = dg.DagsterInstance.get()
events = {}
for key in instance.all_asset_keys():
    records = instance.fetch_materializations(key, limit=100).records
    values = [{n: m.value for n, m in record.asset_materialization.metadata.items()} for record in records]
    events[key.path[-1]] = values
parents = {key.path[-1]: sorted(parent.path[-1] for parent in found)
           for key, found in example.customer_value.asset_deps.items()}
retries = [record.event_log_entry.dagster_event.event_type_value
           for run in instance.get_runs() for record in instance.get_records_for_run(run.run_id).records
           if record.event_log_entry.dagster_event].count("STEP_RESTARTED")
print(json.dumps({"events": events, "parents": parents, "retries": retries}))
"""


class Dagster:
    """Dagster's command line on a folder of its own, which is DAGSTER_HOME and has HOME in it."""

    def __init__(self, folder: Path) -> None:
        """folder: an empty one."""
        self.folder, self.home = folder, folder / "published"
        (folder / "dagster.yaml").write_text((EXAMPLES / "dagster.yaml").read_text())

    def run(self, *command: str, data: str = DATA) -> subprocess.CompletedProcess:
        """Run one of its environment's programs."""
        environment = os.environ | {
            "DAGSTER_HOME": str(self.folder),
            "CUSTOMER_VALUE_DATA": data,
            "CUSTOMER_VALUE_PUBLISHED": str(self.home),
            "CUSTOMER_VALUE_RETRY_SECONDS": "1",
        }
        command = [str(DAGSTER / command[0]), *command[1:]]
        return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)

    def refresh(self, data: str = DATA) -> subprocess.CompletedProcess:
        """Run the job once, as the example says."""
        return self.run(
            "dagster", "job", "execute", "-f", "scripts/schedule/dagster_definitions.py", "-j", "refresh", data=data
        )

    def look(self) -> dict[str, Any]:
        """Return what is on record."""
        done = self.run("python", "-c", LOOK)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


def test_dagster_publishes_a_version_and_records_the_rows_of_every_model(tmp_path: Path) -> None:
    dagster = Dagster(tmp_path)
    done = dagster.refresh()
    assert done.returncode == 0, done.stdout + done.stderr
    version, seen = published(dagster.home), dagster.look()
    assert version["number"] == 1
    recorded = {name: values[0].get("dagster/row_count") for name, values in seen["events"].items() if values}
    assert {name: rows for name, rows in recorded.items() if name in version["row_counts"]} == version["row_counts"]
    (warehouse,) = (dagster.home / "state" / "warehouses").glob("*/warehouse.duckdb")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name not in ('raw', 'operations')"
        ).fetchall():
            rows = connection.execute(f'select count(*) from {schema}."{table}"').fetchone()[0]
            assert recorded.get(table, rows) == rows, table
    for name, values in seen["events"].items():
        published_too = name in version["row_counts"]
        assert [(value["version"], value["published"]) for value in values] == [(1, published_too)], name

    # the lineage is dbt's
    manifest = json.loads((PROJECT / "target" / "dagster" / "manifest.json").read_text())
    models = {node["unique_id"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    for node_id in models:
        wanted = [parent for parent in manifest["parent_map"][node_id] if parent.startswith(("model.", "seed."))]
        assert set(seen["parents"][models[node_id]["name"]]) >= {parent.split(".")[-1] for parent in wanted}, node_id
    assert not (tmp_path / ".telemetry").exists()

    # nothing new: no failure, and no record of what was not made
    done = dagster.refresh()
    assert done.returncode == 0 and "nothing new" in done.stderr + done.stdout
    assert dagster.look()["events"] == seen["events"]


def test_dagster_tries_again_where_that_may_help_and_tells_the_message(tmp_path: Path) -> None:
    dagster = Dagster(tmp_path)
    done = dagster.refresh(data=NO_DATA)
    assert done.returncode != 0
    assert "error: refresh 1 refused at step load" in done.stdout + done.stderr
    assert dagster.look()["retries"] == 0

    with (dagster.home / "state" / "lock").open("a") as content:
        fcntl.flock(content, fcntl.LOCK_EX)
        done = dagster.refresh()
    assert done.returncode != 0
    assert "another refresh is running" in done.stdout + done.stderr
    assert dagster.look()["retries"] == 2
