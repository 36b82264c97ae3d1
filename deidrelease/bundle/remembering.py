"""What was verified before, so that nobody can send an older release of a data set for the newest.

A folder of its own holds, for every release key and data set, the highest number seen and the manifest it stood for.
A file that cannot be understood is no memory of nothing: it is a failure, until somebody removes it.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Literal

from pydantic import Field

from deidrelease.artifacts import atomic_writer
from deidrelease.bundle.documents import Digest, DocumentError, Sequence, Slug, Strict, read_document
from deidrelease.bundle.moments import Moment
from deidrelease.signing.strict_json import StrictJsonError, canonical

FORMAT = "deidrelease.verified/1"
_FILE = "verified.json"
PATIENCE = 30.0
"""Seconds to wait for another process that verifies."""
_PAUSE = 0.02


class MemoryUnusableError(Exception):
    """What was verified before cannot be known or cannot be kept; the message says why."""


class Seen(Strict):
    """The newest release of a data set that was verified.

    Attributes:
        key: Fingerprint of the release key.
        dataset: Its name.
        sequence: The release's number.
        manifest: SHA-256 of its manifest.
        verified: When it was verified first.
    """

    key: Digest
    dataset: Slug
    sequence: Sequence
    manifest: Digest
    verified: Moment


class _File(Strict):
    format: Literal["deidrelease.verified/1"]
    seen: Annotated[list[Seen], Field(max_length=100_000)]


@dataclass(frozen=True, slots=True)
class Memory:
    """The folder in which it is kept; made when something is remembered."""

    folder: Path

    @contextmanager
    def held(self) -> Iterator["Held"]:
        """Holds the memory for this process alone, waiting for others, but not for ever.

        Raises:
            MemoryUnusableError: The folder cannot be made or written, its file cannot be understood, or another
                process keeps it.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self.folder / ".lock").open("a") as lock:
                _lock(lock)
                yield Held(self.folder / _FILE, _read(self.folder / _FILE))
        except OSError as error:
            raise MemoryUnusableError(f"cannot be read or written ({error.strerror})") from None


@dataclass(frozen=True, slots=True)
class Held:
    """What was verified before, while nobody else can change it."""

    path: Path
    seen: tuple[Seen, ...]

    def newest(self, key: str, dataset: str) -> Seen | None:
        """The newest release by the key of this fingerprint of this data set; None where none was verified."""
        return next((each for each in self.seen if (each.key, each.dataset) == (key, dataset)), None)

    def remember(self, now: Seen) -> None:
        """Writes that `now` is the newest of its key and data set."""
        rest = [each for each in self.seen if (each.key, each.dataset) != (now.key, now.dataset)]
        kept = sorted([*rest, now], key=lambda each: (each.key, each.dataset))
        with atomic_writer(self.path) as stream:
            stream.write(canonical({"format": FORMAT, "seen": [each.model_dump(mode="json") for each in kept]}))


def state_folder() -> Path:
    """Where the user's system keeps such things: `$XDG_STATE_HOME/deidrelease`, `~/.local/state/deidrelease`."""
    named = os.environ.get("XDG_STATE_HOME", "")
    # A relative one has to be ignored (XDG Base Directory Specification 0.8).
    base = Path(named) if named.startswith("/") else Path("~/.local/state").expanduser()
    return base / "deidrelease"


def _lock(lock: IO[str]) -> None:
    import fcntl

    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise MemoryUnusableError("is held by another process that does not end") from None
        time.sleep(_PAUSE)


def _read(path: Path) -> tuple[Seen, ...]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ()
    try:
        return tuple(read_document(_File, data, path.name).seen)
    except (DocumentError, StrictJsonError) as error:
        raise MemoryUnusableError(str(error)) from None
