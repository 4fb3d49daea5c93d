"""Files that are not what they should be: each is loaded exactly or refused with words that say where."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import duckdb
import pytest

from customer_value.project import PROJECT
from customer_value.raw import load_files
from customer_value.raw.loading import LoadError

HEADER = "order_id,customer_id,ordered_at,gross_amount"
ORDERS = f"{HEADER}\n1,ada,2024-05-01,10.00\n"
CUSTOMERS = "customer_id,full_name,region\n"


def load(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write the files and load them; orders.csv is made where it is missing. Return the database."""
    folder.mkdir(exist_ok=True)
    if not any(name.lower().startswith("orders.") for name in files):
        files = {"orders.csv": ORDERS} | files
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return load_folder(folder)


def load_folder(folder: Path) -> Path:
    database = folder.parent / "warehouse.duckdb"
    load_files.load(Namespace(folder=folder, database=database))
    return database


def refused(folder: Path, files: dict[str, str | bytes]) -> str:
    """Load files that must be refused; return the message, which is one line and no listing of options."""
    with pytest.raises(LoadError) as raised:
        load(folder, files)
    message = str(raised.value)
    assert "\n" not in message
    assert "strict_mode" not in message
    return message


def rows(database: Path, columns: str = "order_id, customer_id, ordered_at, gross_amount", table: str = "orders"):
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.sql(f"select {columns} from raw.{table}").fetchall()


def customers(folder: Path, lines: str | bytes) -> list[tuple]:
    """Load lines of customers.csv; return what the raw table then holds."""
    content = CUSTOMERS.encode() + (lines.encode() if isinstance(lines, str) else lines)
    return rows(load(folder, {"customers.csv": content}), "customer_id, full_name, region", "customers")


def customers_refused(folder: Path, lines: str | bytes) -> str:
    content = CUSTOMERS.encode() + (lines.encode() if isinstance(lines, str) else lines)
    return refused(folder, {"customers.csv": content})


def parquet(folder: Path, query: str, name: str = "orders.parquet") -> None:
    folder.mkdir(exist_ok=True)
    duckdb.execute(f"copy ({query}) to '{folder / name}' (format parquet)")


# encodings


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path):
    assert rows(load(tmp_path, {"orders.csv": b"\xef\xbb\xbf" + ORDERS.encode()})) == [
        ("1", "ada", "2024-05-01", "10.00")
    ]


def test_text_that_is_not_ascii_is_loaded_exactly(tmp_path: Path):
    assert customers(tmp_path, "1,Zoë Ōe 😀,東京\n") == [("1", "Zoë Ōe 😀", "東京")]


@pytest.mark.parametrize("line", [2, 4, 40_000])
def test_latin_1_is_refused_with_the_first_bad_line(tmp_path: Path, line: int):
    lines = [b"1,Ada,North\n"] * 50_000
    lines[line - 2] = "7,René,North\n".encode("latin-1")
    message = customers_refused(tmp_path, b"".join(lines))
    assert f"customers.csv, line {line}: byte 0xE9 is no UTF-8 text; save it as UTF-8" in message


def test_latin_1_in_the_header_is_refused(tmp_path: Path):
    message = refused(tmp_path, {"orders.csv": (HEADER + ",gr\xf6sse\n").encode("latin-1")})
    assert "orders.csv, line 1: byte 0xF6 is no UTF-8 text" in message


@pytest.mark.parametrize(
    ("encoding", "advice"),
    [
        ("utf-16", "orders.csv is UTF-16: save it as UTF-8"),
        ("utf-16-le", "orders.csv, line 1: byte 0x00 is no UTF-8 text"),
        ("utf-16-be", "orders.csv, line 1: byte 0x00 is no UTF-8 text"),
    ],
)
def test_utf_16_is_refused_with_or_without_a_byte_order_mark(tmp_path: Path, encoding: str, advice: str):
    assert advice in refused(tmp_path, {"orders.csv": ORDERS.encode(encoding)})


