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
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from deidrelease.artifacts import atomic_folder
from deidrelease.errors import CorpusError, Problem
from deidrelease.formats.drafts import Decoded, Draft, DraftShard, DraftSpan, decode, read_bounded
from deidrelease.formats.folders import files_ending
from deidrelease.formats.offsets import LINE_ENDS, same_text
from deidrelease.formats.reading import ReadOptions
from deidrelease.formats.sidecar import SIDECAR, Entry, file_stem, parse_entry, places_in
from deidrelease.notes import Note

SHARD_FILES = 512
_ANNOTATION = re.compile(r"T\d+\t(\S+) (\d{1,18}) (\d{1,18})\t(.*)", re.DOTALL)
_DISCONTINUOUS = re.compile(r"T\d+\t(\S+) (\d{1,18} \d{1,18}(?:;\d{1,18} \d{1,18})+)\t(.*)", re.DOTALL)
_REMARK = re.compile(r"#\d+\t(\S+) (\S+)\t?(.*)", re.DOTALL)


def recognises(path: Path) -> bool:
    """A folder with `.txt` files directly in it; INCEpTION's exports have folders that are called so."""
    return any(file.is_file() for file in files_ending(path, ".txt"))


def read(path: Path, options: ReadOptions) -> Sequence[DraftShard]:
    """The shards of a folder: `.txt` files in the order of the sidecar, or of their names where there is none.

    Raises:
        CorpusError: No `.txt` file; or patient ids are to be `recorded` and there is no sidecar.
    """
    sidecar = path / SIDECAR
    if options.patients.kind == "recorded" and not sidecar.exists():
        remedy = "set corpus.patients: note if every note is one patient, or say where else patients stand"
        problem = Problem(str(path), f"has no {SIDECAR} that names them", remedy, "no-patient")
        raise CorpusError("BRAT standoff records no patients.", [problem])
    places = places_in(sidecar) if sidecar.exists() else {}
    # Of each note, only its file name and its place in the sidecar are held: a folder may have a million.
    texts, orphans = _files(path)
    names = [*places, *(name for name in texts if name not in places)]
    if not names:
        raise CorpusError("No notes were found.", [Problem(str(path), "holds no .txt file", "correct the path")])
    shards: list[DraftShard] = []
    for start in range(0, len(names), SHARD_FILES):
        part = names[start : start + SHARD_FILES]
        shards.append(BratShard(path, tuple(part), array("q", [places.get(name, -1) for name in part]), options))
    return [*shards, Orphans(path, tuple(orphans))] if orphans else shards


def _files(folder: Path) -> tuple[list[str], list[str]]:
    """The names of the texts, and of the annotations without one; both sorted."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.endswith((".txt", ".ann"))]
    names.sort()
    texts = [name for name in names if name.endswith(".txt")]
    present = set(texts)
    orphans = [name for name in names if name.endswith(".ann") and f"{name[:-4]}.txt" not in present]
    return texts, orphans


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
            stem = file_stem(note.note_id, number, taken)
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
class BratShard:
    """Some of a folder's notes, by file name, with the byte at which the sidecar tells of each, or -1."""

    folder: Path
    files: tuple[str, ...]
    places: "array[int]"
    options: ReadOptions

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields every note, and a problem for each defect of a pair of files that cannot be one."""
        listed = any(place >= 0 for place in self.places)
        with (self.folder / SIDECAR).open("rb") if listed else nullcontext() as sidecar:
            for name, place in zip(self.files, self.places, strict=True):
                path = self.folder / name
                text = _decoded(path, self.options.mend, keep_mark=True)
                if isinstance(text, Problem) and text.kind == "unpaired":
                    yield text
                    continue
                standoff = _standoff_of(path.with_suffix(".ann"), self.options.mend)
                broken = [item for item in (text, standoff) if isinstance(item, Problem)]
                yield from broken
                if isinstance(text, Problem) or isinstance(standoff, Problem):
                    continue
                items = list(_annotations(standoff.text, f"{path.with_suffix('.ann')}", self.options.merge))
                yield self._draft(name, self._entry(name, place, sidecar), text, standoff.fixes, items)

    def _draft(
        self,
        name: str,
        entry: Entry,
        text: Decoded,
        fixes: tuple[Problem, ...],
        items: "list[DraftSpan | _Remark | Problem]",
    ) -> Draft:
        remarks = [{"on": item.target, "text": item.text} for item in items if isinstance(item, _Remark)]
        return Draft(
            where=str(self.folder / name),
            note_id=entry.note_id,
            text=text.text,
            spans=tuple(_rejoined(item, text.text) for item in items if isinstance(item, DraftSpan)),
            patient_id=entry.patient_id,
            file=name,
            meta={**entry.meta, "annotator_notes": remarks} if remarks else entry.meta,
            fixes=(*text.fixes, *fixes),
            problems=tuple(item for item in items if isinstance(item, Problem)),
        )

    def _entry(self, name: str, place: int, sidecar: BinaryIO | None) -> Entry:
        if place < 0 or sidecar is None:
            return Entry(name, name.removesuffix(".txt"), None, {})
        sidecar.seek(place)
        return parse_entry(sidecar.readline())


@dataclass(frozen=True, slots=True)
class Orphans:
    """Annotations whose texts are gone."""

    folder: Path
    files: tuple[str, ...]

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields a problem for each."""
        for name in self.files:
            remedy = "restore the text, or remove it"
            yield Problem(str(self.folder / name), "has no .txt beside it", remedy, "unpaired")


