"""Where a bundle is read from: a folder or a ZIP, of which every byte is read once, from an open descriptor.

A folder is walked without following anything: a link, a device or a FIFO is seen and never opened. What was checked is
what was read; a file is never opened a second time after its digest was found good, except to read it all again.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from deidrelease.bundle.findings import Findings
from deidrelease.bundle.layout import MOST_FILES
from deidrelease.bundle.names import collisions, path_defect

CHUNK = 1024 * 1024
_DEEPEST = 8
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
Identity = tuple[int, ...]


class SourceError(Exception):
    """A file could not be read as it was listed: `code` is one of the findings', `str(error)` says what."""

    def __init__(self, code: str, what: str) -> None:
        self.code = code
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as it was listed: its size in bytes, and what tells whether it is still the same."""

    size: int
    identity: Identity


class Source(Protocol):
    """A bundle that can be read."""

    @property
    def kind(self) -> Literal["folder", "zip"]:
        """What it is."""
        ...

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Path to file, for all files."""
        ...

    def chunks(self, path: str) -> Iterator[memoryview]:
        """The bytes of a file, from one descriptor; each chunk is valid until the next.

        Raises:
            SourceError: It is not what was listed any more, or cannot be read.
        """
        ...

    def check_unchanged(self, findings: Findings) -> None:
        """Lists everything again, and notes what is other than it was."""
        ...


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A bundle in a folder, held open."""

    path: Path
    root: int
    entries: Mapping[str, Entry]
    refused: frozenset[tuple[str, str]]
    kind: Literal["folder"] = "folder"

    def chunks(self, path: str) -> Iterator[memoryview]:
        """As `Source.chunks`."""
        entry = self.entries[path]
        try:
            with _opened(self.root, path) as descriptor:
                _same(descriptor, entry)
                yield from read_exactly(descriptor, 0, entry.size)
                if os.pread(descriptor, 1, entry.size):
                    raise SourceError("file-changed", "grew while it was read")
                _same(descriptor, entry)
        except OSError as error:
            raise SourceError("file-changed", f"cannot be opened any more ({error.strerror})") from None

    def check_unchanged(self, findings: Findings) -> None:
        """As `Source.check_unchanged`."""
        besides = Findings()
        again = listed(self.root, besides)
        for path in sorted(again.keys() | self.entries.keys()):
            if path not in self.entries:
                findings.fail("file-changed", path, "was added while the bundle was verified")
            elif path not in again:
                findings.fail("file-changed", path, "vanished while the bundle was verified")
            elif again[path] != self.entries[path]:
                findings.fail("file-changed", path, "was changed while the bundle was verified")
        for _, path in sorted(_what_is_no_file(besides) - self.refused):
            findings.fail("file-changed", path, "was put there while the bundle was verified")
        check_place(self.path, self.root, findings)


@contextmanager
def open_folder(path: Path, findings: Findings) -> Iterator[FolderSource]:
    """Opens the bundle in the folder `path` and lists it.

    Raises:
        OSError: It is no folder, or cannot be opened.
    """
    root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        entries = listed(root, findings)
        refused = _what_is_no_file(findings)
        check_names(entries, findings)
        yield FolderSource(path, root, entries, refused)
    finally:
        os.close(root)


def check_place(path: Path, descriptor: int, findings: Findings) -> None:
    """Notes if `path` names another folder or file than the one that was opened."""
    here = os.fstat(descriptor)
    try:
        same = os.path.samestat(path.stat(), here)
    except OSError:
        same = False
    if not same:
        findings.fail("file-changed", path.name, "was exchanged while the bundle was verified")


def _what_is_no_file(findings: Findings) -> frozenset[tuple[str, str]]:
    """Links, empty folders and the like of a listing: what was wrong, and where."""
    return frozenset((failure.code, failure.where) for failure in findings.failures)


def check_names(paths: Mapping[str, object], findings: Findings) -> None:
    """Notes every path that has no place in a bundle, and those that some systems take for one."""
    for path in sorted(paths):
        if defect := path_defect(path):
            findings.fail("path-forbidden", path, f"the path {defect}")
    for group in collisions(paths):
        findings.fail("path-collision", group[1], "is one with another path where letters are folded")


def listed(root: int, findings: Findings) -> dict[str, Entry]:
    """The regular files below the open folder `root`; notes everything else that is there."""
    walk = _Walk(findings)
    walk.folder(root, "", 0)
    return walk.entries


@dataclass(slots=True)
class _Walk:
    findings: Findings
    entries: dict[str, Entry] = field(default_factory=dict)

    def folder(self, descriptor: int, place: str, depth: int) -> None:
        with os.scandir(descriptor) as found:
            names = sorted(each.name for each in found)
        if not names:
            self.findings.fail("empty-folder", place or ".", "is an empty folder")
        for name in names:
            if len(self.entries) >= MOST_FILES:
                self.findings.fail("too-many", place or ".", f"there are more than {MOST_FILES:,} files")
                return
            self._item(descriptor, name, f"{place}{name}", depth)

    def _item(self, folder: int, name: str, path: str, depth: int) -> None:
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                self._inner(folder, name, path, depth)
            elif not stat.S_ISREG(status.st_mode):
                self.findings.fail("file-type", path, f"is {_kind(status.st_mode)}, not a plain file")
            else:
                if status.st_nlink != 1:
                    self.findings.fail("hard-link", path, "has a second name, by which it can be changed")
                self.entries[path] = Entry(status.st_size, _identity(status))
        except OSError as error:
            self.findings.fail("unreadable", path, f"cannot be looked at ({error.strerror})")

    def _inner(self, folder: int, name: str, path: str, depth: int) -> None:
        if depth >= _DEEPEST:
            self.findings.fail("path-forbidden", path, f"lies deeper than {_DEEPEST} folders")
            return
        inner = os.open(name, _FLAGS | os.O_DIRECTORY, dir_fd=folder)
        try:
            self.folder(inner, f"{path}/", depth + 1)
        finally:
            os.close(inner)


def _kind(mode: int) -> str:
    names = {stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    return names.get(stat.S_IFMT(mode), "a device")


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


@contextmanager
def _opened(root: int, path: str) -> Iterator[int]:
    """Opens a file one folder after the other, so that no part of the way can be a link."""
    *folders, name = path.split("/")
    with ExitStack() as stack:
        place = root
        for folder in folders:
            place = os.open(folder, _FLAGS | os.O_DIRECTORY, dir_fd=place)
            stack.callback(os.close, place)
        descriptor = os.open(name, _FLAGS, dir_fd=place)
        stack.callback(os.close, descriptor)
        yield descriptor


def _same(descriptor: int, entry: Entry) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or Entry(status.st_size, _identity(status)) != entry:
        raise SourceError("file-changed", "was changed while the bundle was verified")


def read_exactly(descriptor: int, start: int, size: int) -> Iterator[memoryview]:
    """`size` bytes from `start`, in chunks of one buffer.

    Raises:
        SourceError: There are fewer, or they cannot be read.
    """
    buffer = memoryview(bytearray(min(CHUNK, size)))
    done = 0
    while done < size:
        try:
            count = os.preadv(descriptor, [buffer[: size - done]], start + done)
        except OSError as error:
            raise SourceError("unreadable", f"cannot be read ({error.strerror})") from None
        if not count:
            raise SourceError("file-changed", "ends before its end")
        yield buffer[:count]
        done += count
