"""What a scan remembers of each synthetic note: the best private note, and the nearest among any fair draw of patients.

Both add up to the same whatever the order: of two the larger stays, of equals the one of the smaller keyed number.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.text.shingles import Hashes, Places

Values = NDArray[np.float64]
_NOBODY = np.iinfo(np.uint64).max


@dataclass(frozen=True, slots=True, eq=False)
class BestNotes:
    """For each synthetic note the private note of the largest value. Holds private ids: in memory only.

    Attributes:
        values: 0 where there is none; (n,) float64.
        numbers: Keyed number of the note; (n,) uint64.
        notes: Its id; (n,) objects.
    """

    values: Values
    numbers: Hashes
    notes: NDArray[np.object_]

    @classmethod
    def empty(cls, n: int) -> Self:
        """None for any of `n`."""
        return cls(np.zeros(n), np.full(n, _NOBODY, np.uint64), np.full(n, "", object))

    @classmethod
    def of(cls, values: NDArray[np.floating], numbers: Hashes, notes: NDArray[np.object_]) -> Self:
        """From one row a private note, in the order of `numbers`, one column a synthetic note."""
        best = values.argmax(axis=0)
        largest = values[best, np.arange(values.shape[1])].astype(np.float64)
        found = largest > 0
        nobody = cls.empty(values.shape[1])
        return cls(largest, np.where(found, numbers[best], _NOBODY), np.where(found, notes[best], nobody.notes))

    def __add__(self, other: Self) -> Self:
        """The better of each."""
        theirs = (other.values > self.values) | ((other.values == self.values) & (other.numbers < self.numbers))
        return type(self)(
            np.where(theirs, other.values, self.values),
            np.where(theirs, other.numbers, self.numbers),
            np.where(theirs, other.notes, self.notes),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BestNotes):
            return NotImplemented
        return np.array_equal(self.values, other.values) and np.array_equal(self.notes, other.notes)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, eq=False)
class NearestByDraw:
    """For each synthetic note the nearest private patient among the first k of a random order, for *every* k.

    How large the arms are is known only at the end, and a fair comparison needs as many patients of each. So the scan
    keeps of each synthetic note the patients who are nearer than all before them in the order: records of a random
    sequence, of which n patients have about ln n (Renyi 1962). The nearest of any first k is among them.

    Attributes:
        columns: Synthetic note, ascending; (m,) int64.
        ranks: Place in the random order, ascending within a column; (m,) uint64.
        values: Similarity, ascending within a column; (m,) float64.
    """

    columns: Places
    ranks: Hashes
    values: Values

    @classmethod
    def of(cls, columns: Places, ranks: Hashes, values: Values) -> Self:
        """The records among any similarities; those of 0 are none."""
        _, level = np.unique(values, return_inverse=True)
        order = np.lexsort((-level, ranks, columns))
        order = order[values[order] > 0]
        # A column's levels all lie above those of the columns before, so one running maximum serves all.
        height = columns[order] * (int(level.max(initial=0)) + 2) + level[order] + 1
        before = np.maximum.accumulate(np.concatenate([[-1], height]))[:-1]
        # The first of a column is a record over 0, which `height` of the column before cannot reach.
        kept = order[height > before]
        return cls(columns[kept], ranks[kept], values[kept])

    @classmethod
    def of_rows(cls, similarity: NDArray[np.floating], ranks: Hashes) -> Self:
        """From one row a private note and one column a synthetic note."""
        order = np.argsort(ranks, kind="stable")
        ordered = similarity[order]
        before = np.zeros_like(ordered)
        np.maximum.accumulate(ordered[:-1], axis=0, out=before[1:])
        rows, columns = np.nonzero(ordered > before)
        return cls.of(columns, ranks[order][rows], ordered[rows, columns].astype(np.float64))

    def __add__(self, other: Self) -> Self:
        """The records of both together."""
        return self.of(
            np.concatenate([self.columns, other.columns]),
            np.concatenate([self.ranks, other.ranks]),
            np.concatenate([self.values, other.values]),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NearestByDraw):
            return NotImplemented
        pairs = [(self.columns, other.columns), (self.ranks, other.ranks), (self.values, other.values)]
        return all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    __hash__ = None  # type: ignore[assignment]

    def among(self, last: int, n: int) -> tuple[Values, Hashes]:
        """Similarity and rank of the nearest patient up to the rank `last`, for each of `n`; 0 where none is near."""
        within = self.ranks <= np.uint64(last)
        values, ranks = np.zeros(n), np.zeros(n, np.uint64)
        # Ascending within a column, so the last that is written is the nearest.
        values[self.columns[within]] = self.values[within]
        ranks[self.columns[within]] = self.ranks[within]
        return values, ranks