def test_a_nul_byte_is_refused_and_other_control_characters_are_kept(tmp_path: Path):
    message = customers_refused(tmp_path / "nul", "1,Ada,North\n2,B\0b,North\n")
    assert "customers.csv, line 3: byte 0x00 is no UTF-8 text; save it as UTF-8" in message
    assert customers(tmp_path / "others", "1,A\x01\x1b\x7f\tda\u2028x,\x1a\n") == [
        ("1", "A\x01\x1b\x7f\tda\u2028x", "\x1a")
    ]


# lines with fields too few or too many


def test_ragged_lines_are_named_with_their_numbers_of_fields(tmp_path: Path):
    message = customers_refused(tmp_path, '1,Ada,North\n2,Bob\n3,"x\ny",North\n4,Smith, Jo,South\n5,Cy,East\n')
    assert "customers.csv: 2 of its records do not have the 3 fields of the first line" in message
    assert "line 3 has 2, line 6 has 4; put a field with a comma" in message


def test_of_many_ragged_lines_the_first_five_are_named_and_all_counted(tmp_path: Path):
    message = customers_refused(tmp_path, "1,Ada,North\n" * 10 + "2,Bob\n" * 20_000)
    assert "20000 of its records" in message
    assert "line 12 has 2, line 13 has" in message
    assert "line 16 has 2, ...; put" in message
    assert "line 17" not in message


@pytest.mark.parametrize("line", ["2,Smith, Jo,\n", "2,Bob,South,\n", "2,Bob,South,,\n"])
def test_a_comma_too_many_at_the_end_of_a_line_shifts_nothing(tmp_path: Path, line: str):
    message = customers_refused(tmp_path, f"1,Ada,North\n{line}")
    assert f"line 3 has {line.count(',') + 1};" in message


def test_empty_lines_between_and_after_the_others_are_no_records(tmp_path: Path):
    assert customers(tmp_path, "1,Ada,North\n\n2,Bob,South\n\n\n") == [("1", "Ada", "North"), ("2", "Bob", "South")]


# quotes


def test_quoted_line_breaks_quotes_and_commas_are_loaded_exactly(tmp_path: Path):
    text = '1,"Ada ""the first"", Lovelace\nCountess","North\r\nEast"\n2,5" disk,""""\n'
    assert customers(tmp_path, text) == [
        ("1", 'Ada "the first", Lovelace\nCountess', "North\r\nEast"),
        ("2", '5" disk', '"'),
    ]


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ('1,Ada,North\n2,"Bob,South\n3,Cy,East\n', 3),  # to the end of the file
        ('1,Ada,North\n2,"Bob,South\n3,"Cy",East\n4,Di,West\n', 3),  # to the next quote, which opens a field
        ('1,Ada,North\n2,"Bob" Jr,South\n', 3),  # text after the end of the field
        ('1,Ada,North\n2,"Bob,South\n3,Cy",East\n', 3),  # a valid number of fields: two lines as one
        ('1,Ada,North\n"2,Bob,South\n3,Cy,East\n4",Di,West\n', 3),  # and three
        ('1,Ada,North\n2,Bob,"South\n3,Cy,East"\n', 3),
        ('1,Ada,North\n2,"Bob,South\n3,"",East\n4,Di",West\n', 3),  # an empty field passes for a quote in a text
        ('1,"A\nda",North\n2,"Bob,South\r\n3,Cy",East\n', 4),
        ('1,Ada,North\n"2\n2",Bo,"South\n3,Cy,East"\n', 4),  # the quote opens on the second line of its record
    ],
)
def test_a_quote_left_open_is_found_where_it_opens(tmp_path: Path, lines: str, line: int):
    message = customers_refused(tmp_path, lines)
    assert f"customers.csv, line {line}: a quote opens here that is not closed at the end of its field" in message


