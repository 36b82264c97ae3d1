"""How much of a private note stands in one synthetic note: the nearest neighbour by shared shingles."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.ordered import distinct_counted
from deidrelease_audits.text.ngram_model import Hashes, HashTable, Numbers, chained
from deidrelease_audits.text.shingles import distinct


@dataclass(frozen=True, slots=True, eq=False)
class ShingleIndex:
    """Which synthetic notes hold each shingle (a run of `size` words).

    Shingles that stand in more than `common` synthetic notes are the form's and not a patient's: they are left out on
    both sides, which also bounds the work for a private note by `common` steps a shingle.

    Attributes:
        table: Of the different shingles.
        starts: The first holder of each shingle in `holders`, and behind the last; (n + 1,).
        holders: Numbers of the synthetic notes; (n_holdings,) int32.
        size: Words of a shingle.
        common: Most notes of a shingle that tells anything.
    """

    table: HashTable
    starts: Numbers
    holders: NDArray[np.int32]
    size: int
    common: int

    @classmethod
    def of(cls, codes: Hashes, first: Numbers, size: int, common: int) -> Self:
        """From the words of all synthetic notes, as `NgramModel.fit` takes them."""
        shingles, notes = _distinct(codes, first, size)
        order = np.argsort(shingles, kind="stable")
        ordered = shingles[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
        return cls(
            HashTable.of(ordered[starts]), np.append(starts, len(ordered)), notes[order].astype(np.int32), size, common
        )

    def nearest(self, codes: Hashes, first: Numbers) -> NDArray[np.float64]:
        """The largest containment of each text in any one synthetic note; (n_texts,), 0 to 1.

        The share of a text's telling shingles that one synthetic note holds (containment, Broder 1997); 0 for a text
        without any.
        """
        shingles, texts = _distinct(codes, first, self.size)
        place = self.table.find(shingles)
        holders = np.where(place >= 0, self.starts[place + 1] - self.starts[place], 0)
        telling = np.bincount(texts[holders <= self.common], minlength=len(first) - 1)
        kept = (holders > 0) & (holders <= self.common)
        pairs = self._pairs(place[kept], holders[kept], texts[kept])
        shared, count = distinct_counted(pairs)
        largest = np.zeros(len(first) - 1, np.int64)
        np.maximum.at(largest, shared >> 32, count)
        return np.asarray(largest / np.maximum(telling, 1))

    def _pairs(self, place: Numbers, holders: Numbers, texts: Numbers) -> Numbers:
        """Text and synthetic note of every shared shingle, packed into one number."""
        within = np.arange(int(holders.sum())) - np.repeat(np.cumsum(holders) - holders, holders)
        held = self.holders[np.repeat(self.starts[place], holders) + within]
        return np.asarray((np.repeat(texts, holders) << 32) | held)


def _distinct(codes: Hashes, first: Numbers, size: int) -> tuple[Hashes, Numbers]:
    """The different shingles of each text, and whose each is."""
    hashes, valid = chained(codes, first, size)
    where = np.flatnonzero(valid[-1])
    texts = np.repeat(np.arange(len(first) - 1), np.diff(first))[where]
    return distinct(hashes[-1][where], texts)
