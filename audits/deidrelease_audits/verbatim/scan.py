"""One pass over private notes: the longest span that each shares with the synthetic ones, and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

import numpy as np

from deidrelease.contracts import Shard
from deidrelease.notes import Note
from deidrelease_audits.patients import PatientMaxima, patient_number
from deidrelease_audits.text.tokens import Places, Tokens, folded, is_word, tokenise_all, words_of
from deidrelease_audits.verbatim.index import IndexedNotes, VerbatimIndex, largest_by, own_words

EVIDENCE = 3
"""Private patients of whom a place is kept for each synthetic note. The metrics do not rest on it."""
EVIDENCE_LEAST = 13
"""Shorter spans are counted, and not kept as evidence."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A span that a synthetic note shares with a private one. Holds a private id: in memory only.

    Attributes:
        own: Words of it that belong to no annotated span of the private note.
        length: All its words.
        patient: Keyed number.
        note: Keyed number of the note, which breaks ties.
        there: Its first token among all of the synthetic side.
        note_id: Of the private note.
        start: First code point there.
        end: Behind the last one there.
    """

    own: int
    length: int
    patient: int
    note: int
    there: int
    note_id: str
    start: int
    end: int

    def order(self) -> tuple[int, ...]:
        """The best comes first, whoever saw it first."""
        return (-self.own, -self.length, self.patient, self.note, self.start, self.there)


@dataclass(frozen=True, slots=True)
class SpanTally:
    """What was seen of one arm.

    Attributes:
        longest: Words of each patient's longest span shared with a synthetic note; 0 below eight.
        own: The most own words of such a span.
        words: For positions of the synthetic side (their number) the longest match found to begin there.
        raw: Length of the longest match of raw tokens.
        evidence: For synthetic notes (their place) the best spans, a patient each, the best first.
    """

    longest: PatientMaxima = field(default_factory=PatientMaxima)
    own: PatientMaxima = field(default_factory=PatientMaxima)
    words: PatientMaxima = field(default_factory=PatientMaxima)
    raw: int = 0
    evidence: Mapping[int, tuple[Shared, ...]] = field(default_factory=dict)

    def __add__(self, other: Self) -> Self:
        """The larger of everything, the best evidence of both."""
        notes = sorted({*self.evidence, *other.evidence})
        evidence = {n: best((*self.evidence.get(n, ()), *other.evidence.get(n, ()))) for n in notes}
        return type(self)(
            self.longest + other.longest,
            self.own + other.own,
            self.words + other.words,
            max(self.raw, other.raw),
            evidence,
        )


@dataclass(frozen=True, slots=True)
class VerbatimTally:
    """Both arms."""

    train: SpanTally = field(default_factory=SpanTally)
    holdout: SpanTally = field(default_factory=SpanTally)

    def __add__(self, other: Self) -> Self:
        """Arm by arm."""
        return type(self)(self.train + other.train, self.holdout + other.holdout)


def best(spans: Sequence[Shared]) -> tuple[Shared, ...]:
    """Of each patient the best one, and of those the first few."""
    kept: dict[int, Shared] = {}
    for span in sorted(spans, key=Shared.order):
        kept.setdefault(span.patient, span)
    return tuple(kept.values())[:EVIDENCE]


@dataclass(frozen=True, slots=True, eq=False)
class _Hits:
    """Matches of a shard: `at` counts its tokens, `there` those of the synthetic side; (k,) each."""

    at: Places
    lengths: Places
    there: Places

    @classmethod
    def of(cls, side: IndexedNotes, tokens: Tokens, firsts: Places) -> Self:
        nothing = np.empty(0, np.int64)
        parts = [(nothing, nothing, nothing)]
        parts += [(begin + m.at, m.lengths, m.there) for begin, m in side.index.matches(tokens.codes, firsts)]
        at, lengths, there = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return cls(at, lengths, there)

    def by_place(self) -> PatientMaxima:
        """The longest match named for each synthetic position."""
        places, inverse = np.unique(self.there, return_inverse=True)
        return largest_by(places.tolist(), self.lengths, inverse)

    def beginnings(self) -> Places:
        """Which are not the rest of the match one token before."""
        follows = np.zeros(len(self.at), bool)
        follows[1:] = (np.diff(self.at) == 1) & (np.diff(self.lengths) == -1)
        return np.flatnonzero(~follows)


def scanned(index: VerbatimIndex, shard: Shard) -> SpanTally:
    """What the notes of `shard` share with the synthetic side."""
    notes = shard.notes
    if not notes:
        return SpanTally()
    texts = [note.text for note in notes]
    # First, so that its tokens are gone before those of the other form come.
    raw = _longest_raw(index, texts)
    tokens, firsts = shard.once(words_of)
    hits = _Hits.of(index.words, tokens, firsts)
    before = own_words(notes, tokens, firsts)
    own = before[hits.at + hits.lengths] - before[hits.at]
    of = np.searchsorted(firsts, hits.at, side="right") - 1
    patients = [patient_number(index.key, note.patient_id) for note in notes]
    return SpanTally(
        longest=largest_by(patients, hits.lengths, of),
        own=largest_by(patients, own, of),
        words=hits.by_place(),
        raw=raw,
        evidence=_evidence(index, notes, tokens, hits, own, of, patients),
    )


def _longest_raw(index: VerbatimIndex, texts: Sequence[str]) -> int:
    tokens, firsts = tokenise_all(texts, "raw")
    return index.raw.longest(tokens.codes, firsts)


def _evidence(
    index: VerbatimIndex,
    notes: Sequence[Note],
    tokens: Tokens,
    hits: _Hits,
    own: Places,
    of: Places,
    patients: list[int],
) -> dict[int, tuple[Shared, ...]]:
    """For synthetic notes the best spans; only what may be among them is looked at closer."""
    rows = hits.beginnings()
    rows = rows[hits.lengths[rows] >= EVIDENCE_LEAST]
    there = index.words.note_of(hits.there[rows])
    whose = np.array(patients, np.uint64)[of[rows]]
    order = np.lexsort((whose, -hits.lengths[rows], -own[rows], there))
    limits = np.flatnonzero(np.diff(there[order], prepend=-1, append=-1)).tolist()
    found = {}
    for begin, end in pairwise(limits):
        spans: dict[int, list[Shared]] = {}
        for row in rows[order[begin:end]]:
            patient, good = patients[of[row]], (int(own[row]), int(hits.lengths[row]))
            if len(spans) == EVIDENCE and patient not in spans:
                break
            # Of what is equally good all stay, so that the choice, by keyed numbers, does not depend on the shard.
            if patient not in spans or good == (spans[patient][0].own, spans[patient][0].length):
                shared = _shared(index, notes[of[row]], tokens, hits, row, int(own[row]), patient)
                if shared is not None:
                    spans.setdefault(patient, []).append(shared)
        found[int(there[order[begin]])] = best([shared for theirs in spans.values() for shared in theirs])
    return {place: spans for place, spans in found.items() if spans}


def _shared(
    index: VerbatimIndex, note: Note, tokens: Tokens, hits: _Hits, row: int, own: int, patient: int
) -> Shared | None:
    """The span as evidence, if the texts themselves agree; None for two texts of one hash."""
    at, length, there = int(hits.at[row]), int(hits.lengths[row]), int(hits.there[row])
    start, end = int(tokens.starts[at]), int(tokens.ends[at + length - 1])
    _, first, last = synthetic_span(index, there, length)
    synthetic = index.texts[index.words.note_at(there)][first:last]
    private = note.text[start:end]
    if private != synthetic and _words(private) != _words(synthetic):
        return None
    return Shared(own, length, patient, index.key.number("note", note.note_id), there, note.note_id, start, end)


def synthetic_span(index: VerbatimIndex, there: int, length: int) -> tuple[int, int, int]:
    """The synthetic note's place, and the code points from and to which `length` tokens from `there` reach."""
    note = index.words.note_at(there)
    return note, int(index.words.starts[there]), int(index.words.ends[there + length - 1])


def _words(text: str) -> list[str]:
    return folded(text).translate(_BLANKS).split()


class _Blanks(dict[int, str]):
    """Every character that is part of no word becomes a blank; filled as they turn up."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        self[point] = character if is_word(character) else " "
        return self[point]


_BLANKS = _Blanks()
