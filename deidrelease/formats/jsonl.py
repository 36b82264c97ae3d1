"""The canonical format: one JSON object a line, UTF-8, LF between lines.

    {"note_id": …, "patient_id": …, "text": …, "spans": [{"start": …, "end": …, "label": …}], "meta": {…}}

`spans` and `meta` may be absent. A path is a file, or a folder of `.jsonl` files read in the order of their names.
Large files are cut into shards by bytes; a line belongs to the shard in which it begins.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deidrelease.artifacts import atomic_writer
from deidrelease.errors import CorpusError, Problem
from deidrelease.formats.drafts import NOTE_BYTES, Decoded, Draft, DraftSpan, decode, too_large
from deidrelease.formats.folders import files_ending, holds
from deidrelease.formats.reading import ReadOptions
from deidrelease.notes import Note, note_to_json

SHARD_BYTES = 32 * 1024 * 1024
_FIELDS = {"note_id", "patient_id", "text", "spans", "meta"}
_REMEDY = "write each line as the format reference shows (docs/reference/formats.md)"


def recognises(path: Path) -> bool:
    """A `.jsonl` file, or a folder with at least one directly in it."""
    return path.suffix == ".jsonl" if path.is_file() else holds(path, ".jsonl") and not holds(path, ".txt")


def read(path: Path, options: ReadOptions) -> Sequence["JsonlShard"]:
    """The shards of a file or folder.

    Raises:
        CorpusError: A folder holds no `.jsonl` file.
    """
    files = [path] if path.is_file() else sorted(files_ending(path, ".jsonl"))
    if not files:
        remedy = "point to a .jsonl file or a folder of them"
        raise CorpusError("No notes were found.", [Problem(str(path), "holds no .jsonl file", remedy)])
    return [shard for file in files for shard in _shards(file, options.mend)]


def _shards(file: Path, mend: bool) -> "list[JsonlShard]":
    try:
        size = file.stat().st_size
        starts = range(0, max(size, 1), SHARD_BYTES)
        lines = _first_lines(file, starts)
    except OSError:
        # Its shard will fail likewise, and tell of it as of any other defect.
        return [JsonlShard(file, 0, 1, 1, mend)]
    return [
        JsonlShard(file, start, min(start + SHARD_BYTES, size), line, mend)
        for start, line in zip(starts, lines, strict=True)
    ]


def write(notes: Iterable[Note], path: Path) -> None:
    """Writes `notes` in canonical form; the file appears whole or not at all.

    Raises:
        CorpusError: `path` exists already.
    """
    if path.exists():
        raise CorpusError("Nothing was written.", [Problem(str(path), "exists already", "name a new file")])
    with atomic_writer(path) as stream:
        for note in notes:
            stream.write(note_to_json(note).encode("utf-8") + b"\n")


@dataclass(frozen=True, slots=True)
class JsonlShard:
    """The lines of `path` that begin at bytes `start` to `end` (half-open), numbered from `first_line`."""

    path: Path
    start: int
    end: int
    first_line: int
    mend: bool

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields every note, and a problem for each defect of a line that cannot be one."""
        try:
            with self.path.open("rb") as stream:
                yield from self._lines(stream)
        except OSError as error:
            what = f"cannot be read ({error.strerror})"
            yield Problem(str(self.path), what, "correct its permissions", "unreadable")

    def _lines(self, stream: Any) -> Iterator[Draft | Problem]:
        self._seek(stream)
        number = self.first_line - 1
        while (begin := stream.tell()) < self.end and (raw := stream.readline(NOTE_BYTES + 1)):
            number += 1
            where = f"{self.path}:{number}"
            if len(raw) > NOTE_BYTES:
                yield too_large(where)
                _skip_line(stream, raw)
            elif raw.strip():
                yield from _parse(raw, where, begin == 0, self.mend)

    def _seek(self, stream: Any) -> None:
        # A line that began before `start` belongs to the shard before: read past its end.
        if self.start:
            stream.seek(self.start - 1)
            _skip_line(stream, b"")


