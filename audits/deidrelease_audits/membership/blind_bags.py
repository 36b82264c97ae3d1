"""Hashed bags of words of some patients of one arm: all that a classifier sees that must find nothing.

Which patients: those with the smallest keyed numbers, a fair draw that is the same in whatever order notes come.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.text.ngram_model import Hashes, Numbers, chained
from deidrelease_audits.text.tokens import mixed

DIMENSIONS = 4096
_MOST = np.iinfo(np.uint16).max


@dataclass(frozen=True, slots=True, eq=False)
class BlindBags:
    """Word and word-pair counts of at most `most` patients, 8 KB each.

    A patient who is left out of a part is left out of the whole: those before were in the part too. So parts add up to
    the same bags in every order and grouping.

    Attributes:
        most: Patients kept.
        patients: Their keyed numbers, the smallest there are, sorted; (n,).
        counts: (n, DIMENSIONS) uint16; what does not fit stays at its largest number.
    """

    most: int
    patients: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    counts: NDArray[np.uint16] = field(default_factory=lambda: np.empty((0, DIMENSIONS), np.uint16))

    @classmethod
    def of(cls, most: int, patients: Sequence[int], codes: Hashes, first: Numbers) -> Self:
        """From the words of some notes, as `NgramModel.fit` takes them, and the patient of each note.

        Every word and every two words in a row of a note fall into one dimension.
        """
        numbers = np.array(patients, np.uint64)
        kept, whose = np.unique(numbers, return_inverse=True)
        rows = min(most, len(kept))
        owners = np.repeat(whose.astype(np.int64), np.diff(first))
        hashes, valid = chained(codes, first, 2)
        counts = np.zeros(rows * DIMENSIONS, np.int64)
        for grams, whole in zip(hashes, valid, strict=True):
            held = whole & (owners < most)
            dimensions = (mixed(grams[held]) % np.uint64(DIMENSIONS)).astype(np.int64)
            counts += np.bincount(owners[held] * DIMENSIONS + dimensions, minlength=len(counts))
        bags = np.minimum(counts, _MOST).astype(np.uint16).reshape(rows, DIMENSIONS)
        return cls(most, kept[:most], bags)

    def __add__(self, other: Self) -> Self:
        """Both, cut to the patients with the smallest numbers."""
        kept = np.union1d(self.patients, other.patients)[: self.most]
        counts = np.zeros((len(kept), DIMENSIONS), np.uint32)
        for part in (self, other):
            inside = np.isin(part.patients, kept)
            counts[np.searchsorted(kept, part.patients[inside])] += part.counts[inside]
        return type(self)(self.most, kept, np.minimum(counts, _MOST).astype(np.uint16))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BlindBags):
            return NotImplemented
        return np.array_equal(self.patients, other.patients) and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]
