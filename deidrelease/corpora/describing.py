"""What a corpus is like: sizes, types, patients, and which values patients share. One pass; no value is kept or told.

Values are counted as 8-byte hashes under a key that is drawn anew for each description and thrown away, so that not
even the memory of the process could be searched for a name.
"""

import hashlib
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from deidrelease.corpora.counting import Histogram, SharedValues, histogram, quantile, quantiles
from deidrelease.corpora.walking import counted
from deidrelease.errors import CorpusError, Problem
from deidrelease.notes import Corpus, Note
from deidrelease.results import Estimate
from deidrelease.scoring.intervals import wilson
from deidrelease.scoring.texts import TOKEN

RECORD_FORMAT = "deidrelease.corpus-description/1"
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""At which quantiles lengths are told; 1 is the largest."""


@dataclass(frozen=True, slots=True)
class TypeDescription:
    """One type of PII.

    Attributes:
        spans: How many.
        notes: With at least one.
        values: Distinct ones; those that differ only in case and white space are one.
        shared: Of the distinct values, the share that occurs with more than one patient.
        median_length: Code points of a span.
    """

    spans: int
    notes: int
    values: int
    shared: Estimate
    median_length: int


@dataclass(frozen=True, slots=True)
class CorpusDescription:
    """A whole corpus.

    Attributes:
        notes: How many.
        notes_without_spans: How many of them have none.
        patients: How many.
        characters: Code points of all texts.
        tokens: Runs of word characters, and other visible characters one by one: the tokens of the scores.
        note_characters: Quantiles at `SHARES` of code points a note.
        note_tokens: Of tokens a note.
        patient_notes: Of notes a patient.
        histogram: Of code points a note up to the quantile 0.99: the edges of equal bins, and the notes in each.
        types: By label, the most frequent first.
    """

    notes: int
    notes_without_spans: int
    patients: int
    characters: int
    tokens: int
    note_characters: list[int]
    note_tokens: list[int]
    patient_notes: list[int]
    histogram: Histogram
    types: Mapping[str, TypeDescription]

    def as_record(self, source: str) -> dict[str, Any]:
        """For machines, and for `deidrelease.report`; `source` is the corpus's path."""
        return {"format": RECORD_FORMAT, "source": source, "quantiles_at": SHARES, **asdict(self)}


def describe(corpus: Corpus) -> CorpusDescription:
    """Reads `corpus` once.

    Raises:
        CorpusError: It has defects, or no notes.
    """
    counts = _Counts()
    for note in counted(corpus, "read"):
        counts.add(note)
    if not counts.patients:
        raise CorpusError("There is nothing to describe.", [Problem(corpus.name, "holds no notes", "name a corpus")])
    return counts.description()


@dataclass(slots=True)
class _TypeCounts:
    notes: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    values: SharedValues = field(default_factory=SharedValues)

    def description(self) -> TypeDescription:
        distinct, shared = self.values.distinct_and_shared()
        median = quantile(self.lengths, 0.5)
        return TypeDescription(self.lengths.total(), self.notes, distinct, wilson(shared, distinct), median)


@dataclass(slots=True)
class _Counts:
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    patients: Counter[int] = field(default_factory=Counter)
    characters: Counter[int] = field(default_factory=Counter)
    tokens: Counter[int] = field(default_factory=Counter)
    without: int = 0
    types: dict[str, _TypeCounts] = field(default_factory=dict)

    def add(self, note: Note) -> None:
        patient = self._hash(note.patient_id)
        self.patients[patient] += 1
        self.characters[len(note.text)] += 1
        self.tokens[sum(1 for _ in TOKEN.finditer(note.text))] += 1
        self.without += not note.spans
        for label in {span.label for span in note.spans}:
            self.types.setdefault(label, _TypeCounts()).notes += 1
        for span in note.spans:
            counts = self.types[span.label]
            counts.lengths[span.end - span.start] += 1
            counts.values.add(self._hash(" ".join(note.value(span).casefold().split())), patient)

    def _hash(self, text: str) -> int:
        return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8, key=self.key).digest(), "big")

    def description(self) -> CorpusDescription:
        types = {label: counts.description() for label, counts in self.types.items()}
        return CorpusDescription(
            notes=self.characters.total(),
            notes_without_spans=self.without,
            patients=len(self.patients),
            characters=sum(length * count for length, count in self.characters.items()),
            tokens=sum(length * count for length, count in self.tokens.items()),
            note_characters=quantiles(self.characters, SHARES),
            note_tokens=quantiles(self.tokens, SHARES),
            patient_notes=quantiles(Counter(self.patients.values()), SHARES),
            histogram=histogram(self.characters),
            types=dict(sorted(types.items(), key=lambda item: (-item[1].spans, item[0]))),
        )
