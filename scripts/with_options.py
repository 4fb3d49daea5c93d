"""Start a script of this project with a text of options from make: with_options.py OPTIONS SCRIPT ARGUMENT...

OPTIONS are words with blanks between them, and quotes around a word that holds some: --vars '{"versions_kept": 3}'.
Nothing in them is evaluated: no variable, no command, no wildcard.
"""

from __future__ import annotations

import os
import shlex
import sys


def main() -> None:
    """Become the script: its exit code and its signals are those of make's child."""
    options, *command = sys.argv[1:]
    try:
        words = shlex.split(options)
    except ValueError as error:
        raise SystemExit(f"error: OPTIONS cannot be parted into words: {error}") from error
    os.execv(sys.executable, [sys.executable, *command, *words])


if __name__ == "__main__":
    main()
