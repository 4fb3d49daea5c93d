"""One's own files, FOLDER/<source>.csv or .parquet; scripts/load_files.py says what they may be."""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import duckdb

from customer_value import contract
from customer_value.contract import Column
from customer_value.quoting import quoted
from customer_value.raw import delivery_manifest, loading
from customer_value.raw.loading import LoadError, Origin, reason

# how a file begins that is no UTF-8 text, and what to say then
OTHER_FORMATS = {
    b"\xff\xfe": "is UTF-16: save it as UTF-8",
    b"\xfe\xff": "is UTF-16: save it as UTF-8",
    b"\x1f\x8b": "is packed with gzip: unpack it",
    b"PK\x03\x04": "is an Excel or zip file: export it as CSV",
    b"\xd0\xcf\x11\xe0": "is an Excel file: export it as CSV",
    b"PAR1": "is a Parquet file: let its name end in .parquet",
}
# below which a type keeps every whole number; pandas makes ids DOUBLE where some are missing
WHOLE_BELOW = {"FLOAT": "16777216", "DOUBLE": "9007199254740992", "DECIMAL": "1e38"}
LINES_RECIPE = "models/docs/mapping.md, One row per line"
LINE_END = r"\r\n|\n|\r"
RECORD_BYTES = 16 << 20  # what a record of a CSV file may have; DuckDB holds several of that size in memory


def origin(folder: Path) -> Origin:
    """Return the folder and a stamp of its files, which changes when one of them does."""
    files = [*source_files(folder).values(), folder / delivery_manifest.FILE]
    states = {file: file.stat() for file in files if file.exists()}
    stamps = [f"{file.name}:{state.st_size}:{state.st_mtime_ns}" for file, state in states.items()]
    return Origin.of(f"files in {folder.resolve()}", ", ".join(stamps))


def source_files(folder: Path) -> dict[str, Path]:
    """Return {source: file}. Raises LoadError for no folder, no orders, two files for a source, or what is no file."""
    if not folder.is_dir():
        raise LoadError(f"there is no folder {folder}")
    found: dict[str, Path] = {}
    for file in data_files(folder):
        source = file.stem.lower()
        if source in found:
            raise LoadError(f"two files for {source} in {folder}: keep one of {found[source].name}, {file.name}")
        if source in contract.sources():
            found[source] = file
            if not file.is_file():
                raise LoadError(f"{file} is a folder, a broken link or the like: put the file itself there")
    if "orders" not in found:
        present = listed(sorted(file.name for file in folder.iterdir())) or "nothing"
        recipe = f"; where each row is a line of an order, see {LINES_RECIPE}" if present != "nothing" else ""
        raise LoadError(f"there is no orders.csv or orders.parquet in {folder}; it holds {present}{recipe}")
    return found


def data_files(folder: Path) -> list[Path]:
    """Return what a folder has by the name of *.csv or *.parquet."""
    return [file for file in sorted(folder.iterdir()) if file.suffix.lower() in (".csv", ".parquet")]


def listed(names: list[str]) -> str:
    """Return names for a message: on one line, twelve of them, none of them long or beyond its first line."""
    first = [re.split(LINE_END, name)[0] + ("..." if breaks(name) else "") for name in names[:12]]
    plain = ["".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name) for name in first]
    short = [name if len(name) <= 60 else name[:60] + "..." for name in plain]
    return ", ".join(short) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def select(file: Path, columns: list[Column]) -> str:
    """Return the SELECT that reads the contract's columns of a file that can be read whole; other columns are named.

    Raises LoadError when a required column is missing, a column is there twice, or the file cannot be read exactly. A
    first line that names no required column may be data: it is not repeated.
    """
    is_csv = file.suffix.lower() == ".csv"
    literal = quoted(re.sub(r"([*?\[])", r"[\1]", str(file.absolute())))  # DuckDB takes these three for wildcards
    fields = csv_fields(file) if is_csv else parquet_fields(file, literal)
    names = [field.strip().lower() for field in fields]
    required = [column.name for column in columns if column.required]
    missing = [name for name in required if name not in names]
    separators = [mark for mark in ";\t|" if is_csv and any(mark in field for field in fields)]
    if missing and separators:
        raise LoadError(f"{file}: its separator seems to be {separators[0]!r}, not a comma; save it with commas")
    if missing == required:
        place = "first line names none of its columns" if is_csv else "columns are others"
        raise LoadError(f"{file} lacks the required column {listed(missing)}: its {place}")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise LoadError(f"{file} names a column twice (case and blanks do not count): {listed(twice)}")
    if missing:
        raise LoadError(f"{file} lacks the required column {listed(missing)}; it has {listed(names)}")
    known = {column.name: column for column in columns}
    ignored = [field for field, name in zip(fields, names, strict=True) if name and name not in known]
    if ignored:
        print(f"{file.name}: not in the contract, left out: {listed(ignored)}")
    wanted = {name: (index, known[name].data_type) for index, name in enumerate(names) if name in known}
    return csv_select(file, literal, fields, wanted) if is_csv else parquet_select(file, literal, wanted)


