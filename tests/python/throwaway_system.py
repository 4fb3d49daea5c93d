"""A system to throw away: the machine's own files under a layer in memory, with its own processes, mounts and init.

What runs in it may install packages, add users and write anywhere: the machine sees none of it, and all of it is gone,
processes included, when the block ends. It shares the machine's clock and kernel, and the network on request. Linux,
as root.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from customer_value.processes import die_with_parent
from customer_value.project import PROJECT

INSIDE = Path("/srv/customer_value")  # where the examples have the project
USER = "customer_value"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# $1: a folder. The rest is what runs as process 1. pivot_root and not chroot, since systemd makes namespaces of its own
BEGIN = rf"""
set -e
mount -t tmpfs tmpfs "$1" && cd "$1" && mkdir upper work root project project-work
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
root=$1/root; mkdir -p $root{INSIDE} $root/before
mount -t overlay overlay -o lowerdir={PROJECT},upperdir=project,workdir=project-work $root{INSIDE}
mount -t proc proc $root/proc
# what is set in /proc/sys and /sys would be set for the whole machine
mount --bind $root/proc/sys $root/proc/sys && mount -o remount,bind,ro $root/proc/sys
mount --bind /sys $root/sys && mount -o remount,bind,ro $root/sys
mount -t tmpfs -o mode=755 tmpfs $root/sys/fs/cgroup && mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs $root/dev && mkdir $root/dev/shm $root/dev/pts
for name in null zero full random urandom tty; do touch $root/dev/$name; mount --bind /dev/$name $root/dev/$name; done
mount -t tmpfs -o mode=1777 tmpfs $root/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts $root/dev/pts && ln -s pts/ptmx $root/dev/ptmx
mount -t tmpfs -o mode=755 tmpfs $root/run
mount -t tmpfs -o mode=1777 tmpfs $root/tmp
# the interpreter and the environment may be in a home directory, which only its owner may enter
for folder in {{closed}}; do chmod a+x $root$folder; done
cat /etc/resolv.conf > resolv.conf && rm -f $root/etc/resolv.conf && mv resolv.conf $root/etc/  # a link into /run
: > $root/etc/fstab  # no disk of the machine is mounted, none is swapped to
shift
cd $root && pivot_root . before && umount -l before
useradd --system --home-dir {INSIDE} --shell /bin/sh {USER}
mkdir -p {INSIDE}/data && chown -R {USER} {INSIDE}/data
mount --make-rshared /
exec setpriv --bounding-set=-sys_module,-sys_time,-sys_boot,-sys_rawio,-syslog,-audit_control \
    env -i PATH={SYSTEM_PATH} container=throwaway "$@"
"""


class System:
    """A running throw-away system."""

    def __init__(self, init: int) -> None:
        """init: its process 1, by the number that the machine gives it."""
        self.init = init

    def path(self, inside: str | Path) -> Path:
        """Return where the machine finds one of the system's files."""
        return Path(f"/proc/{self.init}/root") / str(inside).lstrip("/")

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command in it; return its output. Fails with the output when the command fails."""
        entered = ["nsenter", "--target", str(self.init), "--all", "--", "env", "-i", f"PATH={SYSTEM_PATH}"]
        done = subprocess.run([*entered, *command], capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()


def wait_for(what: str, condition: Callable[[], object], seconds: float) -> None:
    """Wait until a condition holds; fail when it does not within so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.5)


def closed_folders() -> list[str]:
    """Return the folders above the interpreter and the environment that not everybody may pass."""
    wanted = [Path(sys.base_prefix).resolve(), (PROJECT / ".venv").resolve()]
    above = {folder for path in wanted for folder in (path, *path.parents)}
    return sorted(str(folder) for folder in above if not folder.stat().st_mode & 0o001)


def cgroups() -> Path:
    """Return where the machine has its control groups, version 2, which systemd sorts processes with."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, folder, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(folder)
    raise RuntimeError("no cgroup2 is mounted")


@contextlib.contextmanager
def running(folder: Path, *init: str, network: bool = False) -> Iterator[System]:
    """Start a system whose process 1 is a command, in an empty folder; yield it, end it.

    network: it has the machine's; otherwise it has a network of its own, with nobody else in it.
    """
    assert os.geteuid() == 0, "only root can make the namespaces of a throw-away system"
    group = cgroups() / f"customer-value-test-{os.getpid()}"
    group.mkdir()
    log = folder.with_name(folder.name + ".log")
    folder.mkdir()
    unshare = ["unshare", "--pid", "--mount", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child=SIGKILL"]
    unshare += [] if network else ["--net"]
    script = BEGIN.format(closed=" ".join(closed_folders()))
    joined = (
        f"echo $$ > {group}/cgroup.procs && exec " + '"$@"'
    )  # before unshare: its group is the root of the new ones
    with log.open("w") as output:
        process = subprocess.Popen(
            ["sh", "-c", joined, "sh", *unshare, "sh", "-c", script, "sh", str(folder), *init],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=die_with_parent,
        )  # fmt: skip
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        name = Path(init[0]).name

        def is_up() -> bool:
            assert process.poll() is None, log.read_text()
            pids = children.read_text().split()
            return bool(pids) and Path(f"/proc/{pids[0]}/comm").read_text().strip() == name

        wait_for(f"{name} in a throw-away system", is_up, 30)
        yield System(int(children.read_text().split()[0]))
    finally:
        for pid in children.read_text().split() if process.poll() is None else []:
            os.kill(int(pid), signal.SIGKILL)  # with process 1, the kernel ends all others of its namespace
        process.wait(30)
        wait_for("the end of its processes", lambda: not any(tasks(group)), 30)
        for path in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            path.rmdir()
        group.rmdir()


def tasks(group: Path) -> Iterator[str]:
    """Yield the processes of a control group and those below it."""
    for file in group.rglob("cgroup.procs"):
        yield from file.read_text().split()
