"""An append-only file of lines in which nothing can be changed, taken out or cut off unseen.

Each line is canonical JSON and holds the SHA-256 of the line before. A chain alone does not show that its last lines
are gone; so a second file, the head, holds an HMAC of length and last line under a key that is kept apart. A line is on
disk before the head says so: a kill in between leaves a head that is one line behind, and a kill while a line is
written leaves a line without an end. Both are known for what they are; anything else is damage.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deidrelease.artifacts import canonical_json, fsync_folder, write_text
from deidrelease.errors import PrivacyError, Problem
from deidrelease.keys import SiteKey
from deidrelease.signing.strict_json import StrictJsonError, parse_strict

START = "0" * 64
_HEAD = "ledger-head"


@dataclass(frozen=True, slots=True)
class _Content:
    entries: tuple[dict[str, Any], ...]
    last: str
    torn: bytes


@dataclass(frozen=True, slots=True)
class Chain:
    """The file at `path`, whose head is authenticated by `key`."""

    path: Path
    key: SiteKey

    @property
    def head(self) -> Path:
        """Where length and last line are remembered."""
        return self.path.with_suffix(".head")

    def exists(self) -> bool:
        """Whether there is a file, or the head of one that is gone."""
        return self.path.exists() or self.head.exists()

    def entries(self) -> tuple[dict[str, Any], ...]:
        """What was written, in order, without the digests that chain it.

        Raises:
            PrivacyError: A line is cut off, or the file is not what was written.
        """
        with self._opened("rb", fcntl.LOCK_SH) as stream:
            content = self._content(stream.read())
        if content.torn:
            raise self._cut_off()
        return content.entries

    def append(self, entry: Mapping[str, object]) -> None:
        """Writes one entry; when this returns it has outlasted a loss of power.

        Raises:
            PrivacyError: As `entries`; nothing is written then.
        """
        with self._opened("a+b", fcntl.LOCK_EX) as stream:
            content = self._content(_all_of(stream))
            if content.torn:
                raise self._cut_off()
            self._write(stream, content, entry)

    def repair(self, entry: Mapping[str, object]) -> int:
        """Takes a cut-off line away and writes `entry`, which says so, with size and digest of what was there.

        Returns:
            How many bytes were taken away; 0 where nothing was cut off, and nothing is written then.

        Raises:
            PrivacyError: The file is damaged in another way, which nothing can repair.
        """
        with self._opened("a+b", fcntl.LOCK_EX) as stream:
            content = self._content(_all_of(stream))
            if not content.torn:
                return 0
            stream.truncate(stream.seek(0, os.SEEK_END) - len(content.torn))
            dropped = {"dropped_bytes": len(content.torn), "dropped_sha256": _sha256(content.torn)}
            self._write(stream, content, {**entry, **dropped})
            return len(content.torn)

    def _write(self, stream: IO[bytes], content: _Content, entry: Mapping[str, object]) -> None:
        if not content.entries:
            write_text(self.head, self._seal(0, START) + "\n")
        line = canonical_json({**entry, "prev": content.last}).encode("utf-8")
        stream.write(line + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
        fsync_folder(self.path.parent)
        write_text(self.head, self._seal(len(content.entries) + 1, _sha256(line)) + "\n")

    def _seal(self, lines: int, last: str) -> str:
        return f"{lines} {self.key.digest(_HEAD, f'{self.path.name}:{lines}:{last}')}"

    def _content(self, data: bytes) -> _Content:
        *lines, torn = data.split(b"\n")
        digests = [START]
        entries = []
        for number, line in enumerate(lines, 1):
            entries.append(self._entry(line, number, digests[-1]))
            digests.append(_sha256(line))
        self._require_head(digests)
        return _Content(tuple(entries), digests[-1], torn)

    def _entry(self, line: bytes, number: int, before: str) -> dict[str, Any]:
        where = f"{self.path}:{number}"
        try:
            entry = parse_strict(line, where)
            if not isinstance(entry, dict) or canonical_json(entry).encode("utf-8") != line:
                raise StrictJsonError("is no entry")
        except (StrictJsonError, ValueError):
            raise self._damaged(where, "is not as it was written") from None
        if entry.pop("prev", None) != before:
            raise self._damaged(where, "does not follow the line before it")
        return entry

    def _require_head(self, digests: list[str]) -> None:
        lines = len(digests) - 1
        try:
            said = self.head.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            said = ""
        except (OSError, UnicodeDecodeError):
            raise self._damaged(str(self.head), "cannot be read") from None
        if not said and not lines:
            return  # not begun: the head of no line is written before the first line
        # One line behind is a kill between the line and its head.
        for length in (lines, max(lines - 1, 0)):
            if said == self._seal(length, digests[length]):
                return
        raise self._damaged(str(self.head), "knows of other lines: some were changed or are gone")

    @contextmanager
    def _opened(self, mode: str, lock: int) -> Iterator[IO[bytes]]:
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND if "a" in mode else os.O_RDONLY, 0o600)
        except OSError as error:
            problem = Problem(str(self.path), f"cannot be opened ({error.strerror})", "restore it from a backup")
            raise PrivacyError("The ledger cannot be used, so no private step is taken.", [problem]) from None
        with os.fdopen(descriptor, mode) as stream:
            fcntl.flock(stream, lock)
            yield stream

    def _cut_off(self) -> PrivacyError:
        problem = Problem(str(self.path), "ends in a line that was cut off while it was written", _REPAIR)
        return PrivacyError("The ledger is not whole, so no private step is taken.", [problem])

    def _damaged(self, where: str, what: str) -> PrivacyError:
        return PrivacyError("The ledger is damaged, so no private step is taken.", [Problem(where, what, _RESTORE)])


_REPAIR = "look at who was writing, then `deidrelease ledger repair CORPUS`"
_RESTORE = "restore it from a backup with its .head and ledger.key; it cannot be repaired"


def _all_of(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
