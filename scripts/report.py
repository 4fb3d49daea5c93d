"""Draw the report: the boards of charts/ as pages that open without a server, an index, and one PDF.

From the marts of CUSTOMER_VALUE_DATABASE, as make build leaves them, into FOLDER, by default data/report; with --target
postgres from schema published. Every refresh does the same for the version that it publishes (HOME/current/report).
--serve serves the boards with their filters instead, on 127.0.0.1 until it is interrupted: of the published version
where there is one, so that no build waits for a reader.

exit codes: 0 done; 1 it lacks a chart, which is named; 2 it could not be drawn
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

from customer_value import project, report
from customer_value.publish.version_files import ANALYTICS


def main() -> None:
    """Parse the arguments, draw or serve, say where."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=project.PROJECT / "data" / "report", metavar="FOLDER")
    parser.add_argument("--target", choices=["duckdb", "postgres"], default="duckdb")
    parser.add_argument("--serve", action="store_true", help="serve the boards, with their filters")
    parser.add_argument("--port", type=int, default=8080, help="of --serve")
    arguments = parser.parse_args()
    published = project.default_home() / "current" / ANALYTICS
    file = published if arguments.serve and published.exists() else project.default_database()
    if arguments.target == "duckdb" and not file.exists():
        fail(f"{os.path.relpath(file)} is not there; make build makes it")
    source = report.postgres_source() if arguments.target == "postgres" else report.file_source(file)
    currency = project.project_vars()["reporting_currency"]
    try:
        if arguments.serve:
            place = "schema published" if arguments.target == "postgres" else os.path.relpath(file)
            serve(source, place, arguments.port, currency)
        print(f"drawing {len(report.boards())} boards, about half a minute ...", flush=True)
        faults = report.render(source, arguments.folder, currency)
    except (report.ReportError, OSError) as error:
        fail(str(error))
    files = list(arguments.folder.iterdir())
    size = sum(each.stat().st_size for each in files) / 1e6
    print(f"report: {os.path.relpath(arguments.folder / report.INDEX)} ({len(files)} files, {size:.1f} MB)")
    if faults:
        print(*(f"warning: it lacks a {fault}" for fault in faults), sep="\n", file=sys.stderr)
        sys.exit(1)


def serve(source: dict[str, Any], place: str, port: int, currency: str) -> NoReturn:
    """Serve the boards until it is interrupted, and exit; said where another program has the port."""
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            free.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:  # before anybody is told to open the other one's pages
            fail(f"port {port} cannot be used: {error}; name another with --port")
    print(f"http://127.0.0.1:{port}/portfolio/ from {place}; Ctrl-C ends it", flush=True)
    sys.exit(report.serve(source, port, currency))


def fail(message: str) -> NoReturn:
    """Say what is wrong and exit with 2."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
