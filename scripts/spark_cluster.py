"""Run a command beside a Spark cluster of its own, and stop the cluster when the command ends, however it ends.

    .venv-spark/bin/python scripts/spark_cluster.py -- .venv-spark/bin/dbt build --target spark

Spark standalone: a master, two workers of one core each and a Thrift server, on 127.0.0.1 at free ports, files and
metastore in a temporary folder, tables in Iceberg. With --session there are no servers: the command gets the same
configuration for a Spark session inside its own process (target spark_session), for small jobs.
Needs Java 8, 11 or 17 and the environment .venv-spark (make spark).
"""

from __future__ import annotations

import argparse
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

from postgres_server import free_port

HOST = "127.0.0.1"
WORKERS = 2
START_SECONDS = 180


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
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": folder / "warehouse",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.spark_catalog": "org.apache.iceberg.spark.SparkSessionCatalog",
        "spark.sql.catalog.spark_catalog.type": "hive",
        "spark.hadoop.iceberg.engine.hive.lock-enabled": "false",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder} -Duser.timezone=UTC",
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
    }
    lines = [f"{key} {value}" for key, value in settings.items()]
    (conf / "spark-defaults.conf").write_text("\n".join(lines) + "\n")
    (conf / "log4j2.properties").write_text(
        "rootLogger.level = warn\nrootLogger.appenderRef.stderr.ref = stderr\n"
        "appender.stderr.type = Console\nappender.stderr.name = stderr\nappender.stderr.target = SYSTEM_ERR\n"
        "appender.stderr.layout.type = PatternLayout\nappender.stderr.layout.pattern = %d %p %c{1}: %m%n\n"
    )


class Cluster:
    """The processes of one cluster; each has a log beside it."""

    def __init__(self, folder: Path, environment: dict[str, str]):
        self.folder = folder
        self.environment = environment
        self.processes: dict[str, subprocess.Popen] = {}

    def start(self, name: str, *command: str) -> None:
        """Start one process of Spark's own scripts, in a session of its own so that its children stop with it."""
        script = Path(metadata.distribution("pyspark").locate_file("pyspark/bin")) / command[0]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [str(script), *command[1:]],
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, name: str, port: int) -> None:
        """Wait until a process listens on its port. Raises RuntimeError with its log when it ends or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.processes[name].poll() is None:
            if is_listening(port):
                return
            time.sleep(0.5)
        log = (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]
        raise RuntimeError(f"the Spark {name} did not start:\n{log}")

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
def running(session: bool = False) -> Iterator[dict[str, str]]:
    """Start a cluster, yield the variables that lead to it, stop it. Raises RuntimeError when it does not start.

    session: start nothing, only yield what a session inside the command's own process needs.
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
        if session:
            yield variables | {"SPARK_TARGET": "spark_session"}
            return
        cluster = Cluster(folder, os.environ | variables)
        master_port, thrift_port = free_port(), free_port()
        master = f"spark://{HOST}:{master_port}"
        deploy = "org.apache.spark.deploy"
        try:
            cluster.start(
                "master", "spark-class", f"{deploy}.master.Master", "--host", HOST, "--port", str(master_port)
            )
            cluster.wait_for("master", master_port)
            for number in range(1, WORKERS + 1):
                cluster.start(
                    f"worker-{number}", "spark-class", f"{deploy}.worker.Worker", "--host", HOST,
                    "--cores", "1", "--memory", "1500m", "--work-dir", str(folder / "work"), master,
                )  # fmt: skip
            cluster.start(
                "thrift-server", "spark-submit", "--master", master,
                "--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2",
                "--conf", f"spark.hadoop.hive.server2.thrift.port={thrift_port}",
                "--conf", f"spark.hadoop.hive.server2.thrift.bind.host={HOST}", "spark-internal",
            )  # fmt: skip
            cluster.wait_for("thrift-server", thrift_port)
            workers = [cluster.processes[f"worker-{number}"].pid for number in range(1, WORKERS + 1)]
            yield variables | {
                "SPARK_TARGET": "spark",
                "SPARK_THRIFT_HOST": HOST,
                "SPARK_THRIFT_PORT": str(thrift_port),
                "SPARK_WORKER_PIDS": ",".join(map(str, workers)),
            }
        finally:
            cluster.stop()


def main() -> None:
    """Run the command that follows -- beside a cluster; exit with its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--session", action="store_true", help="no servers: a session inside the command's process")
    parser.add_argument("command", nargs="+", help="what to run, after --")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cluster is stopped then too
    with running(arguments.session) as variables:
        finished = subprocess.run(arguments.command, env=os.environ | variables, check=False)
    sys.exit(finished.returncode)


if __name__ == "__main__":
    main()
