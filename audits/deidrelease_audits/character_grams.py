"""How often each character stood behind the one or two before it, and the bits that a value has by such counts.

All values are counted, or judged, in a few passes over arrays: a gram is one number, made of its characters.

The model: characters given the two before them, interpolated down to uniform by Witten and Bell's rule (1991, "The
zero-frequency problem", IEEE Transactions on Information Theory 37, method C).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

_BEGIN = "\x02"
_BEFORE = 2
"""Characters that the next one is predicted from."""
_PIECE = 1024
"""Values that are judged at once."""
_BITS = 21
"""Of a code point; three of them fit into a number of 64 bits with its sign."""


@dataclass(frozen=True, slots=True, eq=False)
class GramCounts:
    """Grams of one to three characters and how often each was seen.

    Attributes:
        grams: Sorted, each once; the last character's code point and 1 in the lowest bits, those before it, if any,
            above. Without its lowest bits a gram is its context. (n,).
        counts: (n,).
    """

    grams: Numbers = field(default_factory=lambda: np.empty(0, np.int64))
    counts: Numbers = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, values: Sequence[str], times: Sequence[int]) -> Self:
        """From values and how often each counts."""
        grams, owners = _grams(values)
        each = np.repeat(np.asarray(times, np.int64)[owners], _BEFORE + 1)
        return cls(*_added(grams.ravel(), each))

    def __add__(self, other: Self) -> Self:
        """Both together."""
        both = np.concatenate([self.grams, other.grams]), np.concatenate([self.counts, other.counts])
        return type(self)(*_added(*both))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GramCounts):
            return NotImplemented
        return np.array_equal(self.grams, other.grams) and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]

    def bits(self, values: Sequence[str], left_out: Sequence[int], characters: int) -> NDArray[np.float64]:
        """Bits of each of `values` as if it had been counted `left_out` times less; (n_values,).

        Args:
            values: To be judged.
            left_out: For each of them.
            characters: What an unseen character is drawn from.
        """
        contexts = _Contexts.of(self)
        pieces = [slice(start, start + _PIECE) for start in range(0, len(values), _PIECE)]
        # A dozen arrays with a number for each character: of all values at once they would outweigh what is counted.
        bits = [self._bits(contexts, values[piece], left_out[piece], characters) for piece in pieces]
        return np.concatenate([np.empty(0, np.float64), *bits])

    def _bits(
        self, contexts: "_Contexts", values: Sequence[str], left_out: Sequence[int], characters: int
    ) -> NDArray[np.float64]:
        grams, owners = _grams(values)
        less = np.asarray(left_out, np.int64)[owners]
        chance = np.full(len(owners), 1 / characters)
        for column in grams.T:
            count = np.maximum(_left(self.grams, self.counts, column, owners, less), 0)
            place = _place(contexts.contexts, column >> _BITS)
            seen = _left(contexts.contexts, contexts.totals, column >> _BITS, owners, less)
            kinds = contexts.kinds[place] if len(contexts.kinds) else np.ones(len(place), np.int64)
            known = seen > 0
            chance = np.where(known, (count + kinds * chance) / np.where(known, seen + kinds, 1), chance)
        bits: NDArray[np.float64] = np.bincount(owners, -np.log2(chance), len(values)).astype(np.float64)
        return bits


@dataclass(frozen=True, slots=True, eq=False)
class _Contexts:
    """What stands before the last character of grams: how often, and before how many different ones; all (n,)."""

    contexts: Numbers
    totals: Numbers
    kinds: Numbers

    @classmethod
    def of(cls, seen: GramCounts) -> Self:
        contexts, first, kinds = np.unique(seen.grams >> _BITS, return_index=True, return_counts=True)
        totals = np.add.reduceat(seen.counts, first) if len(first) else np.empty(0, np.int64)
        return cls(contexts, totals, kinds)


def _grams(values: Sequence[str]) -> tuple[Numbers, Numbers]:
    """For each character of all values the grams that end in it, shortest first, and its value; (n, 3), (n,)."""
    joined = "".join(_BEGIN * _BEFORE + value for value in values)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64) + 1
    lengths = np.fromiter(map(len, values), np.int64, len(values))
    owners = np.repeat(np.arange(len(values)), lengths)
    at = np.arange(len(owners)) + _BEFORE * (owners + 1)
    columns = [codes[at]]
    for before in range(1, _BEFORE + 1):
        columns.append(columns[-1] | codes[at - before] << _BITS * before)
    return np.stack(columns, axis=1), owners


def _added(grams: Numbers, counts: Numbers) -> tuple[Numbers, Numbers]:
    order = np.argsort(grams, kind="stable")
    grams, counts = grams[order], counts[order]
    first = np.flatnonzero(np.diff(grams, prepend=-1))
    return grams[first], np.add.reduceat(counts, first) if len(first) else counts


def _place(table: Numbers, wanted: Numbers) -> Numbers:
    return np.minimum(np.searchsorted(table, wanted), max(len(table) - 1, 0))


def _left(table: Numbers, counts: Numbers, wanted: Numbers, owners: Numbers, less: Numbers) -> Numbers:
    """The counts of `wanted` without `less` times what stands of it in its own value; 0 or less where none is left."""
    if not len(table):
        return np.zeros(len(wanted), np.int64)
    place = _place(table, wanted)
    known = table[place] == wanted
    pairs = owners * len(table) + place
    _, inverse, own = np.unique(pairs[known], return_inverse=True, return_counts=True)
    left = np.zeros(len(wanted), np.int64)
    left[known] = counts[place[known]] - less[known] * own[inverse]
    return left
