"""The report: the boards of charts/ as pages that open without a server, an index, and one PDF.

    index.html       a link to each board, to the PDF and to the documentation
    <board>.html     a board each, fonts and pictures inside; opens without a network
    report.pdf       all boards, to print or to send
    documentation.html   dbt docs, where a build's target folder is given

dbt-charts draws them (dct render). It reads a project of its own in a temporary folder, so that the same boards read a
published file, a warehouse or a Postgres, and nothing is written beside them.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pypdf
import pypdf.errors
import yaml

from customer_value import messages
from customer_value.dbt import dbt_program
from customer_value.processes import die_with_parent
from customer_value.project import PROJECT

INDEX, PDF, DOCUMENTATION = "index.html", "report.pdf", "documentation.html"
BOARDS = PROJECT / "charts"
SHARED = "meta.yml"  # what all boards share, no board
DCT = Path(sysconfig.get_path("scripts"), "dct")
README_CHARTS = [("portfolio", "revenue_by_tier"), ("portfolio", "concentration")]
RENDERED_AT = re.compile(r' data-rendered-at="[^"]*"')
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "¥", "INR": "₹"}
NO_TRACKING = {"DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
TITLE = "Customer value: report"
PAGE = jinja2.Environment(autoescape=True).from_string(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font-family: system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #222; }
h1 { font-weight: 600; }
li { margin: 0 0 1rem; list-style: none; }
ul { padding: 0; }
a { color: #1b4f72; font-size: 1.15rem; }
p { margin: .2rem 0 0; color: #555; }
</style>
</head>
<body>
<h1>Customer value</h1>
<ul>
{% for board in boards %}
<li><a href="{{ board.name }}.html">{{ board.title }}</a><p>{{ board.notes }}</p></li>
{% endfor %}
</ul>
<p><a href="{{ pdf }}">All boards as a PDF</a></p>
{% if documentation %}<p><a href="{{ documentation }}">What each table and column means</a></p>{% endif %}
</body>
</html>
"""
)


class ReportError(Exception):
    """The report cannot be drawn; the message has what dct or dbt said."""


@dataclass(frozen=True)
class Board:
    """A board of charts/: its file's name, the heading that readers see, what it answers."""

    name: str
    title: str
    notes: str


def boards() -> list[Board]:
    """Return the boards in the order of their names, the portfolio first."""
    found = []
    for file in sorted(BOARDS.glob("*.yml")):
        if file.name != SHARED:
            content = mapping(file)
            if lacks := [name for name in ("title", "notes") if not isinstance(content.get(name), str)]:
                raise ReportError(f"{file.name} has no {' and no '.join(lacks)}")
            found.append(Board(file.stem, content["title"], " ".join(content["notes"].split())))
    return sorted(found, key=lambda board: (board.name != "portfolio", board.name))


def mapping(file: Path) -> dict[str, Any]:
    """Return what a file of YAML maps. Raises ReportError where it is no YAML, or no mapping."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ReportError(f"{file.name} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ReportError(f"{file.name} is no mapping of names to values")
    return content


def file_source(file: Path) -> dict[str, Any]:
    """Return dct's connection to the schema marts of a DuckDB file."""
    return {"type": "duckdb", "path": str(file.resolve()), "schema": "marts"}


def postgres_source(schema: str = "published") -> dict[str, Any]:
    """Return dct's connection to a schema of the Postgres that PG* names."""
    return {
        "type": "postgres",
        "host": os.environ.get("PGHOST", "localhost"),
        "port": int(os.environ.get("PGPORT", "5432")),
        "dbname": os.environ.get("PGDATABASE", ""),
        "schema": schema,
        "search_path": schema,
        "user": "{{ env_var('PGUSER', '') }}",
        "password": "{{ env_var('PGPASSWORD', '') }}",
    }


def number_locale(currency: str) -> dict[str, Any]:
    """Return how numbers are written: as in English, with the symbol of a currency, or with its code before them."""
    sign = SIGNS.get(currency, f"{currency} ")
    return {"decimal": ".", "thousands": ",", "grouping": [3], "currency": [sign, ""]}


@contextlib.contextmanager
def charts_project(source: dict[str, Any], currency: str) -> Iterator[Path]:
    """Yield a folder with the boards, amounts in a currency, and a dbt_charts.yml that names one source, marts."""
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        place = Path(folder)
        shutil.copytree(BOARDS, place / "charts")
        shared = place / "charts" / SHARED
        settings = mapping(shared)
        settings["regional"] = (settings.get("regional") or {}) | {"locale": {"number": number_locale(currency)}}
        shared.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
        (place / "dbt_charts.yml").write_text(yaml.safe_dump({"sources": {"marts": source}}), encoding="utf-8")
        yield place


