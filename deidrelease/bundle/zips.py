"""A bundle in a ZIP, read in place: the one form of ZIP that no two readers take for different things.

Stored members one after the other from the first byte on, a directory right behind them that says the same of each,
and the end record as the last bytes. No compression, so nothing can grow; no comment, no extra field but the one that
wide sizes need; no gap that could hide a second directory. Format: PKWARE's APPNOTE 6.3.10, sections 4.3.7 to 4.3.16.
"""

import os
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deidrelease.bundle.findings import Findings
from deidrelease.bundle.layout import MOST_FILE_BYTES, MOST_FILES
from deidrelease.bundle.names import MOST_CHARACTERS
from deidrelease.bundle.sources import Entry, SourceError, check_names, check_place, read_exactly

_END = struct.Struct("<4s4H2LH")
_WIDE_LOCATOR = struct.Struct("<4sLQL")
_WIDE_END = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_NARROW = 0xFFFFFFFF
_MOST_DIRECTORY = MOST_FILES * (_CENTRAL.size + MOST_CHARACTERS + 28)
_ENCRYPTED = 0x2041
_WIDE_VERSION = 45
"""Of the format, needed for sizes of 64 bits; nothing here needs a later one."""


class _RefusedError(Exception):
    def __init__(self, code: str, what: str, path: str = "the archive") -> None:
        self.code, self.path = code, path
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class _Member:
    """A member as its header in the directory tells it."""

    path: str
    flags: int
    method: int
    time: int
    date: int
    crc: int
    size: int
    offset: int


@dataclass(frozen=True, slots=True)
class ZipSource:
    """A bundle in a ZIP, held open."""

    path: Path
    descriptor: int
    entries: Mapping[str, Entry]
    starts: Mapping[str, int]
    checksums: Mapping[str, int]
    identity: tuple[int, ...]
    kind: Literal["zip"] = "zip"

    def chunks(self, path: str) -> Iterator[memoryview]:
        """As `Source.chunks`; what does not match its checksum would not unpack either."""
        import zlib

        crc = 0
        for chunk in read_exactly(self.descriptor, self.starts[path], self.entries[path].size):
            crc = zlib.crc32(chunk, crc)
            yield chunk
        if crc != self.checksums[path]:
            raise SourceError("archive-damaged", "does not match the checksum in the archive")

    def check_unchanged(self, findings: Findings) -> None:
        """As `Source.check_unchanged`."""
        if _identity(self.descriptor) != self.identity:
            findings.fail("file-changed", "the archive", "was changed while the bundle was verified")
        check_place(self.path, self.descriptor, findings)


