"""BRAT standoff: a folder of `ID.txt` with `ID.ann` beside it.

The standoff files carry text-bound annotations only. What they cannot carry (note ids that are no file names, patient
ids, meta) stands in a sidecar `notes.jsonl`, a line a note: `{"file", "note_id", "patient_id", "meta"}`. So a corpus
written here reads back equal, and a corpus made elsewhere needs no sidecar if each of its notes is one patient.

Line ends inside a covered text are written as spaces in `.ann`, as brat itself does, and compared likewise. `.txt` is
read and written byte for byte.
"""

import json
import os
import re
import urllib.parse
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deidrelease.artifacts import atomic_folder
from deidrelease.errors import CorpusError, Problem
from deidrelease.notes import Corpus, Located, Note, Span, span_defects

SIDECAR = "notes.jsonl"
SHARD_FILES = 512
_LINE_ENDS = str.maketrans(dict.fromkeys("\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", " "))
_ANNOTATION = re.compile(r"T\d+\t(\S+) (\d{1,18}) (\d{1,18})\t(.*)", re.DOTALL)
_DISCONTINUOUS = re.compile(r"T\d+\t\S+ \d+ \d+(;\d+ \d+)+\t")


def recognises(path: Path) -> bool:
    """A folder with `.txt` files directly in it."""
    return path.is_dir() and any(path.glob("*.txt"))


def open_corpus(path: Path, patients: str = "recorded") -> Corpus:
    """Opens a folder lazily; `.txt` files in the order of the sidecar, or of their names where there is none.

    Raises:
        CorpusError: No `.txt` file; or patient ids are to be `recorded` and there is no sidecar.
    """
    sidecar = path / SIDECAR
    if patients == "recorded" and not sidecar.exists():
        remedy = "set corpus.patients: note if every note is one patient, else add the sidecar"
        raise CorpusError(
            "BRAT standoff records no patients.", [Problem(str(path), f"has no {SIDECAR} that names them", remedy)]
        )
    places = _sidecar_places(sidecar) if sidecar.exists() else {}
    if problems := _unpaired(path, places):
        raise CorpusError(f"{path}: files do not pair up.", problems)
    # Of each note, only its file name and its place in the sidecar are held: a folder may have a million.
    names = [*places, *sorted(name for name in _names(path, ".txt") if name not in places)]
    if not names:
        raise CorpusError("No notes were found.", [Problem(str(path), "holds no .txt file", "correct corpus.path")])
    shards = []
    for start in range(0, len(names), SHARD_FILES):
        part = names[start : start + SHARD_FILES]
        shards.append(BratShard(path, tuple(part), array("q", [places.get(name, -1) for name in part]), patients))
    return Corpus(str(path), tuple(shards))


