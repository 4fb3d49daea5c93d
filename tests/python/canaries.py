"""A tiny shop with a canary in it: a person whose every column holds a text that is nowhere else, good rows and bad."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import duckdb

PERSON, MERGED, GUEST = "canary-person", "canary-merged", "canary-guest@example.org"
EMAIL, SECOND_EMAIL = "canary-mail@example.com", "canary-second@example.com"
NAME, FORMER_NAME, BIRTH, REGION, SEGMENT = (
    "Canary Fullname", "Canary Formername", "1911-11-11", "canary-region", "canary-segment"
)  # fmt: skip
PHONE, COUNTRY, LANGUAGE = "+99 canary 1911", "canary-country", "canary-language"
# in rows that are rejected, so that they are in no mart but rejected_rows
UNREADABLE, DATE = "canary-number", "canary-date"
OTHER = ("canary-bad", "Canary Othername", "canary-birth", "canary-cost", "canary-refund")
OF_PERSON = [PERSON, MERGED, EMAIL, SECOND_EMAIL, NAME, FORMER_NAME, BIRTH, REGION, SEGMENT, UNREADABLE, DATE]
OF_PERSON += [PHONE, COUNTRY, LANGUAGE]
SECRETS = [*OF_PERSON[2:], GUEST, *OTHER[1:]]

MERGE, CONTACT = ",acquisition_cost,merged_into_customer_id", ",phone,country,language,email_consent"
FILES = {
    "customers": f"""customer_id,created_at,email,full_name,birth_date,region,segment_attributes{MERGE}{CONTACT}
{PERSON},2022-02-01,{EMAIL},{NAME},{BIRTH},{REGION},{SEGMENT},12.50,,{PHONE},{COUNTRY},{LANGUAGE},yes
{PERSON},2022-01-01,{EMAIL},{FORMER_NAME},{BIRTH},{REGION},{SEGMENT},11.00,,{PHONE},{COUNTRY},{LANGUAGE},no
{MERGED},2022-03-01,{SECOND_EMAIL},{NAME},{BIRTH},{REGION},{SEGMENT},3.00,{PERSON},{PHONE},{COUNTRY},{LANGUAGE},
,2022-03-01,{EMAIL},{NAME},{BIRTH},{REGION},{SEGMENT},1.00,,{PHONE},{COUNTRY},{LANGUAGE},
{OTHER[0]},2022-03-01,,{OTHER[1]},{OTHER[2]},north,,{OTHER[3]},,,,,
ada,2022-01-01,ada@example.com,Ada Example,1990-12-10,north,,4.00,,+31 20 555 0100,NL,nl,yes
bob,,,,,,,,,,,,
""",
    "orders": f"""order_id,customer_id,ordered_at,gross_amount,discount_amount,cost_amount,status,customer_email
1,{PERSON},2023-01-10,100.00,10.00,40.00,completed,{EMAIL}
2,{PERSON},2023-03-11,50.00,,,completed,
3,{MERGED},2023-04-12,25.25,,,completed,{SECOND_EMAIL}
4,,2023-05-13,12.34,,,completed,{EMAIL}
5,,2023-05-14,7.00,,,completed,{GUEST}
6,{PERSON},2023-05-15,9.00,,,no-such-status,{EMAIL}
7,{PERSON},{DATE},9.00,,,completed,
8,{PERSON},2023-05-15,{UNREADABLE},,,completed,
9,ada,2023-01-20,30.00,,,completed,
10,ada,2023-05-20,31.00,,12.00,completed,ada@example.com
11,bob,2023-02-02,8.00,,,completed,
12,bob,2023-05-31,8.00,,,completed,
""",
    "order_items": "order_id,line_number,product_id,quantity,net_amount\n1,1,tea,2,90.00\n10,1,pot,1,31.00\n",
    "refunds": f"refund_id,order_id,refunded_at,amount\nr1,1,2023-02-01,5.00\nr2,2,2023-04-01,{OTHER[4]}\n",
    "support_tickets": f"""ticket_id,customer_id,opened_at,is_complaint,cost_amount
t1,{PERSON},2023-03-01,true,2.00
t2,{PERSON},{DATE},true,2.00
""",
    "marketing_touches": f"touch_id,customer_id,sent_at,cost_amount\nm1,{PERSON},2023-01-02,.50\n",
    "events": f"event_id,customer_id,occurred_at,event_type,is_bot\ne1,{PERSON},2023-01-03,view,false\n",
    "survey_responses": f"""response_id,customer_id,responded_at,survey_type,score
s1,{PERSON},2023-03-03,nps,9
s2,{PERSON},2023-03-03,nps,{UNREADABLE}
""",
    "referrals": f"referral_id,referrer_customer_id,referred_customer_id,referred_at\nf1,{PERSON},bob,2023-01-01\n",
}


def write(folder: Path) -> None:
    """Write the shop's files."""
    folder.mkdir(parents=True, exist_ok=True)
    for source, text in FILES.items():
        (folder / f"{source}.csv").write_text(text, encoding="utf-8")


def in_bytes(home: Path, texts: Iterable[str], but: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Return (file, text) of all texts in the bytes of all files; but: parts of paths that are left out."""
    found = []
    for file in sorted(home.rglob("*")):
        name = str(file.relative_to(home))
        if file.is_file() and not any(part in name for part in but):
            content = file.read_bytes().lower()
            found += [(name, text) for text in texts if text.lower().encode() in content]
    return found


def in_tables(home: Path, texts: Iterable[str]) -> list[tuple[str, str, str]]:
    """Return (file, schema.table.column, text) of all texts in all columns of the tables of all DuckDB files."""
    found = []
    for file in sorted(home.rglob("*.duckdb")):
        with duckdb.connect(str(file), read_only=True) as connection:
            columns = connection.execute(
                "select schema_name, table_name, column_name from duckdb_columns() where database_name = "
                "current_database() and table_oid in (select table_oid from duckdb_tables())"
            ).fetchall()
            for schema, table, column in columns:
                looks = " or ".join(f"lower(cast(\"{column}\" as varchar)) like '%{text.lower()}%'" for text in texts)
                for (value,) in connection.execute(
                    f'select distinct "{column}" from {schema}."{table}" where {looks}'
                ).fetchall():
                    found.append((str(file.relative_to(home)), f"{schema}.{table}.{column}", json.dumps(str(value))))
    return found