@dataclass(frozen=True, slots=True)
class _Remark:
    """An annotator's remark on an annotation."""

    target: str
    text: str


@dataclass(frozen=True, slots=True)
class _Parts(DraftSpan):
    """A span of several parts, its quoted text the parts joined by spaces."""

    parts: tuple[tuple[int, int], ...] = ()


def _decoded(path: Path, mend: bool, keep_mark: bool = False) -> Decoded | Problem:
    raw = read_bounded(path)
    if isinstance(raw, Problem):
        # Looked for only when it cannot be read: each look at one of a million files takes its time.
        absent = Problem(str(path), f"is listed in {SIDECAR} and absent", "restore or unlist it", "unpaired")
        return raw if os.path.lexists(path) else absent
    return decode(raw, str(path), mend, keep_mark)


def _standoff_of(path: Path, mend: bool) -> Decoded | Problem:
    decoded = _decoded(path, mend)
    if isinstance(decoded, Problem) and decoded.kind == "unpaired":
        remedy = "restore it; an empty file means a note without PII"
        return Problem(str(path), "is missing", remedy, "missing-annotations")
    return decoded


def _annotations(standoff: str, file: str, merge: bool) -> Iterator[DraftSpan | _Remark | Problem]:
    for number, line in enumerate(standoff.split("\n"), 1):
        if line.strip():
            yield _parse_line(line.removesuffix("\r"), f"{file}:{number}", merge)


def _parse_line(line: str, where: str, merge: bool) -> DraftSpan | _Remark | Problem:
    if match := _ANNOTATION.fullmatch(line):
        return DraftSpan(where, int(match[2]), int(match[3]), match[1], match[4])
    if match := _DISCONTINUOUS.fullmatch(line):
        remedy = "annotate its parts as spans of their own, or read with merge"
        return _parts(match, where) if merge else Problem(where, "is a discontinuous span", remedy, "discontinuous")
    if match := _REMARK.fullmatch(line):
        remedy = "remove it, or read with merge, which keeps it in the note's meta"
        return (
            _Remark(match[2], match[3]) if merge else Problem(where, "is an annotator's remark", remedy, "unsupported")
        )
    if not line.startswith("T"):
        what = "is no text-bound annotation (T…)"
        return Problem(where, what, "remove relations, events, attributes and normalisations", "unsupported")
    return Problem(where, "is not 'T<n> TAB LABEL START END TAB TEXT'", "correct the line", "syntax")


def _parts(match: "re.Match[str]", where: str) -> DraftSpan:
    parts = tuple((int(start), int(end)) for start, end in (part.split(" ") for part in match[2].split(";")))
    start, end = min(start for start, _ in parts), max(end for _, end in parts)
    return _Parts(where, start, end, match[1], match[3], parts)


def _rejoined(span: DraftSpan, text: str) -> DraftSpan:
    """A span of parts that quotes them rightly, as one span that quotes all it covers; others as they are."""
    if not isinstance(span, _Parts):
        return span
    quoted = " ".join(text[start:end] for start, end in span.parts)
    covered = text[span.start : span.end] if same_text(quoted, span.covered or "") else span.covered
    return DraftSpan(span.where, span.start, span.end, span.label, covered)


def _standoff(note: Note) -> str:
    lines = []
    for index, span in enumerate(note.spans, 1):
        covered = note.value(span).translate(LINE_ENDS)
        lines.append(f"T{index}\t{span.label} {span.start} {span.end}\t{covered}\n")
    return "".join(lines)