def render(source: dict[str, Any], folder: Path, currency: str = "USD", docs: list[str] | None = None) -> list[str]:
    """Draw the report into a folder, which is made anew; return what could not be drawn, and why.

    A chart that cannot says so on its board; all others are drawn. Raises ReportError where there is no report.
    currency: of the amounts, var reporting_currency. docs: options of dbt docs generate, --target and --target-path
    among them; None: no documentation.
    """
    if folder.exists():
        if others := others_than_a_report(folder):
            raise ReportError(
                f"{folder} holds other files than a report ({others[0]}); name a folder that is new or empty"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    with charts_project(source, currency) as place:
        said = run_all(draw(place, folder))
    if docs:  # after the boards: dbt may lock the file that they read
        run_all([document(docs)])
        target = Path(docs[docs.index("--target-path") + 1])
        page = (target / "static_index.html").read_text(encoding="utf-8")
        (folder / DOCUMENTATION).write_text(with_pictures(without_paths(page, target)), encoding="utf-8")
    faults = {error for words in said for error in errors(words)}
    bind(folder, faults)
    named = " ".join(faults)
    lacking = (board.name for board in boards() if not (folder / f"{board.name}.html").exists())
    return sorted(faults | {f"board {name}" for name in lacking if f"charts/{name}.yml" not in named})


def others_than_a_report(folder: Path) -> list[str]:
    """Return the names in a folder that no report left there; of one that was killed half-way all are a report's.

    An index.html or a report.pdf may be somebody's own: they are a report's where the index says that it is one.
    """
    ours = {f"{board.name}.{form}" for board in boards() for form in ("html", "pdf")} | {PDF, DOCUMENTATION}
    index = folder / INDEX
    if index.is_file() and f"<title>{TITLE}</title>" in index.read_text(encoding="utf-8", errors="replace"):
        ours.add(INDEX)
    elif (folder / PDF).exists() and not any((folder / f"{board.name}.html").exists() for board in boards()):
        ours.remove(PDF)
    return sorted(file.name for file in folder.iterdir() if file.name not in ours or file.is_dir())


def without_paths(page: str, target: Path) -> str:
    """Return dbt's documentation without where this machine has the project and its target folder: readers get it."""
    for place, name in ((target.absolute(), "target"), (PROJECT, ".")):
        page = page.replace(json.dumps(str(place))[1:-1], name)
    return page


def redraw(source: dict[str, Any], folder: Path, currency: str) -> bool:
    """Draw the boards of a report anew from other rows; False, and no report is left, where they cannot be drawn.

    What the documentation says does not depend on rows; it stays.
    """
    try:
        clear(folder)
        with charts_project(source, currency) as place:
            run_all(draw(place, folder))
        bind(folder)
    except (ReportError, OSError):
        shutil.rmtree(folder)
        return False
    return True


def clear(folder: Path) -> None:
    """Take the boards of a report away; what the documentation says does not depend on rows."""
    for file in folder.iterdir():
        if file.name != DOCUMENTATION:
            file.unlink()


def errors(said: str) -> list[str]:
    """Return the charts that dct could not draw, by the lines of JSON in what it said: chart, board, code.

    Where dct knows no place in a file, the board is left out; a line that it did not end is none.
    """
    found = []
    for line in said.splitlines():
        with contextlib.suppress(ValueError):
            fault = json.loads(line) if line.startswith("{") else {}
            if fault.get("level") == "error":
                chart, place = fault.get("chart") or fault.get("path") or "(unknown)", fault.get("range") or {}
                board = f" of {place['file']}" if place.get("file") else ""
                found.append(f"chart {chart}{board}: {fault.get('code')}")
    return found


def bind(folder: Path, faults: Iterable[str] = ()) -> None:
    """Make one PDF of those of the boards, and the index. A board with a chart that cannot be drawn has no PDF.

    Raises ReportError, with the faults of charts in it, where there is no board at all, as with a file that is locked.
    Pages lose the time at which they were drawn: the same marts give the same pages.
    """
    for page in folder.glob("*.html"):
        if page.name != DOCUMENTATION:
            content = page.read_text(encoding="utf-8", errors="replace")
            if content.rstrip().endswith("</html>"):
                page.write_text(RENDERED_AT.sub("", content), encoding="utf-8")
            else:  # the disk is full, and dct goes on
                page.unlink()
    bound = pypdf.PdfWriter()
    for board in boards():
        file = folder / f"{board.name}.pdf"
        if file.exists():
            try:
                bound.append(str(file), outline_item=board.title)
            except pypdf.errors.PyPdfError as error:
                raise ReportError(f"{file.name} is no PDF: {error}") from error
            file.unlink()
    bound.write(str(folder / PDF))
    documentation = DOCUMENTATION if (folder / DOCUMENTATION).exists() else None
    drawn = [board for board in boards() if (folder / f"{board.name}.html").exists()]
    if not drawn:
        raise ReportError("; ".join(["dct drew no board", *sorted(faults)]))
    page = PAGE.render(title=TITLE, boards=drawn, pdf=PDF, documentation=documentation)
    (folder / INDEX).write_text(page + "\n", encoding="utf-8")


def show(drawn: Path, home: Path, number: int) -> None:
    """Let readers see a report as HOME/report, in one step, where no folder of a version holds it; those before it go.

    drawn: the folder that render() filled; where it is not there, the link goes too, because it would show the past.
    """
    link, numbered = home / "report", home / "reports"
    shown = numbered / f"{number:06}"
    if drawn.exists():
        shutil.rmtree(shown, ignore_errors=True)
        numbered.mkdir(exist_ok=True)
        drawn.rename(shown)
        for path, mode in [(numbered, 0o755), (shown, 0o755), *((file, 0o444) for file in shown.iterdir())]:
            path.chmod(mode)
        new = home / "report.new"
        new.unlink(missing_ok=True)
        new.symlink_to(shown.relative_to(home))
        new.replace(link)
    else:
        link.unlink(missing_ok=True)
    for folder in numbered.glob("[0-9]*"):
        if folder != shown or not link.exists():
            shutil.rmtree(folder)


def run_all(commands: list[tuple[list[str], Path]]) -> list[str]:
    """Run commands beside each other, each in its folder; return what they said.

    Raises ReportError with the last words of one that fails otherwise than by a chart.
    """
    started = [start(command, folder) for command, folder in commands]
    said = [process.communicate()[0] for process in started]
    for process, words in zip(started, said, strict=True):
        # below 0: killed, whatever charts it had named before
        if process.returncode < 0 or (process.returncode and not errors(words)):
            raise ReportError(f"{Path(process.args[0]).name} ended with {process.returncode}: {last_words(words)}")
    return said


def draw(place: Path, folder: Path) -> list[tuple[list[str], Path]]:
    """Return the calls of dct that draw all boards of a project, as pages and as PDFs, with the folder to run in."""
    files = [str(place / "charts" / f"{board.name}.yml") for board in boards()]
    command = [str(DCT), "render", *files, "--no-cache", "--allow-chart-errors", "--diagnostics-json"]
    output = folder.resolve()
    return [([*command, "--format", form, "--output", f"{output}/{{stem}}.{form}"], place) for form in ("html", "pdf")]


def document(options: list[str]) -> tuple[list[str], Path]:
    """Return the call of dbt that writes the documentation as one page, with the folder to run in."""
    fixed = ["docs", "generate", "--static", "--no-compile", "--quiet"]
    return [str(dbt_program("duckdb")), *fixed, *options], PROJECT


def with_pictures(page: str) -> str:
    """Return the documentation with its pictures of assets/ inside: dbt leaves links to files that are elsewhere."""

    def inside(link: re.Match[str]) -> str:
        return f"(data:image/svg+xml;base64,{base64.b64encode((PROJECT / link[1]).read_bytes()).decode()})"

    return re.sub(r"\((assets/\w+\.svg)\)", inside, page)


def pictures(source: dict[str, Any], folder: Path, currency: str = "USD") -> list[Path]:
    """Draw the charts of the README as PNGs into a folder; return the files. Raises ReportError."""
    files = [folder.resolve() / f"report_{chart}.png" for _, chart in README_CHARTS]
    with charts_project(source, currency) as place:
        command = [str(DCT), "render", "--no-cache", "--no-warnings", "--format", "png"]
        run_all(
            [
                ([*command, str(place / "charts" / f"{board}.yml"), "--chart", chart, "--output", str(file)], place)
                for (board, chart), file in zip(README_CHARTS, files, strict=True)
            ]
        )
    return files


def start(command: list[str], place: Path) -> subprocess.Popen[str]:
    """Start a command that says on its standard output, with its errors in it, what it does."""
    return subprocess.Popen(
        command, cwd=place, env=os.environ | NO_TRACKING, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", preexec_fn=die_with_parent,
    )  # fmt: skip


def last_words(said: str, lines: int = 20) -> str:
    """Return the end of what a command said, without values of customers."""
    return messages.without_values("\n".join(said.strip().splitlines()[-lines:]))


def serve(source: dict[str, Any], port: int, currency: str) -> int:
    """Serve the boards with their filters on 127.0.0.1 until it is interrupted; return dct's exit code."""
    with charts_project(source, currency) as place:
        command = [str(DCT), "serve", "--host", "127.0.0.1", "--port", str(port), "--no-cache"]
        process = subprocess.Popen(command, cwd=place, env=os.environ | NO_TRACKING, preexec_fn=die_with_parent)
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            return process.wait() and 0
