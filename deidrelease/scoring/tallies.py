"""Counts of what a tagger found and missed, a vector a note.

Every score of this package is a ratio of sums of these counts. As the counts of notes add, a patient is one vector, a
corpus is a matrix of patients, and resampling patients is one matrix product: no text is read twice, and nothing but
numbers is left once a note has been counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deidrelease.notes import Note, Span, span_defects
from deidrelease.scoring.texts import TextShape

LABEL_COUNTS = ("strict_tp", "strict_fp", "strict_fn", "token_tp", "token_fp", "token_fn")
NOTE_COUNTS = ("notes", "sentences", "characters", "characters_covered", "exposed", "unseen", "unseen_found")

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each count stands in a tally's vector: `NOTE_COUNTS` first, then `LABEL_COUNTS` for each label in turn."""

    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        """Length of the vector."""
        return len(NOTE_COUNTS) + len(LABEL_COUNTS) * len(self.labels)

    def of(self, count: str, label: str | None = None) -> list[int]:
        """Columns that add up to `count`: of one label, or of all labels if none is named.

        Raises:
            ValueError: No such count, or no such label.
        """
        if count in NOTE_COUNTS:
            return [NOTE_COUNTS.index(count)]
        rows = range(len(self.labels)) if label is None else [self.labels.index(label)]
        return [len(NOTE_COUNTS) + len(LABEL_COUNTS) * row + LABEL_COUNTS.index(count) for row in rows]


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What was counted in some notes; `scorer.tally(a) + scorer.tally(b)` is the tally of both.

    Attributes:
        labels: The labels that the columns are for, in order.
        counts: Read-only vector of shape (columns,), laid out by `Columns(labels)`.
    """

    labels: tuple[str, ...]
    counts: Counts

    def __post_init__(self) -> None:
        self.counts.flags.writeable = False

    def __add__(self, other: "Tally") -> "Tally":
        if self.labels != other.labels:
            raise ValueError("tallies of different labels do not add")
        return Tally(self.labels, self.counts + other.counts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self.labels == other.labels and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]  # holds an array

    def total(self, count: str, label: str | None = None) -> int:
        """The count by its name (`LABEL_COUNTS`, `NOTE_COUNTS`): of one label, or of all if none is named."""
        return int(self.counts[Columns(self.labels).of(count, label)].sum())


def training_values(notes: Iterable[Note]) -> frozenset[tuple[str, str]]:
    """The (label, value) of every gold mention in the notes a tagger is trained on, word for word. Private."""
    return frozenset((span.label, note.value(span)) for note in notes for span in note.spans)


@dataclass(frozen=True, slots=True)
class Scorer:
    """Compares predicted spans with gold spans, note by note.

    Attributes:
        train_values: (label, value) of the training mentions (`training_values`); memory only, and not in `repr`.
        labels: Every label that gold or prediction may carry.

    Raises:
        ValueError: A label stands twice.
    """

    train_values: frozenset[tuple[str, str]] = field(repr=False)
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("a label stands twice")

    def tally(self, gold: Note, predicted: Sequence[Span]) -> Tally:
        """Counts one note.

        Per label, strict: a mention is found only with the same start, end and label. Per label, by token: the label of
        a token is that of the first span that overlaps it; a token with two different labels is a false positive of the
        predicted and a false negative of the gold one, as far as they are labels. Over the note: sentences; characters
        of PII other than white space, and those covered by a prediction of any label; mentions *exposed*, of which at
        least one character other than white space is covered by no prediction; mentions *unseen*, whose (label, value)
        is not in `train_values`, and those of them strictly found.

        Raises:
            ValueError: A prediction is no span of this text or stands twice, or a label is not in `labels`. The
                message quotes no text.
        """
        ordered = tuple(sorted(predicted))
        if defects := span_defects(gold.text, ordered):
            raise ValueError("; ".join(defects))
        if unknown := {span.label for span in (*gold.spans, *ordered)} - set(self.labels):
            raise ValueError(f"{len(unknown)} label(s) of gold or prediction are unknown to the scorer")
        shape = TextShape.of(gold.text)
        by_label = np.vstack([self._strict(gold.spans, ordered), self._tokens(gold.spans, ordered, shape)])
        whole = self._whole(gold, ordered, shape)
        first = np.array([whole[name] for name in NOTE_COUNTS], dtype=np.int64)
        return Tally(self.labels, np.concatenate([first, by_label.T.ravel()]))

    def _strict(self, gold: Sequence[Span], predicted: Sequence[Span]) -> Counts:
        """True positives, false positives, false negatives; shape (3, n_labels)."""
        truth, guess = set(gold), set(predicted)
        return np.vstack([self._per_label(s) for s in (truth & guess, guess - truth, truth - guess)])

    def _per_label(self, spans: Iterable[Span]) -> Counts:
        return np.bincount(self._label_ids(list(spans))[:-1], minlength=len(self.labels)).astype(np.int64)

    def _tokens(self, gold: Sequence[Span], predicted: Sequence[Span], shape: TextShape) -> Counts:
        """True positives, false positives, false negatives among tokens; shape (3, n_labels)."""
        outside = len(self.labels)
        truth = self._label_ids(gold)[shape.first_span_of_tokens(gold)]
        guess = self._label_ids(predicted)[shape.first_span_of_tokens(predicted)]
        same = truth == guess
        rows = (truth[same], guess[~same], truth[~same])
        return np.vstack([np.bincount(row, minlength=outside + 1)[:outside] for row in rows]).astype(np.int64)

    def _label_ids(self, spans: Sequence[Span]) -> Counts:
        """Number of each span's label, and behind them that of "outside" (one past the last label)."""
        return np.array([*(self.labels.index(span.label) for span in spans), len(self.labels)], dtype=np.int64)

    def _whole(self, gold: Note, predicted: Sequence[Span], shape: TextShape) -> Mapping[str, int]:
        covered, private = shape.covered(predicted), shape.covered(gold.spans)
        unseen = {span for span in gold.spans if (span.label, gold.value(span)) not in self.train_values}
        open_to_view = shape.visible & ~covered
        return {
            "notes": 1,
            "sentences": shape.sentences,
            "characters": int(private.sum()),
            "characters_covered": int((private & covered).sum()),
            "exposed": sum(bool(open_to_view[span.start : span.end].any()) for span in gold.spans),
            "unseen": len(unseen),
            "unseen_found": len(unseen & set(predicted)),
        }


