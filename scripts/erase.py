"""Erase a customer: out of every version, build, ledger, record and log of a store, for good.

The orders, amounts and dates stay under an anonymous key, which nobody can work out, so that every total stays to the
cent. The person is whoever CUSTOMER_ID is: all ids merged with it, the guest orders of its e-mail. A list of keyed
hashes keeps the person out when the sources deliver it again; the sources are the company's own, and must erase too.

Ends with a second search, and writes what was found where, in numbers and never in words, to a certificate:
HOME/state/privacy/certificates/NNNNNN.json. models/docs/privacy.md says what this cannot reach.

exit codes:
  0  erased, and the second search found nothing
  1  there is no such customer. It is on the list all the same
  2  it could not be carried out in full. Run it again; the message or the certificate says what is left
  3  a refresh is running. Nothing was changed
  4  not now: a database that does not answer. Run it again later
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import erase_duckdb
import erase_postgres
import messages
import psycopg2
import publishing
import raw_schema
import refresh
import refresh_lock
import run_records
from personal_rows import Person
from privacy import Keeper, PrivacyError, hash_of, pseudonym
from publish_duckdb import DuckDBStore
from publish_postgres import PostgresStore
from refresh_lock import LockedError


def who_is(place: Any, keeper: Keeper, customer_id: str) -> Person:
    """Return the person that an id belongs to, with the anonymous keys for all that stands for it."""
    ids, emails, names = {customer_id}, set(), set()
    while True:
        before = (len(ids), len(emails))
        more_ids, more_emails, more_names = place.relatives(ids)
        ids |= more_ids
        emails |= more_emails
        names |= more_names
        if (len(ids), len(emails)) == before:
            break
    if customer_id.startswith("guest:"):
        emails |= place.guests(keeper.key(), customer_id)
    records = place.bearers(emails)
    shared = {email for customer, email in records if customer not in ids}
    emails -= shared
    person = Person(names=names)
    for each in [*sorted(ids), *(guest for email in sorted(emails) for guest in guest_ids(keeper, email))]:
        person.ids.setdefault(each, keeper.erased_key("customer_id", each))
    for email in sorted(emails):
        owner = min((customer for customer, each in records if each == email), default=guest_ids(keeper, email)[0])
        person.emails[email] = person.ids[owner]
    if shared:
        place.notes.append(
            f"{len(shared)} e-mail address(es) also stand in the record of another customer, and stay there; guest "
            "orders with them are that customer's"
        )
    return person


def guest_ids(keeper: Keeper, email: str) -> list[str]:
    """Return the ids that guest orders of an e-mail have, or had before ids were keyed."""
    unkeyed = hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()
    return [f"guest:{pseudonym(keeper.key(), email)}", f"guest:{unkeyed}"]


def certificate(customer: str, target: str, found: dict[str, int], left: dict[str, int], place: Any) -> dict[str, Any]:
    """Return what a certificate says. customer: the keyed hash of the id."""
    return {
        "what": "erasure of a customer",
        "at": f"{run_records.now()} UTC",
        "target": target,
        "customer": f"keyed hash {customer}",
        "found_and_erased": {name: found[name] for name in sorted(found)},
        "searched": place.searched(),
        "left_after_a_second_search": {name: left[name] for name in sorted(left)},
        "notes": [
            *place.notes,
            "Numbers are rows of tables and occurrences in files. The company's own tables, backups, a database's "
            "transaction log and copies that readers made are not reached from here: erase there too.",
        ],
    }


def keep(folder: Path, made: dict[str, Any]) -> Path:
    """Write a certificate under the next number; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    numbers = [int(file.stem) for file in folder.glob("[0-9]*.json")]
    file = folder / f"{max(numbers, default=0) + 1:06}.json"
    run_records.write_whole(file, json.dumps(made, indent=1))
    file.chmod(0o600)
    return file


def erase(arguments: argparse.Namespace) -> int:
    """Erase under the lock of refreshes; return the exit code."""
    home = arguments.home.resolve()
    variables = refresh.project_vars(arguments.vars)
    os.umask(0o077)
    publishing.open_home(home)
    with refresh_lock.held(home / "state" / "lock"):
        if arguments.target == "duckdb":
            store = DuckDBStore(home, raw_schema.default_database())
            place = erase_duckdb.Home(home, store, variables)
        else:
            store = PostgresStore("erasure")
            place = erase_postgres.Server(home, store, variables)
        store.recover()
        keeper = place.keeper()
        person = who_is(place, keeper, arguments.customer_id)
        keeper.suppress(person)  # first, so that a run that is killed is continued under the same keys
        found = place.erase(person)
        left = place.residue(person)
        made = certificate(
            hash_of(keeper.key(), "customer_id", arguments.customer_id), arguments.target, found, left, place
        )
        file = keep(home / "state" / "privacy" / "certificates", made)
    print(json.dumps(made, indent=1))
    print(f"certificate: {file}")
    if left:
        print("error: not everything is erased; run it again, or see what is left in the certificate", file=sys.stderr)
        return 2
    if not found:
        print("error: there is no such customer here; the id is on the list of those who stay out", file=sys.stderr)
        return 1
    return 0


def main(given: Iterable[str] | None = None) -> None:
    """Parse the arguments, erase, exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("customer_id", metavar="CUSTOMER_ID")
    parser.add_argument("--target", choices=["duckdb", "postgres"], default="duckdb")
    parser.add_argument("--vars", help="dbt's --vars, as the refreshes get them")
    parser.add_argument("--home", type=Path, default=refresh.default_home())
    try:
        sys.exit(erase(parser.parse_args(given)))
    except LockedError as error:
        print(f"error: a refresh is running: {error}. Nothing was changed", file=sys.stderr)
        sys.exit(3)
    except publishing.NotNow as error:
        print(f"error: {messages.told(error)}. It may pass by itself: run it again later", file=sys.stderr)
        sys.exit(4)
    except (PrivacyError, publishing.PublishError, refresh.Failed, OSError, ValueError) as error:
        print(f"error: {messages.told(error)}. Mend that, then run it again", file=sys.stderr)
        sys.exit(2)
    except (duckdb.Error, psycopg2.Error) as error:
        print(f"error: the database says: {messages.told(error)}. Mend that, then run it again", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
