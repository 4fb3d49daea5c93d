"""What passes by itself has an exit code of its own, which schedules try again; locks on shared disks are doubted."""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import re
import subprocess
from pathlib import Path

import pytest

from customer_value.project import PROJECT
from customer_value.publish.duckdb_store import DuckDBStore
from customer_value.publish.publishing import NotNow
from customer_value.refresh import file_lock, refresh
from customer_value.refresh.refresh import Log, Refresh
from customer_value.refresh.run_records import Records, Run

SCHEDULE = PROJECT / "scripts" / "schedule"


def test_what_may_pass_ends_with_4_and_says_so_in_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    for name in ("CUSTOMER_VALUE_DATABASE", "DBT_TARGET_PATH", "DBT_LOG_PATH"):
        monkeypatch.setenv(name, "")  # what the refresh sets is taken back after the test

    def load(*_: object) -> str:
        raise NotNow("shop.duckdb is open elsewhere")

    monkeypatch.setattr(DuckDBStore, "load", load)
    arguments = argparse.Namespace(
        data="raw", target="duckdb", vars=None, home=tmp_path, force=False, full_refresh=False, accept_anomalies=False
    )
    assert refresh.run(arguments) == 4
    assert "refresh 1 failed at step load: shop.duckdb is open elsewhere" in capsys.readouterr().err
    (run,) = Records(tmp_path / "state" / "runs").all()
    assert (run.outcome, run.message) == ("failed", "shop.duckdb is open elsewhere. That may pass by itself")


def test_a_record_of_another_release_is_read(tmp_path: Path):
    records = Records(tmp_path)
    records.save(Run(1, "then", outcome="published"))
    file = tmp_path / "000001.json"
    file.write_text(file.read_text().replace("{", '{"new": 1, ', 1))
    assert [run.outcome for run in records.all()] == ["published"]
    assert records.next_id() == 2
    file.write_text("[]")
    with pytest.raises(ValueError, match=re.escape("000001.json is no record of a run")):
        records.all()


# --- the lock on shared file systems

MOUNTS = """/dev/vda1 / ext4 rw 0 0
tmpfs {tmp} tmpfs rw 0 0
filer:/export {tmp}/the\\040filer nfs4 rw 0 0
"""


def test_a_home_that_machines_share_is_doubted(tmp_path: Path):
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS.format(tmp=tmp_path))
    assert file_lock.file_system(tmp_path / "lock", mounts) == "tmpfs"
    assert file_lock.doubt(tmp_path / "lock", mounts) is None
    said = file_lock.doubt(tmp_path / "the filer" / "home" / "state" / "lock", mounts)
    assert said.startswith("HOME is on nfs4, which machines share: there the lock may not hold for another machine.")
    assert file_lock.doubt(tmp_path / "lock", tmp_path / "no mounts") is None
    assert file_lock.doubt(tmp_path / "lock") is None  # as this machine's own /proc/mounts has it


def test_the_first_line_of_a_refresh_tells_the_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_lock, "doubt", lambda file: f"{file.name} is doubted")
    monkeypatch.setattr(Refresh, "refresh", lambda self: "unchanged")
    told = []
    monkeypatch.setattr(Log, "end", lambda self, step, seconds, outcome, **details: told.append(details))
    assert refresh.run(argparse.Namespace(target="duckdb", vars=None, home=tmp_path)) == 0
    assert told[0]["warning"] == "lock is doubted"


def test_a_file_system_without_locks_is_an_error_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    said = r"cannot be locked \(No locks available\): .* Have HOME on a disk of this machine"
    with pytest.raises(OSError, match=said), file_lock.held(tmp_path / "lock"):
        pass


# --- the schedules


@pytest.mark.parametrize(
    ("codes", "tries", "mailed"),
    [("0", 1, ""), ("1", 1, "said 1\n"), ("4 0", 2, ""), ("4 4 4 0", 3, "said 3\n"), ("2", 1, "said 1\n")],
)
def test_the_line_of_the_crontab_tries_again_what_passes_and_mails_the_last_try(
    tmp_path: Path, codes: str, tries: int, mailed: str
):
    program = tmp_path / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    # stands in for the refresh: its exit codes one after the other, with an error for each that is not 0
    program.write_text(
        "#!/bin/sh\necho a step\necho try >> tried\nn=$(wc -l < tried)\n"
        f'code=$(echo {codes} | cut -d" " -f$n)\n[ "$code" -eq 0 ] || echo "said $n" >&2\nexit "$code"\n'
    )
    program.chmod(0o755)
    waits = tmp_path / "sleep"  # the waits are left out
    waits.write_text('#!/bin/sh\necho "$1" >> waited\n')
    waits.chmod(0o755)
    (line,) = re.findall(r"^15 3 \* \* \*  (.*)$", (SCHEDULE / "crontab").read_text(), re.MULTILINE)
    assert "%" not in line  # which cron takes for the end of a line
    environment = {"PROJECT": str(tmp_path), "DATA": "raw", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["/bin/sh", "-c", line], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == mailed
    assert (tmp_path / "tried").read_text().count("try") == tries
    waited = (tmp_path / "waited").read_text().split() if tries > 1 else []
    assert waited == ["600", "1800"][: tries - 1]


def test_systemd_and_dagster_try_4_again_and_not_1():
    unit = (SCHEDULE / "customer-value-refresh.service").read_text()
    settings = dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))
    assert settings["Restart"] == "on-failure"
    assert "4" not in settings["RestartPreventExitStatus"].split() + settings["SuccessExitStatus"].split()
    assert "1" in settings["RestartPreventExitStatus"].split()
    assert "allow_retries=code != REFUSED" in (SCHEDULE / "dagster_definitions.py").read_text()
