"""How much of what people annotated in private notes the detectors find, with patients as the unit that is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease.notes import Note, Span
from deidrelease.results import Estimate
from deidrelease.scoring.intervals import wilson_bounds
from deidrelease_audits.pii_residual.detectors import CLASSES, FAMILIES, family_of
from deidrelease_audits.pii_residual.hit_counts import COLUMNS, TOTAL, by_column, family_column

METHOD = "Wilson score at the effective sample size, patients as clusters (Wilson 1927; Cochran 1977, section 6.3)"

Counts = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class GoldRecall:
    """For every patient seen how many mentions there are, and how many were found.

    A mention counts as found in the columns of its class and of the total where hits of any class cover all of it but
    white space; in the column of its family only where hits of that family do, and there no more mentions of a note
    count than it has such hits: a bound on mentions from hits must not take one hit for two.

    Attributes:
        patients: Keyed numbers, sorted, each once; (n,) uint64.
        mentions: By column; (n, COLUMNS).
        found: Of those; (n, COLUMNS).
    """

    patients: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    mentions: Counts = field(default_factory=lambda: np.empty((0, COLUMNS), np.int32))
    found: Counts = field(default_factory=lambda: np.empty((0, COLUMNS), np.int32))

    @classmethod
    def of(cls, patient: int, note: Note, gold: Sequence[int], hits: Sequence[tuple[Span, int]]) -> Self:
        """One note.

        Args:
            patient: Keyed number.
            note: With its annotated spans.
            gold: The place of the class of each of those spans, below 0 for one of no class.
            hits: What was detected, with the place of its class, below 0 likewise.
        """
        listed = [(span, place) for span, place in zip(note.spans, gold, strict=True) if place >= 0]
        by_any = _covered(note.text, [span for span, _ in hits])
        found = by_column([place for span, place in listed if by_any(span)])
        for family in range(len(FAMILIES)):
            own = [span for span, place in listed if family_of(place) == family]
            alike = [span for span, place in hits if place >= 0 and family_of(place) == family]
            by_own = _covered(note.text, alike)
            found[family_column(family)] = min(sum(by_own(span) for span in own), len(alike))
        mentions = by_column([place for _, place in listed])
        return cls(np.array([patient], np.uint64), mentions[None].astype(np.int32), found[None].astype(np.int32))

    @classmethod
    def summed(cls, parts: Sequence[Self]) -> Self:
        """All of `parts`, patient by patient."""
        parts = [cls(), *parts]
        patients, whose = np.unique(np.concatenate([part.patients for part in parts]), return_inverse=True)
        sums = np.zeros((2, len(patients), COLUMNS), np.int32)
        np.add.at(sums[0], whose, np.concatenate([part.mentions for part in parts]))
        np.add.at(sums[1], whose, np.concatenate([part.found for part in parts]))
        return cls(patients, sums[0], sums[1])

    def __add__(self, other: Self) -> Self:
        """Patient by patient."""
        return self.summed([self, other])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GoldRecall):
            return NotImplemented
        return (
            np.array_equal(self.patients, other.patients)
            and np.array_equal(self.mentions, other.mentions)
            and np.array_equal(self.found, other.found)
        )

    __hash__ = None  # type: ignore[assignment]

    def annotated(self) -> int:
        """Patients with at least one mention."""
        return int((self.mentions[:, TOTAL] > 0).sum())

    def has(self, column: int) -> bool:
        """Whether there is any mention."""
        return bool(self.mentions[:, column].any())

    def recall(self, column: int, confidence: float = 0.95) -> Estimate:
        """The share of mentions found; `n` is the number of mentions.

        The size behind the interval is that of the mentions divided by the design effect of the patients, never below
        1, from the linearised variance of a ratio; where nothing varies, the patients are what is counted.

        Raises:
            ValueError: There is no mention.
        """
        units, hits = self.mentions[:, column].astype(float), self.found[:, column].astype(float)
        hits, units = hits[units > 0], units[units > 0]
        if len(units) == 0:
            raise ValueError("a share of nothing")
        share = float(hits.sum() / units.sum())
        low, high = wilson_bounds(share, _effective(hits, units, share), confidence)
        return Estimate(share, low, high, confidence, int(units.sum()), METHOD)


def classes_with_mentions(recall: GoldRecall) -> list[int]:
    """The places of the classes that were annotated at all."""
    return [place for place in range(len(CLASSES)) if recall.has(place)]


def _effective(hits: NDArray[np.float64], units: NDArray[np.float64], share: float) -> float:
    n = len(units)
    scatter = float(((hits - share * units) ** 2).sum())
    if n < 2 or scatter <= 1e-9 * float((units**2).sum()):
        return float(n)
    variance = n / (n - 1) * scatter / float(units.sum()) ** 2
    return min(float(units.sum()), share * (1 - share) / variance)


def _covered(text: str, spans: Sequence[Span]) -> Callable[[Span], bool]:
    """Tells of a span whether `spans` together cover all of it but white space."""
    bare = np.array([not character.isspace() for character in text], np.int64)
    for span in spans:
        bare[span.start : span.end] = 0
    before = np.concatenate([[0], np.cumsum(bare)])
    return lambda span: bool(before[span.end] == before[span.start])