def test_a_quote_left_open_that_makes_a_wrong_number_of_fields_is_refused_with_its_line(tmp_path: Path):
    message = customers_refused(tmp_path, '1,Ada,North\n2,"Bob,South\n3",Cy,East\n')
    assert "line 3 has 4;" in message


def test_a_quote_left_open_in_the_header_is_refused(tmp_path: Path):
    assert "orders.csv, line 1: a quote opens here" in refused(tmp_path, {"orders.csv": '"' + ORDERS})


def test_a_quote_left_open_deep_in_a_large_file_is_found(tmp_path: Path):
    lines = ["1,Ada,North\n"] * 3_000_000  # several of the blocks that DuckDB reads in parallel
    lines[2_000_000] = '2,"Bob,South\n'
    lines[2_500_000] = '3,Cy",East\n'
    assert "customers.csv, line 2000002: a quote opens here" in customers_refused(tmp_path, "".join(lines))


# ids


def test_ids_in_csv_are_kept_digit_by_digit(tmp_path: Path):
    database = load(
        tmp_path, {"orders.csv": f"{HEADER}\n12345678901234567890,007,2024-05-01,1\n1e5,1.0,2024-05-01,1\n"}
    )
    assert rows(database, "order_id, customer_id") == [("12345678901234567890", "007"), ("1e5", "1.0")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("9007199254740993::bigint", "9007199254740993"),
        ("18446744073709551615::ubigint", "18446744073709551615"),
        ("99999999999999999999999999999999999999::decimal(38, 0)", "9" * 38),
        ("123.00::decimal(10, 2)", "123"),
        ("123::double", "123"),
        ("9007199254740991::double", "9007199254740991"),
        ("-5::float", "-5"),
        ("'007'", "007"),
        ("encode('é')", "é"),
        ("null::double", None),
    ],
)
def test_ids_in_parquet_are_kept_digit_by_digit(tmp_path: Path, value: str, text: str | None):
    parquet(
        tmp_path, f"select {value} as order_id, 'ada' as customer_id, now() as ordered_at, 1.5::double gross_amount"
    )
    assert rows(load_folder(tmp_path), "cast(order_id as varchar), gross_amount") == [(text, 1.5)]


@pytest.mark.parametrize(
    ("value", "data_type"),
    [
        ("9007199254740994::double", "DOUBLE"),
        ("16777218::float", "FLOAT"),
        ("1.5::double", "DOUBLE"),
        ("1.50::decimal(10, 2)", "DECIMAL(10,2)"),
        ("'nan'::double", "DOUBLE"),
        ("'inf'::double", "DOUBLE"),
    ],
)
def test_ids_in_parquet_that_are_not_exact_are_refused(tmp_path: Path, value: str, data_type: str):
    parquet(tmp_path, f"select {value} as order_id, 'ada' as customer_id, now() as ordered_at, 1 as gross_amount")
    message = refused_folder(tmp_path)
    assert (
        f"orders.parquet, column order_id: 1 of its values are no whole numbers that {data_type} keeps exactly; "
        "write the column as text" in message
    )


def refused_folder(folder: Path) -> str:
    with pytest.raises(LoadError) as raised:
        load_folder(folder)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# names


def test_sql_in_values_names_and_folders_is_only_text(tmp_path: Path, capsys: pytest.CaptureFixture):
    sql = "Robert'); drop table raw.orders;--"
    folder = tmp_path / sql
    folder.mkdir()
    parquet(
        tmp_path,
        f"""select 'r' as refund_id, $${sql}$$ as order_id, now() as refunded_at, 1 as amount,
        1 as "{sql}", 2 as "a""b" """,
        "refunds.parquet",
    )
    (tmp_path / "refunds.parquet").rename(folder / "refunds.parquet")
    database = load(folder, {"orders.csv": f'{HEADER},{sql},c0,"x"")\n"\n{sql},{sql},{sql},{sql},1,2,3\n'})
    assert rows(database) == [(sql,) * 4]
    assert rows(database, "order_id", "refunds") == [(sql,)]
    said = capsys.readouterr().out
    assert f'orders.csv: not in the contract, left out: {sql}, c0, x")...' in said
    assert f'refunds.parquet: not in the contract, left out: {sql}, a"b' in said


