"""A Spark cluster of a command's own, on 127.0.0.1, with its files in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from customer_value.engines.postgres_server import free_port
from customer_value.processes import die_with_parent

HOST = "127.0.0.1"
WORKERS = 2
START_SECONDS = 180
DEAD = 70  # exit code when a server died
LOG_LINES = 30  # of a dead server's log
WATCH_SECONDS = 0.5
# with small data the second compiler takes a third of all CPU time and gives back less: every plan is code of its own.
# Without it Java keeps 48 MB for compiled code, too little for a build, and compiles again what it threw away
ONE_COMPILER = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
DAEMONS = {"SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": ONE_COMPILER}  # not the Thrift server's memory


# a server of many statements keeps their plans for pages that nobody looks at here (models/docs/portability.md)
BOUNDED = {
    "spark.sql.ui.retainedExecutions": 10,
    "spark.sql.thriftserver.ui.retainedStatements": 10,
    "spark.sql.thriftserver.ui.retainedSessions": 10,
    "spark.ui.retainedJobs": 20,
    "spark.ui.retainedStages": 20,
    "spark.ui.retainedTasks": 200,
    "spark.sql.maxPlanStringLength": 1000,
    # two cores for five Java processes: silence is no death
    "spark.network.timeout": "600s",
    "spark.executor.heartbeatInterval": "30s",
}


def iceberg_jar() -> Path:
    """Return the Iceberg runtime for Spark 3.5 and Scala 2.12 that a package carries."""
    package = metadata.distribution("snowpark-connect-deps-iceberg")
    (jar,) = [file for file in package.files if file.name.startswith("iceberg-spark-runtime-3.5_2.12-")]
    return Path(package.locate_file(jar)).resolve()


def write_configuration(folder: Path) -> None:
    """Write spark-defaults.conf and log4j2.properties into folder/conf."""
    conf = folder / "conf"
    conf.mkdir()
    settings = {
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.driver.memory": "2g",
        "spark.driver.extraClassPath": iceberg_jar(),
        "spark.executor.extraClassPath": iceberg_jar(),
        "spark.executor.memory": "1g",
        "spark.executor.cores": 1,
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": WORKERS,
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "false",
        **BOUNDED,
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": folder / "warehouse",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.spark_catalog": "org.apache.iceberg.spark.SparkSessionCatalog",
        "spark.sql.catalog.spark_catalog.type": "hive",
        # a session that is asked again within 30 s of the last time would go on seeing the table as it was, for ever
        "spark.sql.catalog.spark_catalog.cache-enabled": "false",
        "spark.hadoop.iceberg.engine.hive.lock-enabled": "false",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
        "spark.driver.extraJavaOptions": f"{ONE_COMPILER} -Dderby.system.home={folder} -Duser.timezone=UTC",
        "spark.executor.extraJavaOptions": f"{ONE_COMPILER} -Duser.timezone=UTC",
    }
    lines = [f"{key} {value}" for key, value in settings.items()]
    (conf / "spark-defaults.conf").write_text("\n".join(lines) + "\n")
    (conf / "log4j2.properties").write_text(
        "rootLogger.level = warn\nrootLogger.appenderRef.stderr.ref = stderr\n"
        "appender.stderr.type = Console\nappender.stderr.name = stderr\nappender.stderr.target = SYSTEM_ERR\n"
        "appender.stderr.layout.type = PatternLayout\nappender.stderr.layout.pattern = %d %p %c{1}: %m%n\n"
        # what every statement and every connection says, so that the end of a log is about what ended it
        + "".join(
            f"logger.{number}.name = {name}\nlogger.{number}.level = {level}\n"
            for number, (name, level) in enumerate(TALKATIVE.items())
        )
    )


TALKATIVE = {
    "org.apache.thrift.server.TThreadPoolServer": "off",  # a stack for every client that hangs up
    "org.apache.hadoop.hive.conf.HiveConf": "error",
    "org.apache.spark.sql.execution.window.WindowExec": "error",
}


class Cluster:
    """The processes of one cluster; each has a log beside it."""

    def __init__(self, folder: Path, environment: dict[str, str]):
        self.folder = folder
        self.environment = environment
        self.processes: dict[str, subprocess.Popen] = {}

    def start(self, name: str, *command: str) -> None:
        """Start one process of Spark's own scripts, in a session of its own so that its children stop with it.

        It does not outlive this process either, however that ends.
        """
        script = Path(metadata.distribution("pyspark").locate_file("pyspark/bin")) / command[0]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [str(script), *command[1:]],
                env=self.environment | (DAEMONS if command[0] == "spark-class" else {}),
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def wait_for(self, name: str, port: int) -> None:
        """Wait until a process listens on its port. Raises RuntimeError with its log when it ends or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.processes[name].poll() is None:
            if is_listening(port):
                return
            time.sleep(0.5)
        raise RuntimeError(f"the Spark {name} did not start:\n{self.log_end(name)}")

    def death(self) -> str | None:
        """Return what died, with the end of its log, when the cluster cannot go on without it; else None."""
        codes = {name: process.poll() for name, process in self.processes.items()}
        dead = [name for name, code in codes.items() if code is not None]
        workers = [name for name in codes if name.startswith("worker")]
        if not set(workers) <= set(dead):  # one worker is enough
            dead = [name for name in dead if name not in workers]
        return "\n".join(f"the Spark {name} died with {codes[name]}:\n{self.log_end(name)}" for name in dead) or None

    def log_end(self, name: str) -> str:
        """Return the last lines of a process's log."""
        text = (self.folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-LOG_LINES:])

    def stop(self) -> None:
        """Stop what was started, last first, with all its children."""
        for process in reversed(self.processes.values()):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def is_listening(port: int) -> bool:
    """Tell whether something accepts connections on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


@contextlib.contextmanager
def running(session: bool = False) -> Iterator[tuple[dict[str, str], Cluster]]:
    """Start a cluster, yield the variables that lead to it and the cluster, stop it.

    session: start nothing, only yield what a session inside the command's own process needs, and an empty cluster.
    Raises RuntimeError when it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="customer-value-spark-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        write_configuration(folder)
        variables = {
            "SPARK_CONF_DIR": str(folder / "conf"),
            "SPARK_LOCAL_IP": HOST,
            "SPARK_LOCAL_DIRS": str(folder / "local"),
            "PYSPARK_PYTHON": sys.executable,
        }
        cluster = Cluster(folder, os.environ | variables)
        if session:
            yield variables | {"SPARK_TARGET": "spark_session"}, cluster
            return
        try:
            thrift_port = start(cluster)
            workers = [cluster.processes[f"worker-{number}"].pid for number in range(1, WORKERS + 1)]
            variables |= {
                "SPARK_TARGET": "spark",
                "SPARK_THRIFT_HOST": HOST,
                "SPARK_THRIFT_PORT": str(thrift_port),
                "SPARK_THRIFT_PID": str(cluster.processes["thrift-server"].pid),
                "SPARK_WORKER_PIDS": ",".join(map(str, workers)),
            }
            yield variables, cluster
        finally:
            cluster.stop()


