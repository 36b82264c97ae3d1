"""A mended copy of a corpus, and a log of all that was done to it and of every note that had to be left out.

Nothing is ever mended in place, and nothing is guessed (see `formats.mending`): a note of which one span is in doubt is
left out whole, because a mention that nobody marked teaches a tagger to miss its like.
"""

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from deidrelease.corpora.converting import Source
from deidrelease.corpora.private_lines import private_lines
from deidrelease.corpora.staging import refuse_target
from deidrelease.corpora.walking import counted
from deidrelease.corpora.writing import Written, format_of_target, write_corpus
from deidrelease.errors import Problem
from deidrelease.formats.checking import CheckedShard
from deidrelease.formats.table import Format
from deidrelease.notes import Corpus, Located, Note, note_to_json

Log = Callable[[Mapping[str, str]], None]


@dataclass(frozen=True, slots=True)
class Repaired:
    """What mending did.

    Attributes:
        written: The copy.
        log: What was done, place by place; private.
        repairs: How many, by kind.
        left_out: How many notes, or pieces that are none, by the first kind of defect that kept each from being mended.
        repeats: How many notes were left out because an identical one was there before; nothing is lost with them.
    """

    written: Written
    log: Path
    repairs: Mapping[str, int]
    left_out: Mapping[str, int]
    repeats: int

    def as_record(self) -> dict[str, Any]:
        """For machines."""
        return {
            "notes": self.written.contents.notes,
            "repairs": dict(self.repairs),
            "left_out": dict(self.left_out),
            "repeats": self.repeats,
        }


def log_of(target: Path) -> Path:
    """Where the log of a mended copy lies: beside it."""
    return target.with_name(f"{target.name}.log.jsonl")


def refuse_copy(source: Source, target: Path, to: str | None) -> Format:
    """Makes sure before the work that a copy can be written, and says in which format; raises as `repair` does."""
    refuse_target(source.path, target)
    refuse_target(source.path, log_of(target))
    return format_of_target(target, to)


def repair(source: Source, target: Path, to: str | None = None) -> Repaired:
    """Writes a mended copy of `source` to `target`, and its log beside it.

    Raises:
        CorpusError: The target or its log exists, lies in the corpus, or cannot be written; nothing could be mended.
    """
    form = refuse_copy(source, target, to)
    log = log_of(target)
    corpus = replace(source, options=replace(source.options, mend=True)).open()
    work = _Work(_taken_ids(corpus))
    try:
        # The log takes its name first: a copy that nobody knows to lack notes would be the worse half.
        with closing(work.logged(corpus, log)) as notes:
            written = write_corpus(notes, target, form)
    except BaseException:
        if work.log_stands:
            log.unlink()
        raise
    return Repaired(written, log, dict(work.repairs), dict(work.left_out), work.repeats)


@dataclass(slots=True)
class _Work:
    """What is known of the notes so far, by 8-byte hashes.

    Attributes:
        taken: Ids that a new one must not be.
        patients: By id, whose note it was that had it first.
        contents: Of whole notes.
        log_stands: Whether the log was finished, so that it goes if the copy fails after it.
    """

    taken: set[int]
    patients: dict[int, int] = field(default_factory=dict)
    contents: set[int] = field(default_factory=set)
    repairs: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    log_stands: bool = False

    def logged(self, corpus: Corpus, path: Path) -> Generator[Note, None, None]:
        """The mended notes; the log stands when the last was taken."""
        with private_lines(path) as log:
            for items in counted(_by_note(corpus), "mend"):
                problems = [item for item in items if isinstance(item, Problem)]
                if problems:
                    self.left_out[problems[0].kind] += 1
                    for problem in problems:
                        log(_entry(problem, "left the note out"))
                    continue
                for item in items:
                    if isinstance(item, Located):
                        yield from self._mended(item, log)
        self.log_stands = True

    def _mended(self, located: Located, log: Log) -> Iterator[Note]:
        note, fixes = located.note, located.fixes
        content = hash(note_to_json(note))
        if content in self.contents:
            self.repeats += 1
            twice = Problem(located.where, "an identical note was there before", "", "duplicate-note-id")
            log(_entry(twice, "left the second out"))
            return
        self.contents.add(content)
        name, patient = hash(note.note_id), hash(note.patient_id)
        if name in self.patients:
            note, fix = self._renamed(note, located.where, same_patient=self.patients[name] == patient)
            fixes = (*fixes, fix)
        else:
            self.patients[name] = patient
        for fix in fixes:
            self.repairs[fix.kind] += 1
            log(_entry(fix, fix.remedy))
        yield note

    def _renamed(self, note: Note, where: str, *, same_patient: bool) -> tuple[Note, Problem]:
        number = next(number for number in count(2) if hash(f"{note.note_id}~{number}") not in self.taken)
        new = f"{note.note_id}~{number}"
        self.taken.add(hash(new))
        what = "this note_id stands twice in the corpus" + ("" if same_patient else ", for two patients")
        kind = "duplicate-note-id" if same_patient else "note-id-of-two-patients"
        return replace(note, note_id=new), Problem(where, what, f"put ~{number} behind it", kind)


def _entry(problem: Problem, done: str) -> dict[str, str]:
    return {"where": problem.where, "kind": problem.kind, "what": problem.what, "done": done}


def _taken_ids(corpus: Corpus) -> set[int]:
    shards = counted(corpus.shards, "look through")
    return {hash(item.note.note_id) for shard in shards for item in shard.read() if isinstance(item, Located)}


def _by_note(corpus: Corpus) -> Iterator[tuple[Located | Problem, ...]]:
    """Everything in the corpus; what is wrong with one note together, also where its reader tells it bit by bit."""
    together: tuple[Located | Problem, ...] = ()
    for shard in corpus.shards:
        for items in shard.by_note() if isinstance(shard, CheckedShard) else ((item,) for item in shard.read()):
            if together and _same_note(together[-1], items[0]):
                together += items
                continue
            if together:
                yield together
            together = items
    if together:
        yield together


def _same_note(a: Located | Problem, b: Located | Problem) -> bool:
    if isinstance(a, Located) or isinstance(b, Located):
        return False
    return _of_note(a.where) == _of_note(b.where)


def _of_note(where: str) -> str:
    """A text and the annotations beside it have one name; lines and rows of one file are notes of their own."""
    return re.sub(r"\.\w+$", "", where)
