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
from deidrelease.notes import Corpus, Located, Note, Span, note_to_json, span_defects

SHARD_BYTES = 32 * 1024 * 1024
_FIELDS = {"note_id", "patient_id", "text", "spans", "meta"}
_REMEDY = "write each line as the format reference shows (docs/reference/formats.md)"


def recognises(path: Path) -> bool:
    """A `.jsonl` file, or a folder with at least one directly in it."""
    return path.suffix == ".jsonl" if path.is_file() else any(path.glob("*.jsonl")) and not any(path.glob("*.txt"))


def open_corpus(path: Path, patients: str = "recorded") -> Corpus:
    """Opens a file or folder lazily.

    Raises:
        CorpusError: A folder holds no `.jsonl` file.
    """
    files = [path] if path.is_file() else sorted(path.glob("*.jsonl"))
    if not files:
        remedy = "point to a .jsonl file or a folder of them"
        raise CorpusError("No notes were found.", [Problem(str(path), "holds no .jsonl file", remedy)])
    shards = []
    for file in files:
        size = file.stat().st_size
        starts = range(0, max(size, 1), SHARD_BYTES)
        lines = _first_lines(file, starts)
        shards += [
            JsonlShard(file, start, min(start + SHARD_BYTES, size), line, patients)
            for start, line in zip(starts, lines, strict=True)
        ]
    return Corpus(str(path), tuple(shards))


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
    patients: str

    def read(self) -> Iterator[Located | Problem]:
        """Yields every note, and a problem for each defect of a line that cannot be one."""
        with self.path.open("rb") as stream:
            self._seek(stream)
            number = self.first_line - 1
            while (begin := stream.tell()) < self.end and (raw := stream.readline()):
                number += 1
                if raw.strip():
                    yield from _parse(raw, f"{self.path}:{number}", begin == 0, self.patients)

    def _seek(self, stream: Any) -> None:
        # A line that began before `start` belongs to the shard before: read past its end.
        if self.start:
            stream.seek(self.start - 1)
            stream.readline()


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


def _parse(raw: bytes, where: str, first: bool, patients: str) -> Iterator[Located | Problem]:
    try:
        record = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        yield Problem(where, f"byte {error.start} is not UTF-8", "save the file as UTF-8")
        return
    except json.JSONDecodeError as error:
        bom = first and raw.startswith(b"\xef\xbb\xbf")
        what = "begins with a byte order mark" if bom else f"is not JSON at column {error.colno}: {error.msg}"
        yield Problem(where, what, "save it as UTF-8 without a mark" if bom else _REMEDY)
        return
    except RecursionError:
        yield Problem(where, "is nested too deeply", _REMEDY)
        return
    except ValueError:
        yield Problem(where, "is not JSON that can be used: it holds a number of thousands of digits", _REMEDY)
        return
    defects = list(_defects(record, patients))
    # An escape is the only way for half a surrogate pair into UTF-8; name and text are looked at with the defects.
    if not defects and b"\\ud" in raw.lower() and not _encodable(json.dumps(record, ensure_ascii=False)):
        defects.append("a label or meta holds an unpaired surrogate, which UTF-8 cannot carry")
    if defects:
        yield from (Problem(where, defect, _REMEDY) for defect in defects)
        return
    spans = tuple(Span(s["start"], s["end"], s["label"]) for s in record.get("spans", ()))
    patient = record["note_id"] if patients == "note" else record["patient_id"]
    yield Located(where, Note(record["note_id"], patient, record["text"], spans, record.get("meta", {})))


def _defects(record: object, patients: str) -> Iterator[str]:
    if not isinstance(record, dict):
        yield "is not a JSON object"
        return
    if unknown := len(set(record) - _FIELDS):
        yield f"has {unknown} field(s) other than {', '.join(sorted(_FIELDS))} (put them into meta)"
    needed = ["note_id", "text"] + (["patient_id"] if patients == "recorded" else [])
    for name in needed:
        if not isinstance(record.get(name), str) or not (record[name] or name == "text"):
            yield f"{name} is missing, empty or not a string"
        elif not _encodable(record[name]):
            yield f"{name} holds an unpaired surrogate, which UTF-8 cannot carry"
    if not isinstance(record.get("meta", {}), dict):
        yield "meta is not an object"
    yield from _span_defects(record)


def _span_defects(record: dict[str, Any]) -> Iterator[str]:
    spans = record.get("spans", [])
    if not isinstance(spans, list):
        yield "spans is not a list"
        return
    good = []
    for index, span in enumerate(spans):
        if (
            isinstance(span, dict)
            and set(span) == {"start", "end", "label"}
            and all(type(span[key]) is int for key in ("start", "end"))
            and isinstance(span["label"], str)
        ):
            good.append(Span(span["start"], span["end"], span["label"]))
        else:
            yield f"span {index} is not an object of integers start and end and a string label"
    if isinstance(record.get("text"), str):
        yield from span_defects(record["text"], good)


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