def start(cluster: Cluster) -> int:
    """Start the servers, return the port of the Thrift server. Raises RuntimeError when one does not start."""
    master_port, thrift_port = free_port(), free_port()
    master = f"spark://{HOST}:{master_port}"
    deploy = "org.apache.spark.deploy"
    cluster.start("master", "spark-class", f"{deploy}.master.Master", "--host", HOST, "--port", str(master_port))
    cluster.wait_for("master", master_port)
    for number in range(1, WORKERS + 1):
        cluster.start(
            f"worker-{number}", "spark-class", f"{deploy}.worker.Worker", "--host", HOST,
            "--cores", "1", "--memory", "1500m", "--work-dir", str(cluster.folder / "work"), master,
        )  # fmt: skip
    cluster.start(
        "thrift-server", "spark-submit", "--master", master,
        "--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2",
        "--conf", f"spark.hadoop.hive.server2.thrift.port={thrift_port}",
        "--conf", f"spark.hadoop.hive.server2.thrift.bind.host={HOST}", "spark-internal",
    )  # fmt: skip
    cluster.wait_for("thrift-server", thrift_port)
    return thrift_port


def run_beside(cluster: Cluster, command: list[str], environment: dict[str, str]) -> int:
    """Run a command as long as the cluster lives; return its exit code, DEAD with a message when a server died."""
    with subprocess.Popen(command, env=environment) as process:
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(timeout=WATCH_SECONDS)
                if message := cluster.death():
                    print(f"error: {message}", file=sys.stderr, flush=True)
                    return DEAD
        finally:
            end(process)


def end(process: subprocess.Popen) -> None:
    """End a process that may still run, by force where it does not end when it is asked to."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def run(command: list[str], session: bool) -> int:
    """Run a command beside a cluster of its own, or with its configuration alone (session); return its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cluster is stopped then too
    with running(session) as (variables, cluster):
        return run_beside(cluster, command, os.environ | variables)
