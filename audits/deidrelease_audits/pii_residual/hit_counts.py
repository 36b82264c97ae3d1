"""What detectors hit in notes, in sums that add: by class of HIPAA, by family of classes, and in all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease.results import Estimate
from deidrelease_audits.pii_residual.detectors import CLASSES, FAMILIES, family_of
from deidrelease_audits.statistics import poisson_bounds

COLUMNS = len(CLASSES) + len(FAMILIES) + 1
"""One for each class, one for each family, and the last for all of them."""
TOTAL = COLUMNS - 1
METHOD = "Poisson count of hits, exact bounds (Garwood 1936), widened by their scatter over notes (quasi-Poisson)"

_FAMILY = np.array([family_of(place) for place in range(len(CLASSES))])
Sums = NDArray[np.int64]


def family_column(family: int) -> int:
    """The column of a family, by its place in `FAMILIES`."""
    return len(CLASSES) + family


def by_column(classes: Sequence[int]) -> Sums:
    """How many of some things, known by the place of their class, fall into each column; (COLUMNS,)."""
    counts = np.zeros(COLUMNS, np.int64)
    places = np.array(classes, np.int64)
    np.add.at(counts, places, 1)
    np.add.at(counts, len(CLASSES) + _FAMILY[places], 1)
    counts[TOTAL] = len(places)
    return counts


@dataclass(frozen=True, slots=True, eq=False)
class HitCounts:
    """Hits h and tokens t of some notes, as the sums that a rate and its scatter over notes need.

    Attributes:
        notes: How many notes.
        tokens: Sum of t.
        tokens_squared: Sum of t².
        hits: Sum of h; (COLUMNS,).
        hits_squared: Sum of h²; (COLUMNS,).
        products: Sum of h · t; (COLUMNS,).
    """

    notes: int = 0
    tokens: int = 0
    tokens_squared: int = 0
    hits: Sums = field(default_factory=lambda: np.zeros(COLUMNS, np.int64))
    hits_squared: Sums = field(default_factory=lambda: np.zeros(COLUMNS, np.int64))
    products: Sums = field(default_factory=lambda: np.zeros(COLUMNS, np.int64))

    @classmethod
    def of(cls, classes: Sequence[int], tokens: int) -> Self:
        """One note of `tokens` words, and the class of each hit in it by its place."""
        hits = by_column(classes)
        return cls(1, tokens, tokens * tokens, hits, hits * hits, hits * tokens)

    def __add__(self, other: Self) -> Self:
        """Sum by sum."""
        return type(self)(
            self.notes + other.notes,
            self.tokens + other.tokens,
            self.tokens_squared + other.tokens_squared,
            self.hits + other.hits,
            self.hits_squared + other.hits_squared,
            self.products + other.products,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HitCounts):
            return NotImplemented
        return self._scalars() == other._scalars() and all(
            np.array_equal(a, b) for a, b in zip(self._arrays(), other._arrays(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def per_thousand(self, column: int, confidence: float = 0.95) -> Estimate:
        """Hits per 1,000 tokens; `n` is the number of notes.

        Raises:
            ValueError: There are no tokens.
        """
        low, high = self.bounds(column, confidence)
        scale = 1000 / self._some_tokens()
        value = int(self.hits[column]) * scale
        return Estimate(value, min(low * scale, value), max(high * scale, value), confidence, self.notes, METHOD)

    def bounds(self, column: int, confidence: float = 0.95) -> tuple[float, float]:
        """Bounds of the hits expected in as much text; above 0 even where none was seen."""
        scatter = self.scatter(column)
        hits = int(self.hits[column]) / scatter
        return (
            scatter * poisson_bounds(floor(hits), confidence)[0],
            scatter * poisson_bounds(ceil(hits), confidence)[1],
        )

    def scatter(self, column: int) -> float:
        """How many times a Poisson count's variance the hits of notes scatter; at least 1.

        Pearson's estimate of the dispersion (McCullagh and Nelder 1989, Generalized Linear Models, section 6.2), with
        the expected variance of a note taken at the mean, so that it is a ratio of sums: hits come in crowds.
        """
        hits = int(self.hits[column])
        if hits == 0 or self.notes < 2:
            return 1.0
        rate = hits / self._some_tokens()
        squares = int(self.hits_squared[column]) - 2 * rate * int(self.products[column])
        return max(1.0, (squares + rate * rate * self.tokens_squared) / hits * self.notes / (self.notes - 1))

    def _some_tokens(self) -> int:
        if self.tokens == 0:
            raise ValueError("a rate needs tokens")
        return self.tokens

    def _scalars(self) -> tuple[int, int, int]:
        return self.notes, self.tokens, self.tokens_squared

    def _arrays(self) -> tuple[Sums, Sums, Sums]:
        return self.hits, self.hits_squared, self.products