def _names(folder: Path, suffix: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        yield from (entry.name for entry in entries if entry.name.endswith(suffix))


def _unpaired(folder: Path, places: Mapping[str, int]) -> list[Problem]:
    absent = sum(not (folder / name).exists() for name in places)
    problems = []
    if absent:
        problems.append(Problem(str(folder / SIDECAR), f"lists {absent} absent file(s)", "restore or unlist them"))
    orphans = (name for name in _names(folder, ".ann") if not (folder / name).with_suffix(".txt").exists())
    remedy = "restore the text, or remove it"
    return problems + [Problem(str(folder / name), "has no .txt beside it", remedy) for name in sorted(orphans)]


def write(notes: Iterable[Note], path: Path) -> None:
    """Writes `notes` as a folder that appears whole or not at all.

    Raises:
        CorpusError: `path` exists already, or a label holds white space, which the format cannot carry.
    """
    if path.exists():
        raise CorpusError("Nothing was written.", [Problem(str(path), "exists already", "name a new folder")])
    with atomic_folder(path) as folder, (folder / SIDECAR).open("w", encoding="utf-8", newline="\n") as sidecar:
        taken: set[str] = set()
        for number, note in enumerate(notes):
            if bad := sum(bool(re.search(r"\s", span.label)) for span in note.spans):
                what = f"note {number + 1} has {bad} label(s) with white space"
                raise CorpusError("BRAT cannot carry these labels.", [Problem(str(path), what, "rename the labels")])
            stem = _stem(note.note_id, number, taken)
            (folder / f"{stem}.txt").write_bytes(note.text.encode("utf-8"))
            (folder / f"{stem}.ann").write_bytes(_standoff(note).encode("utf-8"))
            entry = {
                "file": f"{stem}.txt",
                "note_id": note.note_id,
                "patient_id": note.patient_id,
                "meta": dict(note.meta),
            }
            sidecar.write(json.dumps(entry, ensure_ascii=False) + "\n")


@dataclass(frozen=True, slots=True)
class _Entry:
    file: str
    note_id: str
    patient_id: str
    meta: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class BratShard:
    """Some of a folder's notes, by file name, with the byte at which the sidecar tells of each, or -1."""

    folder: Path
    files: tuple[str, ...]
    places: "array[int]"
    patients: str

    def read(self) -> Iterator[Located | Problem]:
        """Yields every note, and a problem for each defect of a pair of files that cannot be one."""
        for name, place in zip(self.files, self.places, strict=True):
            path = self.folder / name
            if place < 0 and self.patients == "recorded":
                yield Problem(str(path), f"is not listed in {SIDECAR}", "list it with its patient")
                continue
            entry = self._entry(name, place)
            patient = entry.note_id if self.patients == "note" else entry.patient_id
            items = list(_read_pair(path))
            problems = [item for item in items if isinstance(item, Problem)]
            yield from problems
            if not problems:
                (text, spans) = next(item for item in items if not isinstance(item, Problem))
                yield Located(str(path), Note(entry.note_id, patient, text, spans, entry.meta))

    def _entry(self, name: str, place: int) -> _Entry:
        if place < 0:
            stem = name.removesuffix(".txt")
            return _Entry(name, stem, stem, {})
        with (self.folder / SIDECAR).open("rb") as stream:
            stream.seek(place)
            return _parse_entry(stream.readline())


def _read_pair(path: Path) -> Iterator[tuple[str, tuple[Span, ...]] | Problem]:
    annotations = path.with_suffix(".ann")
    text = _decode(path)
    if isinstance(text, Problem):
        yield text
        return
    if not annotations.exists():
        yield Problem(str(annotations), "is missing", "restore it; an empty file means a note without PII")
        return
    standoff = _decode(annotations)
    if isinstance(standoff, Problem):
        yield standoff
        return
    spans, numbers = [], []
    for number, line in enumerate(standoff.split("\n"), 1):
        if not line.strip():
            continue
        parsed = _parse_line(line.removesuffix("\r"), text, f"{annotations}:{number}")
        if isinstance(parsed, Problem):
            yield parsed
        else:
            spans.append(parsed)
            numbers.append(number)
    for defect in span_defects(text, spans) if len(set(spans)) < len(spans) else []:
        yield Problem(str(annotations), defect, "remove one of the two lines")
    yield text, tuple(spans)


def _parse_line(line: str, text: str, where: str) -> Span | Problem:
    match = _ANNOTATION.fullmatch(line)
    if match is None:
        if _DISCONTINUOUS.match(line):
            return Problem(where, "is a discontinuous span", "annotate its parts as spans of their own")
        if not line.startswith("T"):
            return Problem(where, "is no text-bound annotation (T…)", "remove relations, attributes and comments")
        return Problem(where, "is not 'T<n> TAB LABEL START END TAB TEXT'", "correct the line")
    label, start, end, covered = match[1], int(match[2]), int(match[3]), match[4]
    if defects := span_defects(text, [Span(start, end, label)]):
        return Problem(where, defects[0], "correct the offsets (code points from 0, end exclusive)")
    if text[start:end].translate(_LINE_ENDS) != covered.translate(_LINE_ENDS):
        remedy = "offsets count Unicode code points of the .txt as it is, each CR and LF one; correct them"
        return Problem(where, f"its text is not what the note has at {start}-{end}", remedy)
    return Span(start, end, label)


def _decode(path: Path) -> str | Problem:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        return Problem(str(path), f"byte {error.start} is not UTF-8", "save the file as UTF-8")
    except OSError as error:
        return Problem(str(path), f"cannot be read ({error.strerror})", "correct its permissions")


def _sidecar_places(path: Path) -> dict[str, int]:
    """File name to the byte at which its line begins, after every line was checked."""
    places: dict[str, int] = {}
    problems, place = [], 0
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            where, begin = f"{path}:{number}", place
            place += len(raw)
            if not raw.strip():
                continue
            try:
                entry = _parse_entry(raw)
            except UnicodeDecodeError as error:
                problems.append(Problem(where, f"byte {error.start} is not UTF-8", "save the file as UTF-8"))
                continue
            except (KeyError, TypeError, ValueError, RecursionError):
                remedy = 'write {"file", "note_id", "patient_id", "meta"}, the first three strings that are not empty'
                problems.append(Problem(where, "is no sidecar entry", remedy))
                continue
            if entry.file in places:
                problems.append(Problem(where, "lists a file for the second time", "keep one"))
            places[entry.file] = begin
    if problems:
        raise CorpusError("The sidecar of the corpus cannot be read.", problems)
    return places


def _parse_entry(raw: bytes) -> _Entry:
    record = json.loads(raw.decode("utf-8"))
    names = [record[key] for key in ("file", "note_id", "patient_id")]
    # A null taken for the text "None" would make one patient of all who have it.
    if not all(isinstance(name, str) and name for name in names):
        raise TypeError
    json.dumps(record, ensure_ascii=False).encode("utf-8")
    return _Entry(names[0], names[1], names[2], dict(record.get("meta", {})))


def _stem(note_id: str, number: int, taken: set[str]) -> str:
    quoted = urllib.parse.quote(note_id, safe=" ()+,=@")
    plain = quoted == note_id and len(quoted) <= 100 and not re.match(r"[. ]|n\d{8}-", quoted)
    # A number in front keeps apart ids that differ only in case, that are no file name, or that look so numbered.
    if not plain or quoted.casefold() in taken:
        quoted = f"n{number:08d}-{quoted[:80]}"
    taken.add(quoted.casefold())
    return quoted


def _standoff(note: Note) -> str:
    lines = []
    for index, span in enumerate(note.spans, 1):
        covered = note.value(span).translate(_LINE_ENDS)
        lines.append(f"T{index}\t{span.label} {span.start} {span.end}\t{covered}\n")
    return "".join(lines)
