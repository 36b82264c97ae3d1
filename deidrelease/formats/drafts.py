"""What a format's reader makes: drafts of notes, not yet checked.

A reader knows its syntax and nothing else. Patients, offsets, quoted texts, overlaps and repairs are the same for every
format, so one place looks at them (`checking`, `mending`); a reader that checked them itself would do it differently.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from deidrelease.errors import Problem

NOTE_BYTES = 64 * 1024 * 1024
"""The most that one note, or one line, may take: a thousand pages, and far less than would fill a machine."""

_MARK = b"\xef\xbb\xbf"
# Windows-1252 is Latin-1 with printable characters where Latin-1 has controls; five bytes it leaves undefined.
_WINDOWS = {byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0xA0)}


@dataclass(frozen=True, slots=True)
class DraftSpan:
    """A span as the source has it.

    Attributes:
        where: Its place, as messages name it.
        start: Code points, as the source says; it may be wrong.
        end: Exclusive.
        label: As it stands there.
        covered: What the source says that the span covers; None where it does not say.
    """

    where: str
    start: int
    end: int
    label: str
    covered: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A note as the source has it.

    Attributes:
        where: Its place, as messages name it: `path` or `path:line`.
        note_id: Not empty.
        text: Decoded, never normalised.
        spans: In any order.
        patient_id: As recorded; None where the source records none.
        file: The name of its file relative to the corpus, for patients by file name; empty where many notes share one.
        meta: What else the source recorded; JSON values only.
        extras: Fields that the format does not know; anything left here is a defect unless patients come from it.
        fixes: What the reader itself had to mend, `remedy` saying what was done.
        problems: Defects that the reader found and that leave the rest readable: they are reported with all others.
    """

    where: str
    note_id: str
    text: str
    spans: tuple[DraftSpan, ...] = ()
    patient_id: str | None = None
    file: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)
    extras: Mapping[str, object] = field(default_factory=dict)
    fixes: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()


class DraftShard(Protocol):
    """A part of a corpus that one worker reads on its own; picklable."""

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields every note that can be told apart, and a `Problem` for each that cannot."""
        ...


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, and what had to be mended to get it."""

    text: str
    fixes: tuple[Problem, ...] = ()


def read_bounded(path: Path) -> bytes | Problem:
    """The bytes of a file that holds one note."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(NOTE_BYTES + 1)
    except OSError as error:
        return Problem(str(path), f"cannot be read ({error.strerror})", "correct its permissions", "unreadable")
    if len(raw) > NOTE_BYTES:
        return too_large(str(path))
    return raw


def too_large(where: str) -> Problem:
    """The problem of a note that exceeds `NOTE_BYTES`."""
    what = f"is larger than {NOTE_BYTES // 2**20} MiB, which no clinical note is"
    return Problem(where, what, "cut it into its notes, or leave it out", "too-large")


def decode(raw: bytes, where: str, mend: bool, keep_mark: bool = False) -> Decoded | Problem:
    """UTF-8 without a byte order mark; with `mend`, a mark is dropped and other bytes are read as Windows-1252.

    Args:
        raw: The bytes of a file.
        where: As messages name it.
        mend: Whether to repair.
        keep_mark: Leave a mark in the text: where a file is a note's text and nothing else, offsets may count it.
    """
    fixes = []
    if raw.startswith(_MARK) and not keep_mark:
        what = "begins with a byte order mark"
        if not mend:
            return Problem(where, what, "save it as UTF-8 without a mark", "byte-order-mark")
        raw = raw.removeprefix(_MARK)
        fixes.append(Problem(where, what, "dropped it", "byte-order-mark"))
    try:
        return Decoded(raw.decode("utf-8"), tuple(fixes))
    except UnicodeDecodeError as error:
        what = f"byte {error.start} is not UTF-8"
        if not mend:
            return Problem(where, what, "save the file as UTF-8", "encoding")
    text = raw.decode("latin-1").translate(_WINDOWS)
    return Decoded(text, (*fixes, Problem(where, what, "read it as Windows-1252", "encoding")))