@pytest.mark.parametrize("name", ["a*", "b?", "c[1]", "[!x]", "{a,b}", "back\\slash", "two\nlines", "order_id=7", "~"])
def test_no_character_of_a_folder_is_a_wildcard_or_a_partition(tmp_path: Path, name: str):
    for other in ("ab", "bb", "c1", "y", "a"):
        load(tmp_path / other, {"orders.csv": ORDERS})
    folder = tmp_path / name
    parquet(tmp_path, "select 'r' as refund_id, '1' as order_id, now() as refunded_at, 1 as amount", "refunds.parquet")
    folder.mkdir()
    (tmp_path / "refunds.parquet").rename(folder / "refunds.parquet")
    database = load(folder, {"orders.csv": ORDERS})
    assert rows(database, "order_id") == [("1",)]
    assert rows(database, "order_id", "refunds") == [("1",)]


# headers


@pytest.mark.parametrize("content", ["", "\n", "\n\n \n", "\n" + ORDERS, ",,,\n1,2,3,4\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_first_line_is_refused(tmp_path: Path, content: str | bytes):
    message = refused(tmp_path, {"refunds.csv": content})
    assert "refunds.csv is empty or begins with an empty line: its first line must hold the column names" in message


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_header_alone_is_no_rows(tmp_path: Path, end: str):
    assert rows(load(tmp_path, {"orders.csv": HEADER + end})) == []


def test_a_column_too_many_is_left_out_and_a_missing_one_null_unless_required(tmp_path: Path, capsys):
    database = load(tmp_path, {"orders.csv": f"mood,{HEADER}\ngood,1,ada,2024-05-01,10.00\n"})
    assert "orders.csv: not in the contract, left out: mood" in capsys.readouterr().out
    assert rows(database, "order_id, gross_amount, status") == [("1", "10.00", None)]
    message = refused(tmp_path, {"refunds.csv": "refund_id,order_id,amount\n1,1,1\n"})
    assert "refunds.csv lacks the required column refunded_at; it has refund_id, order_id, amount" in message


def test_names_may_come_in_any_order_in_upper_case_with_blanks_around(tmp_path: Path):
    database = load(tmp_path, {"orders.csv": ' GROSS_AMOUNT ,"Ordered_At",\tcustomer_id, "ORDER_ID "\n10.00,a,b,c\n'})
    assert rows(database) == [("c", "b", "a", "10.00")]
    parquet(tmp_path / "p", 'select 1 as " GROSS_AMOUNT ", 2 as "Ordered_At", 3 as CUSTOMER_ID, 4 as "order_id"')
    assert rows(load_folder(tmp_path / "p")) == [(4, 3, 2, 1)]


@pytest.mark.parametrize("name", ["order_id", "ORDER_ID", " order_id "])
def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, name: str):
    message = refused(tmp_path / "csv", {"orders.csv": f"{HEADER},{name}\n1,a,2024-05-01,1,2\n"})
    assert "orders.csv names a column twice (case and blanks do not count): order_id" in message
    parquet(tmp_path, f"select 1 as order_id, {{'order_id': 1}} as x, 2 as {'y' * len(name)}")
    file = tmp_path / "orders.parquet"  # the same length, so that the file stays valid
    file.write_bytes(file.read_bytes().replace(b"y" * len(name), name.encode()))
    assert "orders.parquet names a column twice (case and blanks do not count): order_id" in refused_folder(tmp_path)


def test_a_column_without_a_name_must_be_empty(tmp_path: Path):
    database = load(tmp_path / "empty", {"orders.csv": f"{HEADER},,\n1,ada,2024-05-01,10.00,,\n"})
    assert rows(database) == [("1", "ada", "2024-05-01", "10.00")]
    message = refused(tmp_path / "full", {"orders.csv": f"{HEADER}, ,\n1,ada,2024-05-01,10.00,,\n2,b,c,d,,e\n"})
    assert "orders.csv: its column 6 has values but no name; name it in the first line" in message


@pytest.mark.parametrize(("mark", "name"), [(";", "';'"), ("\t", r"'\\t'"), ("|", r"'\|'")])
def test_another_separator_is_named(tmp_path: Path, mark: str, name: str):
    message = refused(tmp_path, {"orders.csv": ORDERS.replace(",", mark)})
    assert f"orders.csv: its separator seems to be {mark!r}, not a comma; save it with commas" in message


# size


def test_a_million_orders_of_one_customer_are_loaded_in_seconds(tmp_path: Path):
    text = HEADER + "\n" + "".join(f"{number},ada,2024-05-01,10.00\n" for number in range(1_000_000))
    (tmp_path / "orders.csv").write_text(text)
    started = time.monotonic()
    database = load_folder(tmp_path)
    assert time.monotonic() - started < 20
    assert rows(database, "count(*), count(distinct order_id), count(distinct customer_id)") == [
        (1_000_000,) * 2 + (1,)
    ]


def test_many_quoted_line_breaks_in_a_large_file_are_loaded_exactly(tmp_path: Path):
    text = CUSTOMERS + "".join(f'{number},"Ada, {number}\nCountess",North\n' for number in range(1_500_000))
    database = load(tmp_path, {"customers.csv": text})
    assert rows(
        database,
        "count(*), count(distinct customer_id), sum((full_name = format(E'Ada, {}\nCountess', customer_id))::int)",
        "customers",
    ) == [(1_500_000,) * 3]


# line ends


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False], ids=["last line ended", "last line not ended"])
def test_each_kind_of_line_end_is_taken(tmp_path: Path, end: str, last: bool):
    text = end.join(["customer_id,full_name,region", "1,Ada,North", '2,"Bo\nb",South']) + (end if last else "")
    database = load(tmp_path, {"customers.csv": text})
    assert rows(database, "customer_id, full_name, region", "customers") == [
        ("1", "Ada", "North"),
        ("2", "Bo\nb", "South"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [("1,Ada,North\r\n2,Bob,South\n", 2), ("1,Ada,North\n2,Bob,South\r\n", 3), ("1,Ada,North\n2,Bo\rb,South\n", 3)],
)
def test_mixed_line_ends_are_refused(tmp_path: Path, text: str, line: int):
    message = customers_refused(tmp_path, text)
    assert f"customers.csv, line {line} ends with" in message
    assert "save it with one kind of line end" in message


# what is no CSV or Parquet file


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (gzip.compress(ORDERS.encode(), mtime=0), "is packed with gzip: unpack it"),
        (b"PK\x03\x04\x14\0\6\0", "is an Excel or zip file: export it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel file: export it as CSV"),
        (b"PAR1\x15\x04", "is a Parquet file: let its name end in .parquet"),
    ],
)
def test_other_formats_by_the_name_of_csv_are_named(tmp_path: Path, content: bytes, advice: str):
    assert f"orders.csv {advice}" in refused(tmp_path, {"orders.csv": content})


