"""Whole numbers and values counted in memory that does not grow with the corpus, or hardly."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAST_MERGED = 1 << 16


def quantile(counts: Counter[int], share: float) -> int:
    """The smallest number that at least `share` of all counted ones do not exceed; exact, without interpolation.

    Raises:
        ValueError: Nothing was counted.
    """
    total = counts.total()
    if not total:
        raise ValueError("nothing was counted")
    seen = 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= share * total:
            break
    return number


@dataclass(slots=True)
class SharedValues:
    """How many distinct values there are, and how many of them occur with more than one patient.

    Values and patients come as 8-byte hashes; each distinct pair takes 16 bytes, however often it comes.
    """

    _fresh: "array[int]" = field(default_factory=lambda: array("Q"))
    _pairs: "NDArray[np.uint64] | None" = None

    def add(self, value: int, patient: int) -> None:
        """Takes in one mention."""
        self._fresh.append(value)
        self._fresh.append(patient)
        known = 0 if self._pairs is None else self._pairs.size
        if len(self._fresh) >= max(known, 2 * _LEAST_MERGED):
            self._merge()

    def distinct_and_shared(self) -> tuple[int, int]:
        """Number of distinct values, and of those that occur with more than one patient."""
        import numpy as np

        self._merge()
        assert self._pairs is not None  # noqa: S101
        _, patients = np.unique(self._pairs[:, 0], return_counts=True)
        return len(patients), int((patients > 1).sum())

    def _merge(self) -> None:
        import numpy as np

        fresh = np.frombuffer(self._fresh, dtype=np.uint64).reshape(-1, 2)
        pairs = fresh if self._pairs is None else np.concatenate([self._pairs, fresh])
        pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        differs = np.ones(len(pairs), dtype=bool)
        differs[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
        self._pairs = pairs[differs]
        del fresh, pairs  # an array that is looked into cannot be emptied
        self._fresh = array("Q")


def quantiles(counts: Counter[int], shares: Sequence[float]) -> list[int]:
    """`quantile` for each of `shares`; empty where nothing was counted."""
    return [quantile(counts, share) for share in shares] if counts else []


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in bins of equal width.

    Attributes:
        edges: One more than bins; a bin holds what is not below its left edge and below its right one.
        counts: A bin each.
        above: What lies at or above the last edge.
    """

    edges: list[int]
    counts: list[int]
    above: int


def histogram(counts: Counter[int], bins: int = 40, share: float = 0.99) -> Histogram:
    """The histogram from 0 to the quantile `share`: a few huge notes must not squeeze all others into one bin."""
    if not counts:
        return Histogram([0, 1], [0], 0)
    width = quantile(counts, share) // bins + 1
    filled = Counter(dict.fromkeys(range(bins), 0))
    for number, count in counts.items():
        filled[min(number // width, bins)] += count
    return Histogram(
        [width * index for index in range(bins + 1)], [filled[index] for index in range(bins)], filled[bins]
    )
