"""CSV and JSON files as `datasets.load_dataset` takes them, read without it.

Its loaders guess types: an id "007" becomes a number, "NA" becomes nothing, a date-like id a time stamp. A wrong id is
a wrong patient, so every value is taken here as it stands in the file, a line at a time, and no cache keeps a copy.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from deidrelease.errors import Problem
from deidrelease.formats.drafts import NOTE_BYTES, Decoded, Draft, decode, too_large
from deidrelease.formats.json_arrays import elements
from deidrelease.formats.rows import RowReader

CSV = {".csv": ",", ".tsv": "\t"}
JSON = (".json", ".jsonl", ".ndjson")
_SYNTAX = "write it as the format reference shows (docs/reference/formats.md)"
_MARK = b"\xef\xbb\xbf"


class _TooLongError(ValueError):
    pass


class _Lines:
    """The lines of a stream, as long as one row takes no more than a note may."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._room = NOTE_BYTES

    def __iter__(self) -> Iterator[str]:
        while raw := self._stream.readline(self._room + 1):
            self._room -= len(raw)
            if self._room < 0:
                raise _TooLongError
            # What is no UTF-8 is carried as it is, so that one bad byte costs one row and not the file.
            yield raw.decode("utf-8", "surrogateescape")

    def next_row(self) -> None:
        """A row has ended: the next may be as long."""
        self._room = NOTE_BYTES


@dataclass(frozen=True, slots=True)
class CsvShard:
    """The rows of a CSV file with a header; `spans`, `meta`, `tokens` and `ner_tags` stand as JSON."""

    path: Path
    mend: bool

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields every note, and a problem for each row that cannot be one."""
        yield from _guarded(self.path, self.mend, self._rows)

    def _rows(self, stream: BinaryIO) -> Iterator[Draft | Problem]:
        csv.field_size_limit(max(NOTE_BYTES, csv.field_size_limit()))
        lines = _Lines(stream)
        reader = csv.reader(lines, delimiter=CSV[self.path.suffix.lower()], strict=True)
        before = 0
        try:
            header = next(reader, [])
            problems = list(_header_problems(header, f"{self.path}:1"))
            yield from problems
            before = reader.line_num
            for cells in reader if not problems else ():
                where = f"{self.path}:{before + 1}"
                before = reader.line_num
                lines.next_row()
                yield from self._draft(header, cells, where, before)
        except csv.Error:
            yield Problem(f"{self.path}:{before + 1}", "is no CSV from here on", "mend its quotes", "syntax")
        except _TooLongError:
            yield too_large(f"{self.path}:{before + 1}")

    def _draft(self, header: Sequence[str], cells: list[str], where: str, number: int) -> Iterator[Draft | Problem]:
        if len(cells) == len(header):
            row = dict(zip(header, map(_as_read, cells), strict=True))
            yield from RowReader(None, self.mend).drafts(row, where, f"{self.path.stem}-{number}")
        elif cells:
            yield Problem(where, f"has {len(cells)} fields, not {len(header)} as the header", _SYNTAX, "syntax")


@dataclass(frozen=True, slots=True)
class JsonShard:
    """The objects of a file of JSON lines, or of one JSON array."""

    path: Path
    mend: bool

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields every note, and a problem for each object that cannot be one."""
        yield from _guarded(self.path, self.mend, self._objects)

    def _objects(self, stream: BinaryIO) -> Iterator[Draft | Problem]:
        begin = stream.tell()
        if stream.read(64).lstrip().startswith(b"["):
            yield from self._list()
            return
        stream.seek(begin)
        for number, raw in enumerate(iter(lambda: _line(stream), b""), 1):
            where = f"{self.path}:{number}"
            if len(raw) > NOTE_BYTES:
                yield too_large(where)
                while not raw.endswith(b"\n") and (raw := stream.readline(1 << 20)):
                    pass
            elif raw.strip():
                yield from self._parsed(raw, where, number)

    def _list(self) -> Iterator[Draft | Problem]:
        for item in elements(self.path):
            if isinstance(item, Problem):
                yield item
            else:
                yield from self._parsed(item.raw, item.where, item.index + 1)

    def _parsed(self, raw: bytes, where: str, number: int) -> Iterator[Draft | Problem]:
        decoded = decode(raw, where, self.mend)
        fixes = () if isinstance(decoded, Problem) else decoded.fixes
        yield from _with(self._object(_loaded(decoded, where), where, number), fixes)

    def _object(self, item: object, where: str, number: int) -> Iterator[Draft | Problem]:
        if isinstance(item, Problem):
            yield item
        elif isinstance(item, dict):
            yield from RowReader(None, self.mend).drafts(item, where, f"{self.path.stem}-{number}")
        else:
            yield Problem(where, "is not a JSON object", _SYNTAX, "syntax")


def _guarded(
    path: Path, mend: bool, read: Callable[[BinaryIO], Iterator[Draft | Problem]]
) -> Iterator[Draft | Problem]:
    """What `read` yields of a file, its byte order mark, if any, taken off or refused."""
    try:
        with path.open("rb") as stream:
            marked = stream.read(len(_MARK)) == _MARK
            stream.seek(len(_MARK) if marked else 0)
            mark = Problem(f"{path}:1", "begins with a byte order mark", "save it without a mark", "byte-order-mark")
            if marked and not mend:
                yield mark
            yield from _with(read(stream), (replace(mark, remedy="dropped it"),) if marked else ())
    except OSError as error:
        yield Problem(str(path), f"cannot be read ({error.strerror})", "correct its permissions", "unreadable")


def _with(items: Iterable[Draft | Problem], fixes: tuple[Problem, ...]) -> Iterator[Draft | Problem]:
    """The items, the first draft with what was mended in its file or line."""
    for item in items:
        if fixes and isinstance(item, Draft):
            item, fixes = replace(item, fixes=(*fixes, *item.fixes)), ()
        yield item


def _line(stream: BinaryIO) -> bytes:
    return stream.readline(NOTE_BYTES + 1)


def _as_read(cell: str) -> str | bytes:
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError:
        return cell.encode("utf-8", "surrogateescape")
    return cell


def _loaded(decoded: Decoded | Problem, where: str) -> Any:
    if isinstance(decoded, Problem):
        return decoded
    try:
        return json.loads(decoded.text)
    except json.JSONDecodeError as error:
        return Problem(where, f"is not JSON at column {error.colno}: {error.msg}", _SYNTAX, "syntax")
    except (RecursionError, ValueError):
        return Problem(where, "is JSON that is nested too deeply, or holds too long a number", _SYNTAX, "syntax")


def _header_problems(header: Sequence[str], where: str) -> Iterator[Problem]:
    if len(set(header)) < len(header):
        yield Problem(where, "two columns have one name", _SYNTAX, "field")
    if "text" not in header and not {"tokens", "ner_tags"} <= set(header):
        yield Problem(where, "the header names no column text", _SYNTAX, "field")