def test_names_of_files_may_be_in_upper_case(tmp_path: Path):
    assert len(rows(load(tmp_path, {"Orders.CSV": ORDERS}))) == 1
    message = refused(tmp_path, {"orders.csv": ORDERS})
    assert "two files for orders" in message
    assert "keep one of Orders.CSV, orders.csv" in message


def test_what_is_no_file_is_refused(tmp_path: Path):
    (tmp_path / "orders.csv").mkdir()
    assert "orders.csv is a folder, a broken link or the like" in refused_folder(tmp_path)
    (tmp_path / "orders.csv").rmdir()
    (tmp_path / "orders.csv").symlink_to(tmp_path / "nowhere")
    assert "orders.csv is a folder, a broken link or the like" in refused_folder(tmp_path)
    (tmp_path / "orders.csv").unlink()
    os.mkfifo(tmp_path / "orders.csv")
    assert "orders.csv is a folder, a broken link or the like" in refused_folder(tmp_path)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def denied(file: Path, *arguments: object, **named: object) -> object:
        if file.name == "orders.csv":  # root may read all, so chmod would not do
            raise PermissionError(13, "Permission denied", str(file))
        return allowed(file, *arguments, **named)

    allowed = Path.open

    (tmp_path / "orders.csv").write_text(ORDERS)
    monkeypatch.setattr(Path, "open", denied)
    assert "orders.csv cannot be read: Permission denied" in refused_folder(tmp_path)


