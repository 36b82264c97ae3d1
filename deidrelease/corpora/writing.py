"""Writing notes in a format: what it cannot carry is refused or counted, and what was written is read back."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from deidrelease.corpora.contents import Contents
from deidrelease.corpora.staging import staged
from deidrelease.corpora.walking import counted
from deidrelease.errors import CorpusError, Problem
from deidrelease.formats.checking import CheckedShard
from deidrelease.formats.patients import finder
from deidrelease.formats.reading import PatientSource, ReadOptions
from deidrelease.formats.table import Format, formats, named_format
from deidrelease.notes import Corpus, Note, longest

LOSSES = {
    "patients": "note(s) whose patient is not the note itself",
    "meta": "note(s) with meta",
    "overlaps": "span(s) that overlap longer ones",
}
"""What a format may be unable to carry, and what is counted of it."""


@dataclass(frozen=True, slots=True)
class Written:
    """What stands at the target.

    Attributes:
        format_name: Of the target.
        contents: Of what was written.
        spans: How many.
        lost: By the keys of `LOSSES`, how much was left behind; empty where all was carried.
        verified: Whether it was read back and found equal; False where the format is written only, or by wish.
        leftovers: How many folders of killed attempts were removed.
    """

    format_name: str
    contents: Contents
    spans: int
    lost: Mapping[str, int]
    verified: bool
    leftovers: int


def format_of_target(target: Path, name: str | None) -> Format:
    """The format to write: the one called `name`, else that of the target's ending.

    Raises:
        CorpusError: There is none, it is read only, or the ending tells no single one.
    """
    writable = {form.name: form for form in formats().values() if form.write is not None}
    if name is not None:
        if named_format(name).write is None:
            problem = Problem(str(target), f"{name} is read only", f"write one of {', '.join(writable)}")
            raise CorpusError("Nothing was written.", [problem])
        return writable[name]
    fitting = [form for form in writable.values() if form.suffix and target.name.endswith(form.suffix)]
    closest = [form for form in fitting if len(form.suffix) == max(len(other.suffix) for other in fitting)]
    # Formats for review share the ending of the canonical one, which is meant where nothing else is said.
    canonical = [form for form in closest if form.name == "jsonl"] or closest
    if len(canonical) != 1:
        what = "has an ending that tells no single format" if closest else "has no ending that tells the format"
        problem = Problem(str(target), what, f"name it: --to {'|'.join(form.name for form in closest) or 'FORMAT'}")
        raise CorpusError(f"The target's format is not clear; there are {', '.join(writable)}.", [problem])
    return canonical[0]


def write_corpus(
    notes: Iterable[Note], target: Path, form: Format, *, lossy: bool = False, verify: bool = True
) -> Written:
    """Writes `notes` to `target`, which appears whole, and proved equal where `verify` is set, or not at all.

    Args:
        notes: Read once.
        target: Must not exist.
        form: A format that can be written.
        lossy: Leave behind what the format cannot carry, and count it, instead of refusing.
        verify: Read the result back before it takes its name.

    Raises:
        CorpusError: The format cannot carry something, the disk is full, or the copy is not equal.
    """
    assert form.write is not None  # noqa: S101  (`format_of_target` yields no other)
    load = _Load(form, lossy)
    with staged(target) as stage, _naming(target, stage.path):
        form.write(counted(_readable(load.through(notes)), f"write {form.name}"), stage.path)
        if not load.contents.notes:
            raise CorpusError("Nothing was written.", [Problem(str(target), "there are no notes", "name a corpus")])
        verified = verify and form.read is not None
        if verified:
            _compare(load.contents, stage.path, form)
    return Written(form.name, load.contents, load.spans, dict(load.lost), verified, stage.leftovers)


@dataclass(slots=True)
class _Load:
    """What goes to the writer, and what has to stay behind."""

    form: Format
    lossy: bool
    lost: Counter[str] = field(default_factory=Counter)
    contents: Contents = field(default_factory=Contents)
    spans: int = 0

    def through(self, notes: Iterable[Note]) -> Iterator[Note]:
        for note in notes:
            carried = self._carried(note)
            # Once it is clear that nothing will be written, the rest is only counted.
            if self.lossy or not self.lost:
                self.contents.add(carried)
                self.spans += len(carried.spans)
                yield carried
        if self.lost and not self.lossy:
            problems = [
                Problem(self.form.name, f"cannot carry {LOSSES[kind]}: {count}", "choose another format, or --lossy")
                for kind, count in sorted(self.lost.items())
            ]
            raise CorpusError("Nothing was written: the format cannot carry all of it.", problems)

    def _carried(self, note: Note) -> Note:
        carries = self.form.carries
        if "patients" not in carries and note.patient_id != note.note_id:
            self.lost["patients"] += 1
            note = replace(note, patient_id=note.note_id)
        if "meta" not in carries and note.meta:
            self.lost["meta"] += 1
            note = replace(note, meta={})
        if "overlaps" not in carries and (fewer := len(note.spans) - len(kept := longest(note.spans))):
            self.lost["overlaps"] += fewer
            note = replace(note, spans=kept)
        return note


def _compare(wanted: Contents, path: Path, form: Format) -> None:
    patients = PatientSource("recorded" if "patients" in form.carries else "note")
    options = ReadOptions(patients, "keep-both" if "overlaps" in form.carries else "error")
    assert form.read is not None  # noqa: S101  (the caller has looked)
    shards = tuple(CheckedShard(shard, options, finder(patients)) for shard in form.read(path, options))
    found = Contents.of(counted(Corpus(str(path), shards), "read back"))
    if found.notes != wanted.notes:
        what = f"{wanted.notes} notes were written and {found.notes} read back"
    elif parts := wanted.differing(found):
        what = f"what was read back differs from what was written in its {', '.join(parts)}"
    else:
        return
    remedy = f"choose another format, and report it: {form.name} lost something without saying so"
    raise CorpusError("Nothing was written: the copy is not equal.", [Problem(str(path), what, remedy)])


def _readable(notes: Iterable[Note]) -> Iterator[Note]:
    """What fails while the source is read must not be told as a fault of the target."""
    try:
        yield from notes
    except OSError as error:
        what = f"cannot be read ({error.strerror or type(error).__name__})"
        problem = Problem(str(error.filename or "the corpus"), what, "correct its permissions, or the disk")
        raise CorpusError("Nothing was written.", [replace(problem, kind="unreadable")]) from None


@contextmanager
def _naming(target: Path, hidden: Path) -> Iterator[None]:
    """Messages name the target, not the hidden place at which it is being written."""
    try:
        yield
    except CorpusError as error:
        problems = [replace(p, where=p.where.replace(str(hidden), str(target))) for p in error.problems]
        raise CorpusError(error.summary.replace(str(hidden), str(target)), problems) from None
