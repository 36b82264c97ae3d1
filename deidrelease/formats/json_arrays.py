"""The objects of a JSON array, one at a time: an array may be larger than memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deidrelease.errors import Problem
from deidrelease.formats import drafts
from deidrelease.formats.drafts import too_large

_CHUNK = 1 << 20
# A string as a whole, so that brackets in it do not count; group 1 is empty where its end is not there yet.
_STRUCTURE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("?)|[\[\]{}]', re.DOTALL)
_MARK = b"\xef\xbb\xbf"
_REMEDY = "write an array of objects, [{…}, {…}]"


@dataclass(frozen=True, slots=True)
class Element:
    """The bytes of one object, not yet decoded.

    Attributes:
        index: In the array, from 0.
        where: `path:line` of its first line.
        raw: From brace to brace.
    """

    index: int
    where: str
    raw: bytes


def elements(path: Path) -> Iterator[Element | Problem]:
    """The objects of the array in the file at `path`; after a problem, which comes last, nothing more can be told.

    Raises:
        OSError: The file cannot be read.
    """
    cutter = _Cutter(path)
    with path.open("rb") as stream:
        # Doubling: an object that takes many chunks is looked through a few times, not once a chunk.
        while not cutter.broken and (chunk := stream.read(max(_CHUNK, len(cutter.buffer)))):
            yield from cutter.take(chunk)
    if not cutter.broken and not cutter.ended:
        yield cutter.problem("ends before its array does", len(cutter.buffer))


class _Cutter:
    """Cuts a growing buffer into objects."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.buffer = b""
        self.line = 1  # of the byte at `counted`
        self.counted = 0
        self.at = 0  # where to look on
        self.free = 0  # where the last object ended, or the array began
        self.begin = 0  # of the object that is open
        self.depth = 0
        self.index = 0
        self.ended = self.broken = False

    def take(self, chunk: bytes) -> Iterator[Element | Problem]:
        """Yields the objects that are complete with `chunk`, and keeps the rest."""
        first = not self.buffer and not self.depth and not self.ended
        self.buffer += chunk.removeprefix(_MARK) if first else chunk
        for match in _STRUCTURE.finditer(self.buffer, self.at):
            place = match.start()
            if match[1] is None:
                self.at = match.end()
                yield from self._bracket(match[0], place)
            elif match[1]:
                self.at = match.end()
            else:
                self.at = place
                break
            if self.broken:
                return
        else:
            self.at = len(self.buffer)
        if self.ended and self.buffer[self.free :].strip():
            yield self.problem("goes on behind its array", self.free)
        elif len(self.buffer) - self.free > drafts.NOTE_BYTES:
            self.broken = True
            yield too_large(self._where(max(self.begin, self.free)))
        else:
            self._drop(self.begin if self.depth > 1 else self.free)

    def problem(self, what: str, offset: int) -> Problem:
        """A problem of the array, behind which nothing can be told apart."""
        self.broken = True
        return Problem(self._where(offset), what, _REMEDY, "syntax")

    def _where(self, offset: int) -> str:
        self.line += self.buffer.count(b"\n", self.counted, offset)
        self.counted = max(offset, self.counted)
        return f"{self.path}:{self.line}"

    def _bracket(self, bracket: bytes, place: int) -> Iterator[Element | Problem]:
        opening = bracket in b"[{"
        if self.depth > 1:
            self.depth += 1 if opening else -1
            if self.depth == 1:
                self.free = place + 1
                where = self._where(self.begin)
                if self.free - self.begin > drafts.NOTE_BYTES:
                    yield too_large(where)
                else:
                    yield Element(self.index, where, self.buffer[self.begin : self.free])
                self.index += 1
            return
        gap = self.buffer[self.free : place].strip()
        if self.depth == 0:
            if self.ended or gap or bracket != b"[":
                yield self.problem("is no array of objects", place)
        elif opening:
            if bracket != b"{" or gap != (b"," if self.index else b""):
                yield self.problem("has something other than objects in its array", place)
        elif gap or bracket != b"]":
            yield self.problem("has something other than objects in its array", place)
        self.ended = self.ended or not opening
        self.depth += 1 if opening else -1
        self.begin = place
        self.free = self.free if self.depth > 1 else place + 1

    def _drop(self, count: int) -> None:
        self._where(count)
        self.counted -= count
        self.buffer = self.buffer[count:]
        self.at -= count
        self.free -= count
        self.begin -= count