@contextmanager
def open_zip(path: Path, findings: Findings) -> Iterator[ZipSource | None]:
    """Opens the bundle in the ZIP `path`; None where its form is refused, which is noted.

    Raises:
        OSError: It cannot be opened, or is no plain file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield _source(path, descriptor, findings)
    finally:
        os.close(descriptor)


def _source(path: Path, descriptor: int, findings: Findings) -> ZipSource | None:
    identity = _identity(descriptor)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(0, "it is neither a folder nor a plain file")
    try:
        members, end = _directory(descriptor, os.fstat(descriptor).st_size)
        starts = _starts(descriptor, members, end)
    except _RefusedError as error:
        findings.fail(error.code, error.path, str(error))
        return None
    except (struct.error, OSError, OverflowError):
        findings.fail("archive-damaged", "the archive", "has a header that is cut off, or points outside")
        return None
    entries = {member.path: Entry(member.size, (member.offset,)) for member in members}
    check_names(entries, findings)
    checksums = {member.path: member.crc for member in members}
    return ZipSource(path, descriptor, entries, starts, checksums, identity)


def _identity(descriptor: int) -> tuple[int, ...]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _directory(descriptor: int, size: int) -> tuple[list[_Member], int]:
    """The members in the order of the directory, and where the directory begins."""
    count, length, begin, end = _end_record(descriptor, size)
    if count > MOST_FILES or length > _MOST_DIRECTORY:
        raise _RefusedError("too-many", f"there are more than {MOST_FILES:,} members")
    if begin + length != end:
        raise _RefusedError("archive-gap", "there is something between the directory and the end")
    data = os.pread(descriptor, length, begin)
    if len(data) != length:
        raise _RefusedError("archive-damaged", "the directory ends too early")
    members, place = [], 0
    for _ in range(count):
        member, place = _member(data, place)
        members.append(member)
    if place != length:
        raise _RefusedError("archive-gap", "the directory is longer than its members")
    if len({member.path for member in members}) < count:
        raise _RefusedError("archive-duplicate", "two members have one name")
    return members, begin


def _end_record(descriptor: int, size: int) -> tuple[int, int, int, int]:
    """How many members, how long the directory is, where it begins, and where it has to end."""
    place = size - _END.size
    if place < 0:
        raise _RefusedError("archive-damaged", "it is no ZIP")
    fields = _END.unpack(os.pread(descriptor, _END.size, place))
    mark, disk, first_disk, here, count, length, begin, comment = fields
    if mark != b"PK\5\6" or comment:
        tail = os.pread(descriptor, min(size, 65_557), max(0, size - 65_557))
        if b"PK\5\6" in tail:
            raise _RefusedError("archive-comment", "there is a comment, or something behind the end")
        raise _RefusedError("archive-damaged", "it is no ZIP, or is cut off")
    if 0xFFFF in (here, count) or _NARROW in (length, begin):
        if disk or first_disk:
            raise _RefusedError("archive-damaged", "it is a part of an archive")
        return _wide_end(descriptor, place, (here, count, length, begin))
    if disk or first_disk or here != count:
        raise _RefusedError("archive-damaged", "it is a part of an archive")
    return count, length, begin, place


def _wide_end(descriptor: int, end: int, narrow: tuple[int, ...]) -> tuple[int, int, int, int]:
    locator = end - _WIDE_LOCATOR.size
    place = locator - _WIDE_END.size
    if place < 0:
        raise _RefusedError("archive-damaged", "the end record for many members is missing")
    mark, disk, at, disks = _WIDE_LOCATOR.unpack(os.pread(descriptor, _WIDE_LOCATOR.size, locator))
    record = _WIDE_END.unpack(os.pread(descriptor, _WIDE_END.size, place))
    if mark != b"PK\6\7" or record[0] != b"PK\6\6" or at != place or disk or disks != 1:
        raise _RefusedError("archive-damaged", "the end record for many members is missing")
    _, length, _, _, disk, first_disk, here, count, size, begin = record
    if length != _WIDE_END.size - 12 or disk or first_disk or here != count:
        raise _RefusedError("archive-damaged", "it is a part of an archive")
    # Some readers take the narrow number where it is one, so it has to be the same.
    for told, wide, most in zip(narrow, (here, count, size, begin), (0xFFFF, 0xFFFF, _NARROW, _NARROW), strict=True):
        if told not in (wide, most):
            raise _RefusedError("archive-headers", "its two end records contradict each other")
    return count, size, begin, place


def _member(data: bytes, place: int) -> tuple[_Member, int]:
    fields = _CENTRAL.unpack_from(data, place)
    mark, _, version, flags, method, time, date, crc, packed, size, name, extra, comment, disk, _, attributes, at = (
        fields
    )
    if mark != b"PK\1\2":
        raise _RefusedError("archive-damaged", "the directory is broken")
    start = place + _CENTRAL.size
    path = _path(data[start : start + name], flags)
    packed, size, at = _widened(data[start + name : start + name + extra], (packed, size, at), path)
    _plain(path, version, flags, method, packed, size)
    if comment or disk:
        raise _RefusedError("archive-comment", "has a comment, or lies in another archive", path)
    # Whatever system it says it was made on: not all readers ask before they make a link.
    kind = stat.S_IFMT(attributes >> 16)
    if kind not in (0, stat.S_IFREG) or attributes & 0x10:
        raise _RefusedError("file-type", "is a link, a folder or a device, not a plain file", path)
    return _Member(path, flags, method, time, date, crc, size, at), start + name + extra + comment


def _path(name: bytes, flags: int) -> str:
    # Without its flag a name is in the code page of 1981; plain ASCII, which alone is taken, is the same in both.
    path = name.decode("utf-8" if flags & 0x800 else "cp437", "surrogateescape")
    if not path or len(path) > MOST_CHARACTERS:
        raise _RefusedError("path-forbidden", f"a name is empty, or longer than {MOST_CHARACTERS} characters")
    return path


def _plain(path: str, version: int, flags: int, method: int, packed: int, size: int) -> None:
    if flags & _ENCRYPTED:
        raise _RefusedError("archive-encrypted", "is encrypted", path)
    if method or packed != size:
        raise _RefusedError("archive-compressed", "is compressed", path)
    if version > _WIDE_VERSION:
        raise _RefusedError("archive-headers", "asks for more than a reader of stored members has to know", path)
    if flags & ~0x800:
        raise _RefusedError("archive-headers", "leaves its size to be found behind it", path)
    if size > MOST_FILE_BYTES:
        raise _RefusedError("too-large", f"is larger than {MOST_FILE_BYTES:,} bytes", path)


def _widened(extra: bytes, narrow: tuple[int, ...], path: str) -> tuple[int, ...]:
    """The sizes of 32 bits, or what the one extra field that is allowed says instead of them."""
    wanted = [number == _NARROW for number in narrow]
    if not extra and not any(wanted):
        return narrow
    expected = 4 + 8 * sum(wanted)
    if len(extra) != expected or struct.unpack_from("<2H", extra) != (1, expected - 4):
        raise _RefusedError("archive-extra", "has an extra field", path)
    wide = iter(struct.unpack_from(f"<{sum(wanted)}Q", extra, 4))
    return tuple(next(wide) if want else number for want, number in zip(wanted, narrow, strict=True))


def _starts(descriptor: int, members: list[_Member], end: int) -> dict[str, int]:
    """Where each member's bytes begin, once its own header says what the directory says."""
    starts, place = {}, 0
    for member in members:
        if member.offset != place:
            code = "archive-gap" if place else "archive-prefix"
            raise _RefusedError(code, "there is something before this member that belongs to none", member.path)
        header = os.pread(descriptor, _LOCAL.size + MOST_CHARACTERS * 4 + 64, place)
        starts[member.path] = place + _own_header(header, member)
        place = starts[member.path] + member.size
        if place > end:
            raise _RefusedError("archive-gap", "reaches into what comes after it", member.path)
    if place != end:
        raise _RefusedError("archive-gap" if members else "archive-prefix", "there is something before the directory")
    return starts


def _own_header(header: bytes, member: _Member) -> int:
    """How long the member's own header is."""
    mark, version, flags, method, time, date, crc, packed, size, name, extra = _LOCAL.unpack_from(header)
    if mark != b"PK\3\4" or version > _WIDE_VERSION:
        raise _RefusedError("archive-headers", "has no header of its own", member.path)
    start = _LOCAL.size + name
    path = header[_LOCAL.size : start].decode("utf-8" if flags & 0x800 else "cp437", "surrogateescape")
    field = header[start : start + extra]
    # Writers widen the header in good time, so its field may be there where the directory needs none.
    packed, size = _widened(field, (packed, size), member.path)
    same = (path, flags, method, time, date, crc, packed, size)
    told = (member.path, member.flags, member.method, member.time, member.date, member.crc, member.size, member.size)
    if same != told:
        raise _RefusedError("archive-headers", "says other things of itself than the directory does", member.path)
    return int(start + extra)
