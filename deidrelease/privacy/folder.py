"""The folder in which the ledgers of a site lie, with the key that their names and heads are made under."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deidrelease.errors import PrivacyError, Problem
from deidrelease.keys import SiteKey, load_or_make_key

KEY = "ledger.key"


def ledger_folder(told: Path | None) -> Path:
    """Where the ledgers lie: where the settings say, else in the user's state folder (XDG Base Directory, 0.8)."""
    if told is not None:
        return told.expanduser()
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return base / "deidrelease" / "ledgers"


def ledger_key(folder: Path) -> SiteKey:
    """The key of the ledgers in `folder`, both made where they are missing.

    Raises:
        PrivacyError: There are ledgers and no key: under another key nobody would find them.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with folder_lock(folder):
        if not (folder / KEY).exists() and any(folder.glob("*.jsonl")):
            problem = Problem(str(folder / KEY), "is missing, and ledgers are there", "restore it from a backup")
            raise PrivacyError("The ledgers cannot be found without their key.", [problem])
        return load_or_make_key(folder / KEY)


def has_ledgers(folder: Path) -> bool:
    """Whether anything was ever recorded in `folder`; makes nothing."""
    return any(folder.glob("*.jsonl")) if folder.exists() else False


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Holds all ledgers of `folder` while something is looked up and written; waits for whoever holds them."""
    with (folder / ".lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