@dataclass(frozen=True, slots=True, eq=False)
class PatientTallies:
    """The tallies of a test set, a row a patient.

    Attributes:
        labels: The labels that the columns are for.
        patients: Patient ids in the order of the rows (first seen first); memory only, and not in `repr`.
        matrix: Counts of shape (n_patients, columns), laid out by `Columns(labels)`.
    """

    labels: tuple[str, ...]
    patients: tuple[str, ...] = field(repr=False)
    matrix: Counts = field(repr=False)

    def total(self) -> Tally:
        """The sum over patients."""
        return Tally(self.labels, self.matrix.sum(axis=0))


def tally_patients(scored: Iterable[tuple[Note, Sequence[Span]]], scorer: Scorer) -> PatientTallies:
    """Counts gold notes with their predictions and adds them up by patient; reads `scored` once, one note at a time.

    Raises:
        ValueError: As `Scorer.tally`.
    """
    rows: dict[str, Tally] = {}
    for gold, predicted in scored:
        tally = scorer.tally(gold, predicted)
        rows[gold.patient_id] = rows[gold.patient_id] + tally if gold.patient_id in rows else tally
    matrix = np.zeros((len(rows), Columns(scorer.labels).size), dtype=np.int64)
    for row, tally in enumerate(rows.values()):
        matrix[row] = tally.counts
    return PatientTallies(scorer.labels, tuple(rows), matrix)