def test_damaged_parquet_is_refused(tmp_path: Path):
    parquet(
        tmp_path,
        "select i::varchar as order_id, 'a' as customer_id, now() as ordered_at, random() as gross_amount"
        " from range(100000) t(i)",
    )
    file = tmp_path / "orders.parquet"
    whole = file.read_bytes()
    for content in (b"", b"PAR1", whole[: len(whole) // 2], ORDERS.encode()):
        file.write_bytes(content)
        assert "orders.parquet is no whole Parquet file, export it again" in refused_folder(tmp_path)
    file.write_bytes(whole[:1000] + b"\xff" * 50_000 + whole[51_000:])
    assert "orders.parquet cannot be read, export it again" in refused_folder(tmp_path)


@pytest.mark.parametrize("value", ["{'a': 1}", "[1, 2]", "map {'a': 1}"])
def test_nested_parquet_columns_are_refused_where_the_contract_wants_a_value(tmp_path: Path, value: str):
    parquet(
        tmp_path,
        "select 1 as order_id, 2 as customer_id, now() as ordered_at, 3 as gross_amount, "
        f"{value} as other, 'web' as channel",
    )
    assert rows(load_folder(tmp_path), "order_id, channel") == [(1, "web")]
    parquet(
        tmp_path, f"select 1 as order_id, 2 as customer_id, now() as ordered_at, 3 as gross_amount, {value} as channel"
    )
    assert "orders.parquet, column channel is nested (" in refused_folder(tmp_path)


# nulls


def test_only_empty_fields_are_null(tmp_path: Path):
    assert customers(tmp_path, 'NULL,null,NA\n\\N,nan,None\n1,"",\n2, ,-\n,,\n') == [
        ("NULL", "null", "NA"),
        ("\\N", "nan", "None"),
        ("1", None, None),
        ("2", " ", "-"),
        (None, None, None),
    ]


# what stays, and the command line


@pytest.mark.parametrize(
    "files",
    [
        {"refunds.csv": "refund_id,order_id,refunded_at,amount\n1,1,2024-05-01\n"},
        {"customers.csv": CUSTOMERS + '1,"Ada,North\n'},
        {"orders.csv": ""},
        {"events.parquet": b"PAR1"},
    ],
    ids=lambda files: next(iter(files)),
)
def test_a_refused_file_leaves_the_former_tables(tmp_path: Path, files: dict[str, str | bytes]):
    database = load(tmp_path, {"orders.csv": ORDERS})
    new = f"{HEADER}\n2,bob,2024-05-02,20.00\n"
    refused(tmp_path, {"orders.csv": new} | files)
    assert rows(database) == [("1", "ada", "2024-05-01", "10.00")]


def test_the_command_says_one_line_and_ends_with_1(tmp_path: Path):
    (tmp_path / "orders.csv").write_text(ORDERS + "2,bob\n")
    command = [sys.executable, str(PROJECT / "scripts" / "load_files.py"), str(tmp_path)]
    database = tmp_path / "warehouse.duckdb"
    result = subprocess.run([*command, "--database", str(database)], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {tmp_path / 'orders.csv'}: 1 of its records do not have the 4 fields")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
