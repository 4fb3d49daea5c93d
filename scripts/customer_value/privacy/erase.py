"""The erasure of a person from all versions, builds and records of a store."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import duckdb
import psycopg2

from customer_value import messages, project
from customer_value.privacy import erase_duckdb, erase_postgres
from customer_value.privacy.keepers import Borrowed, Keeper, PrivacyError, hash_of, pseudonym
from customer_value.privacy.personal_rows import BLANKS, Person
from customer_value.publish import publishing
from customer_value.publish.duckdb_store import DuckDBStore
from customer_value.publish.postgres_store import PostgresStore
from customer_value.refresh import file_lock, refresh, run_records
from customer_value.refresh.file_lock import LockedError


def who_is(place: Any, keeper: Keeper, customer_id: str) -> Person:
    """Return the person that an id belongs to, with the anonymous keys for all that stands for it."""
    ids, emails, names, nobody = {customer_id}, set(), set(), set()
    while True:
        before = (len(ids), len(emails))
        more_ids, more_emails, more_names, more_nobody = place.relatives(ids)
        ids |= more_ids
        nobody |= more_nobody
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
    if nobody := nobody - ids:
        place.notes.append(
            f"{len(nobody)} id(s) that records of this person are merged into have no record of their own, so that "
            "they are taken for nobody's and stay; where one is this person's, erase it by name"
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


def refuse(arguments: argparse.Namespace, home: Path) -> str:
    """Return the id. Raises PrivacyError where it is blank, and where the home is none."""
    customer_id = arguments.customer_id.strip(BLANKS)
    if not re.search(r"[^\W_]", customer_id):
        raise PrivacyError("the CUSTOMER_ID is blank: it has neither a letter nor a digit, and stands for nobody")
    if not (home / "state").is_dir():
        raise PrivacyError(f"{home} is no home of refreshes: it has no folder state; name yours with --home")
    return customer_id


def refuse_many(person: Person, most: int) -> None:
    """Raise PrivacyError where more ids than expected are merged into one person."""
    ids = [each for each in person.ids if not each.startswith("guest:")]
    if len(ids) > most:
        raise PrivacyError(
            f"{len(ids)} ids are merged into this person, and {most} are the most that are erased at once. Nothing was "
            "erased. Look at column merged_into_customer_id; where they are all one person's, say "
            f"--ids-at-most {len(ids)}"
        )


def opened(arguments: argparse.Namespace, home: Path, variables: dict[str, Any]) -> tuple[Any, Any]:
    """Return the store and all that it holds; for a dry run as it is, else without what killed processes left."""
    if arguments.target == "duckdb":
        store = DuckDBStore(home, project.default_database())
        place = erase_duckdb.Home(home, store, variables)
    else:
        store = PostgresStore("erasure", lock=not arguments.dry_run)
        place = erase_postgres.Server(home, store, variables)
    if not arguments.dry_run:
        place.tidy()
        store.recover()
    return store, place


def look(arguments: argparse.Namespace, home: Path, customer_id: str) -> int:
    """Say what an erasure would find, and change nothing; return the exit code."""
    _, place = opened(arguments, home, project.project_vars(arguments.vars))
    person = who_is(place, Borrowed(place.keeper()), customer_id)
    refuse_many(person, arguments.ids_at_most)
    found = place.residue(person)
    said = {
        "what": "dry run: nothing was changed",
        "ids": len([each for each in person.ids if not each.startswith("guest:")]),
        "e_mails": len(person.emails),
        "found": {name: found[name] for name in sorted(found)},
        "notes": place.notes,
    }
    print(json.dumps(said, indent=1))
    if not found:
        print("error: there is no such customer here", file=sys.stderr)
    return 0 if found else 1


def erase(arguments: argparse.Namespace) -> int:
    """Erase under the lock of refreshes; return the exit code."""
    home = arguments.home.resolve()
    customer_id = refuse(arguments, home)
    os.umask(0o077)
    with file_lock.held(home / "state" / "lock"):
        if arguments.dry_run:
            return look(arguments, home, customer_id)
        publishing.open_home(home)
        _, place = opened(arguments, home, project.project_vars(arguments.vars))
        keeper = place.keeper()
        person = who_is(place, keeper, customer_id)
        refuse_many(person, arguments.ids_at_most)
        keeper.suppress(person)  # first, so that a run that is killed is continued under the same keys
        found = place.erase(person)
        left = place.residue(person)
        made = certificate(hash_of(keeper.key(), "customer_id", customer_id), arguments.target, found, left, place)
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


def run(arguments: argparse.Namespace) -> int:
    """Erase a person, or look what would be; return the exit code. arguments: of scripts/erase.py."""
    try:
        return erase(arguments)
    except LockedError as error:
        print(f"error: a refresh is running: {error}. Nothing was changed", file=sys.stderr)
        return 3
    except publishing.NotNow as error:
        print(f"error: {messages.told(error)}. It may pass by itself: run it again later", file=sys.stderr)
        return 4
    except (PrivacyError, publishing.PublishError, refresh.Failed, OSError, ValueError) as error:
        print(f"error: {messages.told(error)}. Mend that, then run it again", file=sys.stderr)
        return 2
    except (duckdb.Error, psycopg2.Error) as error:
        print(f"error: the database says: {messages.told(error)}. Mend that, then run it again", file=sys.stderr)
        return 2