def parquet_fields(file: Path, literal: str) -> list[str]:
    """Return the column names as a Parquet file has them. Raises LoadError when it is damaged or none."""
    try:
        schema = query(f"select name, num_children from parquet_schema({literal})")
    except duckdb.Error as error:
        raise LoadError(f"{file} is no whole Parquet file, export it again: {reason(error)}") from error
    names, inside = [], 0
    for name, children in schema[1:]:  # without the root; what is nested follows its column
        names += [] if inside else [name]
        inside += (children or 0) - bool(inside)
    return names


def parquet_select(file: Path, literal: str, wanted: dict[str, tuple[int, str]]) -> str:
    """Return the SELECT of a Parquet file, which writes whole numbers where the contract has text: 123, not 123.0.

    Raises LoadError for a nested column, a number that is not exactly whole where the contract has text, and damage.
    """
    source = f"read_parquet({literal}, hive_partitioning = false, binary_as_string = true)"
    outputs, exact = [], {}
    try:
        described = query(f"describe select * from {source}")
        for name, (index, contract_type) in wanted.items():
            value, data_type = '"' + described[index][0].replace('"', '""') + '"', described[index][1]
            kind = "LIST" if data_type.endswith("]") else data_type.partition("(")[0]
            if kind in ("LIST", "STRUCT", "MAP", "UNION", "VARIANT"):
                raise LoadError(f"{file}, column {name} is nested ({kind}): write it as text")
            limit = WHOLE_BELOW.get(kind)
            if contract_type == "varchar" and limit and not data_type.endswith(",0)"):
                whole = f"(abs({value}) < {limit} and {value} = trunc({value}))"
                text = f"cast(cast({value} as hugeint) as varchar)"
                exact[name] = (f"count(*) filter ({value} is not null and not {whole})", data_type)
                value = f"case when {whole} then {text} when {value} is not null then error('it is not whole') end"
            outputs.append(f"{value} as {name}")
        if exact:
            counts = query(f"select {', '.join(count for count, _ in exact.values())} from {source}")[0]
            for (name, (_, data_type)), count in zip(exact.items(), counts, strict=True):
                if count:
                    raise LoadError(
                        f"{file}, column {name}: {count} of its values are no whole numbers that {data_type} keeps "
                        "exactly; write the column as text"
                    )
        result = f"select {', '.join(outputs)} from {source}"
        query(f"select bit_xor(hash(x)) from ({result}) as x")  # reads every value
    except duckdb.Error as error:
        raise LoadError(f"{file} cannot be read, export it again: {reason(error)}") from error
    return result


