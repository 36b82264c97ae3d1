"""What the verbatim audit keeps in memory: the synthetic notes, and what hold-out patients share by chance."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from deidrelease.contracts import Corpora
from deidrelease.keys import SiteKey
from deidrelease.notes import Corpus, Note
from deidrelease_audits.patients import PatientMaxima, patient_number
from deidrelease_audits.text.tokens import Places, Tokens, tokenise_all, words_of
from deidrelease_audits.verbatim.longest import Windows
from deidrelease_audits.verbatim.matching import Index
from deidrelease_audits.verbatim.suffixes import Small


@dataclass(frozen=True, slots=True, eq=False)
class IndexedNotes:
    """Some notes in one normal form, searchable.

    Attributes:
        starts: First code point of each token in its note.
        ends: Behind the last one.
        index: Of the tokens.
    """

    starts: Small
    ends: Small
    index: Index

    @classmethod
    def of(cls, tokens: Tokens, firsts: Places) -> Self:
        """From their tokens, and the first of each note."""
        return cls(tokens.starts, tokens.ends, Index.of(tokens.codes, firsts))

    def __len__(self) -> int:
        """How many tokens."""
        return len(self.starts)

    def note_of(self, places: Places) -> Places:
        """In which note each token stands."""
        return np.searchsorted(self.index.firsts, places, side="right") - 1

    def note_at(self, place: int) -> int:
        """In which note one token stands."""
        return int(np.searchsorted(self.index.firsts, place, side="right")) - 1


@dataclass(frozen=True, slots=True, eq=False)
class VerbatimIndex:
    """The synthetic side.

    Attributes:
        names: Ids of the synthetic notes.
        texts: Their texts.
        words: Them in the normal form `words`.
        raw: Their tokens as they stand, of which only the longest span counts.
        key: Under which patients and notes are numbered.
        chance: Of a sample of hold-out patients the own words of the longest span shared with other hold-out patients.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...]
    words: IndexedNotes
    raw: Windows
    key: SiteKey
    chance: PatientMaxima

    @classmethod
    def of(cls, corpora: Corpora, patients: int, notes_each: int) -> Self:
        """From the synthetic corpus and at most so many hold-out patients, with at most so many notes of each."""
        release = corpora.release
        texts = tuple(note.text for note in release.notes)
        # The larger one first: building takes more than keeping.
        words = IndexedNotes.of(*release.once(words_of))
        chance = PatientMaxima()
        if corpora.holdout is not None:
            chance = _shared_by_chance(_sampled(corpora.holdout, corpora.key, patients, notes_each))
        return cls(
            names=tuple(note.note_id for note in release.notes),
            texts=texts,
            words=words,
            raw=_windows(texts),
            key=corpora.key,
            chance=chance,
        )


def _windows(texts: Sequence[str]) -> Windows:
    tokens, firsts = tokenise_all(texts, "raw")
    return Windows.of(tokens.codes, firsts)


def own_words(notes: Sequence[Note], tokens: Tokens, firsts: Places) -> Places:
    """How many of the tokens before each one, and behind the last, belong to no annotated span; (n + 1,).

    Names, places and addresses recur with every patient of a doctor or a ward, in long blocks; whether *they* were
    copied is for the replay and linkage audits to say.
    """
    begins = np.cumsum([0] + [len(note.text) + 1 for note in notes])
    spans = [
        (begin + s.start, begin + s.end)
        for begin, note in zip(begins.tolist(), notes, strict=False)
        for s in note.spans
        if s.start < s.end
    ]
    shift = np.repeat(begins[:-1], np.diff(firsts))
    edges = np.zeros(len(tokens) + 1, np.int64)
    if spans:
        first, last = np.array(spans, np.int64).T
        # From the first token that ends behind the span's beginning up to the last that begins before its end.
        inside = np.searchsorted(tokens.ends + shift, first, side="right")
        behind = np.searchsorted(tokens.starts + shift, last)
        np.add.at(edges, inside, 1)
        np.add.at(edges, np.maximum(inside, behind), -1)
    own = np.cumsum(edges[:-1]) == 0
    return np.concatenate([[0], np.cumsum(own)])


def largest_by(keys: Iterable[int], values: Places, of: Places) -> PatientMaxima:
    """The largest of `values` for each of `keys`, where `of` says whose each value is; 0 for those without."""
    distinct, inverse = np.unique(np.array(list(keys), np.uint64), return_inverse=True)
    largest = np.zeros(len(distinct), np.int32)
    np.maximum.at(largest, inverse[of], values.astype(np.int32))
    return PatientMaxima(distinct, largest)


def _sampled(corpus: Corpus, key: SiteKey, patients: int, notes_each: int) -> dict[int, list[Note]]:
    """The notes of the patients of the smallest keyed numbers: a fair draw that no order changes."""
    kept: dict[int, list[Note]] = {}
    for note in corpus:
        number = patient_number(key, note.patient_id)
        if number not in kept and len(kept) >= patients:
            largest = max(kept)
            if number > largest:
                continue
            del kept[largest]
        theirs = kept.setdefault(number, [])
        if len(theirs) < notes_each:
            theirs.append(note)
    return kept


def _shared_by_chance(kept: dict[int, list[Note]]) -> PatientMaxima:
    """Every second patient of the sample against the others."""
    numbers = sorted(kept)
    others = IndexedNotes.of(*words_of([note for number in numbers[1::2] for note in kept[number]]))
    asked = [(number, note) for number in numbers[::2] for note in kept[number]]
    notes = [note for _, note in asked]
    tokens, firsts = words_of(notes)
    before = own_words(notes, tokens, firsts)
    values, of = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for begin, matches in others.index.matches(tokens.codes, firsts):
        at = begin + matches.at
        values.append(before[at + matches.lengths] - before[at])
        of.append(np.searchsorted(firsts, at, side="right") - 1)
    return largest_by([number for number, _ in asked], np.concatenate(values), np.concatenate(of))
