"""Where the project is, and what of it and of its settings a script has to know."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]
# what a build depends on
BUILD_INPUTS = [
    "dbt_project.yml",
    "requirements.lock",
    "profiles",
    "models",
    "macros",
    "seeds",
    "tests",
    "analyses",
    "charts",
    "scripts",
    "gx/thresholds.yml",
]


def default_database() -> Path:
    """Return the DuckDB file that profiles/profiles.yml names; relative paths are from the project's root."""
    return PROJECT / os.environ.get("CUSTOMER_VALUE_DATABASE", "data/warehouse.duckdb")


def default_home() -> Path:
    """Return where versions are published on DuckDB; relative paths are from the project's root."""
    return PROJECT / os.environ.get("CUSTOMER_VALUE_PUBLISHED", "data/published")


def project_vars(given: str | None = None) -> dict[str, Any]:
    """Return the vars of dbt_project.yml, with those given (dbt's --vars, YAML) in their place.

    Raises ValueError where what is given is no mapping.
    """
    own = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    try:
        return own | (yaml.safe_load(given or "{}") or {})
    except (yaml.YAMLError, TypeError) as error:
        raise ValueError(f"--vars is no YAML mapping: {given}") from error


def project_hash(entries: Iterable[str] = BUILD_INPUTS, suffixes: tuple[str, ...] = ("",)) -> str:
    """Return a hash over files and folders of the project, those that a build depends on.

    suffixes: of the names of the files that count; by default all.
    """
    digest = hashlib.sha256()
    for entry in entries:
        path = PROJECT / entry
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.name.endswith(suffixes) and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(PROJECT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def git_revision() -> str | None:
    """Return the project's revision, with + where files differ from it; null outside of git."""
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None