def csv_fields(file: Path) -> list[str]:
    """Return the fields of a CSV file's first line. Raises LoadError when it cannot be read or has none."""
    with file.open("rb") as content:
        start = content.read(4)
    for magic, advice in OTHER_FORMATS.items():
        if start.startswith(magic):
            raise LoadError(f"{file} {advice}")
    if b"\0" in start:
        fault(file, 0, "it has a NUL byte")
    csv.field_size_limit(2**31 - 1)
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            fields = next(csv.reader(text, strict=True, skipinitialspace=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        fault(file, 0, str(error))
    if not any(field.strip() for field in fields):
        raise LoadError(f"{file} is empty or begins with an empty line: its first line must hold the column names")
    return fields


def csv_select(file: Path, literal: str, fields: list[str], wanted: dict[str, tuple[int, str]]) -> str:
    """Return the SELECT of a CSV file: all fields as text, by position, nothing guessed.

    Raises LoadError unless every line has the first line's fields. DuckDB refuses most others, but drops empty fields
    at the end of a line, and so would shift 'Smith, Jo,' by one; hence all commas of the file are accounted for. It
    also cannot know that a quoted text which breaks where records break is a quote left open.
    """
    width, places = len(fields), [f"c{index}" for index in range(len(fields))]
    types = ", ".join(f"{place}: 'varchar'" for place in places)
    source = (
        f"read_csv({literal}, header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
        "nullstr = '', strict_mode = true, compression = 'none', hive_partitioning = false, "
        f"max_line_size = {RECORD_BYTES}, columns = {{{types}}})"
    )
    with file.open("rb") as content:
        commas = sum(chunk.count(b",") for chunk in iter(lambda: content.read(1 << 22), b""))
    lines = f"(select *, concat({', '.join(places)}) as line from {source})"
    broken = "(contains({0}, chr(10)) or contains({0}, chr(13)))"
    commas_per_line = (
        f"list_transform(regexp_split_to_array(field, '{LINE_END}'), lambda x: strlen(x) - strlen(replace(x, ',', '')))"
    )
    # the same as swallows(); n is 1 for the first field
    swallowing = (
        f"list_filter([{', '.join(places)}], lambda field, n: {broken.format('field')} and "
        f"{commas_per_line}[1] = {width} - n and {commas_per_line}[-1] = n - 1 and "
        f"len(list_filter({commas_per_line}[2:-2], lambda x: x <> {width - 1})) = 0)"
    )
    try:
        ((rows, within, breaks, nul, *filled),) = query(
            "select count(*), coalesce(sum(strlen(line) - strlen(replace(line, ',', ''))), 0), "
            f"count(*) filter ({broken.format('line')}), count(*) filter (contains(line, chr(0))), "
            f"{', '.join(f'count({place})' for place in places)} from {lines}"
        )
        if breaks and query(f"select 1 from {lines} where {broken.format('line')} and len({swallowing}) > 0 limit 1"):
            fault(file, width, "a quote is not closed")
    except duckdb.Error as error:
        fault(file, width, reason(error))
    if nul:
        fault(file, width, "it has a NUL byte")
    if commas != ",".join(fields).count(",") + rows * (width - 1) + within:
        fault(file, width, "it has commas that are neither between two fields nor within one")
    for index, field in enumerate(fields):
        if filled[index] and not field.strip():
            raise LoadError(f"{file}: its column {index + 1} has values but no name; name it in the first line")
    values = whole_ids(file, source, wanted)
    return f"select {', '.join(f'{value} as {name}' for name, value in values.items())} from {source}"


def whole_ids(file: Path, source: str, wanted: dict[str, tuple[int, str]]) -> dict[str, str]:
    """Return {column: its SQL} of a CSV file; ids that all end in .0 lose it, as in Parquet, and that is said.

    pandas writes whole numbers so where some are missing. Where only some end in .0, all stay, and that is said.
    """
    values = {name: f"c{index}" for name, (index, _) in wanted.items()}
    ids = [name for name, (_, kind) in wanted.items() if kind == "varchar" and name.endswith("_id")]
    ends = ", ".join(f"coalesce(bool_or(suffix({values[name]}, '.0')), false)" for name in ids)
    found = query(f"select {ends} from {source}")[0] if ids else ()
    for name in [name for name, has_ends in zip(ids, found, strict=True) if has_ends]:
        value = values[name]
        is_whole = f"regexp_full_match({value}, '[0-9]+[.]0')"
        ((whole, others, both),) = query(
            f"select count(*) filter ({is_whole}), count(*) filter (not {is_whole}), "
            f"count(distinct {value}) filter (not {is_whole} and {value} || '.0' in (select {value} from {source})) "
            f"from {source}"
        )
        if not others:
            print(f"{file.name}: {name} ends in .0 in all its {whole:,} values, which is left out: 1.0 is read as 1")
            values[name] = f"left({value}, length({value}) - 2)"
        elif both:
            said = f"ids that are there with .0 and without it: {both:,}. Each stays two ids; write them in one form"
            print(f"{file.name}: warning: {name} has {said}")
    return values


def swallows(field: str, index: int, width: int) -> bool:
    """Say whether a field seems to have swallowed the ends of records: it breaks where they do, by its commas.

    index: its place in the record, from 0. width: the fields of a record.
    """
    first, *between, last = (line.count(",") for line in re.split(LINE_END, field)) if breaks(field) else (-1, -1)
    return first == width - 1 - index and last == index and all(count == width - 1 for count in between)


def breaks(field: str) -> bool:
    """Say whether a field has a line break."""
    return "\n" in field or "\r" in field


def text_lines(file: Path, text: Iterable[str], recent: list[str]) -> Iterator[str]:
    """Yield the lines of a text that was opened with surrogateescape and append each to recent.

    Raises LoadError at the first byte that is no UTF-8 text.
    """
    for number, line in enumerate(text, 1):
        bad = re.search("[\0\udc80-\udcff]", line)
        if bad:
            byte = f"0x{ord(bad[0]) & 0xFF:02X}"
            raise LoadError(f"{file}, line {number}: byte {byte} is no UTF-8 text; save it as UTF-8")
        recent.append(line)
        yield line


def fault(file: Path, width: int, otherwise: str) -> NoReturn:
    """Raise the LoadError that names the bad lines of a CSV file; otherwise says what is wrong where none is found.

    Goes through the file line by line, so only for one that is known to be bad. width: fields of its first line. What
    the file holds is never said: it may be about a person.
    """
    recent: list[str] = []  # the lines of the present record
    first, first_end, count, ragged = 1, "", 0, []
    with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        reader = csv.reader(text_lines(file, text, recent), strict=True, skipinitialspace=True)
        try:
            for fields in reader:
                end = re.search("[\r\n]*$", recent[-1])[0]
                first_end = first_end or end
                if end not in ("", first_end):
                    ends = f"line {reader.line_num} ends with {end!r}, line 1 with {first_end!r}"
                    raise LoadError(f"{file}, {ends}; save it with one kind of line end")
                for index, field in enumerate(fields):
                    if len(recent) > 1 and len(fields) == width and swallows(field, index, width):
                        first += sum(len(re.findall(LINE_END, earlier)) for earlier in fields[:index])
                        raise csv.Error("not closed")
                letters = sum(map(len, recent))  # of one to four bytes
                if letters > RECORD_BYTES // 4 and (size := len("".join(recent).encode())) > RECORD_BYTES - 2:
                    largest = max(range(len(fields)), key=lambda index: len(fields[index]))
                    raise LoadError(
                        f"{file}, line {first}: its record has {size:,} bytes, and {RECORD_BYTES:,} is the most that "
                        f"is read; its largest field is number {largest + 1}: shorten it, or close its quote if that "
                        "was left open"
                    )
                if fields and len(fields) != width:
                    count += 1
                    ragged += [f"line {first} has {len(fields)}"] if count <= 5 else []
                first = reader.line_num + 1
                recent.clear()
        except csv.Error as error:
            raise LoadError(
                f"{file}, line {first}: a quote opens here that is not closed at the end of its field; close it, "
                "double the quotes within a field, and put a blank for a line break that looks like the end of a record"
            ) from error
    if count:
        raise LoadError(
            f"{file}: {count} of its records do not have the {width} fields of the first line: {', '.join(ragged)}"
            f"{', ...' if count > 5 else ''}; put a field with a comma or a line break in it between double quotes"
        )
    raise LoadError(f"{file} cannot be read: {otherwise}")


def query(statement: str) -> list[tuple]:
    """Return the rows of a query on files."""
    with duckdb.connect() as connection:
        return connection.execute(statement).fetchall()


def load(arguments: argparse.Namespace) -> dict[str, int]:
    """Fill arguments.database from arguments.folder; return {table: rows}. Raises LoadError as named above."""
    columns = contract.sources()
    try:
        files = source_files(arguments.folder)
        for file in data_files(arguments.folder):
            if file not in files.values():
                print(f"{listed([file.name])}: not the name of a source, left out (names: {', '.join(columns)})")
        selects = {source: select(file, columns[source]) for source, file in files.items()}
        delivery_manifest.check(arguments.folder, selects, columns, query)
        loaded_from = origin(arguments.folder)
    except OSError as error:
        raise LoadError(f"{error.filename} cannot be read: {error.strerror}") from error
    return loading.replace_raw(arguments.database, loaded_from, selects)