def _skip_line(stream: Any, raw: bytes) -> None:
    while not raw.endswith(b"\n") and (raw := stream.readline(1 << 20)):
        pass


def _first_lines(path: Path, starts: Sequence[int]) -> list[int]:
    """The number of the first line of each shard, in one pass over the file."""
    numbers, newlines, at = [1], 0, 0
    with path.open("rb") as stream:
        for start in starts[1:]:
            # All newlines before the byte `start - 1`; the shard begins behind the next one.
            while at < start - 1 and (block := stream.read(min(start - 1 - at, 1 << 20))):
                newlines += block.count(b"\n")
                at += len(block)
            numbers.append(newlines + 2)
    return numbers


def _parse(raw: bytes, where: str, first: bool, mend: bool) -> Iterator[Draft | Problem]:
    decoded = _decode(raw, where, first, mend)
    if isinstance(decoded, Problem):
        yield decoded
        return
    try:
        record = json.loads(decoded.text)
    except json.JSONDecodeError as error:
        yield Problem(where, f"is not JSON at column {error.colno}: {error.msg}", _REMEDY, "syntax")
    except RecursionError:
        yield Problem(where, "is nested too deeply", _REMEDY, "syntax")
    except ValueError:
        what = "is not JSON that can be used: it holds a number of thousands of digits"
        yield Problem(where, what, _REMEDY, "syntax")
    else:
        yield from _draft(record, where, decoded)


def _decode(raw: bytes, where: str, first: bool, mend: bool) -> Decoded | Problem:
    try:
        # A mark is looked for in front of the file only: in front of a later line it is no JSON, and says so.
        return decode(raw, where, mend) if first else Decoded(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return decode(raw, where, mend)


def _draft(record: object, where: str, decoded: Decoded) -> Iterator[Draft | Problem]:
    defects = list(_defects(record))
    # An escape is the only way for half a surrogate pair into UTF-8; ids, text and labels are looked at by the checks.
    if "\\u" in decoded.text and isinstance(record, dict) and _has_surrogate(record):
        defects.append(("surrogate", "meta holds an unpaired surrogate, which UTF-8 cannot carry"))
    problems = tuple(Problem(where, what, _REMEDY, kind) for kind, what in defects)
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        yield from problems
        return
    spans, patient = record.get("spans"), record.get("patient_id")
    yield Draft(
        where=where,
        note_id=record["note_id"] if isinstance(record.get("note_id"), str) else "",
        text=record["text"],
        spans=tuple(
            DraftSpan(where, span["start"], span["end"], span["label"])
            for span in (spans if isinstance(spans, list) else ())
            if not defects or _is_span(span)
        ),
        patient_id=patient if isinstance(patient, str) else None,
        meta=record["meta"] if isinstance(record.get("meta"), dict) else {},
        extras={name: value for name, value in record.items() if name not in _FIELDS},
        fixes=decoded.fixes,
        problems=problems,
    )


def _has_surrogate(record: Any) -> bool:
    try:
        json.dumps(record.get("meta"), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _defects(record: object) -> Iterator[tuple[str, str]]:
    if not isinstance(record, dict):
        yield "syntax", "is not a JSON object"
        return
    if not isinstance(record.get("text"), str):
        yield "field", "text is missing or not a string"
    if not isinstance(record.get("meta", {}), dict):
        yield "field", "meta is not an object"
    spans = record.get("spans", [])
    if not isinstance(spans, list):
        yield "field", "spans is not a list"
        return
    for index, span in enumerate(spans):
        if not _is_span(span):
            yield "field", f"span {index} is not an object of integers start and end and a string label"


def _is_span(span: object) -> bool:
    return (
        isinstance(span, dict)
        and len(span) == 3
        and type(span.get("start")) is int
        and type(span.get("end")) is int
        and isinstance(span.get("label"), str)
    )
