"""A word n-gram language model of the synthetic corpus: what a thief could fit who holds nothing else.

All in numpy: n-grams are 64-bit hashes, counts lie in tables that are probed for many tokens at once. Two n-grams
share a hash with probability 2**-64 a pair; such a pair would blur one count.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.ordered import distinct_placed

_CHAIN = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that a hash keeps all of what came before; token codes are mixed already."""

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class HashTable:
    """Where each of some hashes stands, found for many at once in time that does not grow with the table.

    Attributes:
        keys: Sorted, each once; (n,).
        buckets: Where the keys with a given beginning start; (2**bits + 1,).
        shift: What is left of a key behind its beginning, in bits.
        longest: Keys of the fullest bucket.
    """

    keys: Hashes
    buckets: Numbers
    shift: int
    longest: int

    @classmethod
    def of(cls, keys: Hashes) -> Self:
        """From sorted distinct `keys`."""
        bits = max(1, len(keys).bit_length())
        sizes = np.bincount((keys >> np.uint64(64 - bits)).astype(np.int64), minlength=1 << bits)
        return cls(keys, np.concatenate([[0], np.cumsum(sizes)]), 64 - bits, int(sizes.max()))

    def find(self, wanted: Hashes) -> Numbers:
        """The place of each of `wanted` among the keys, -1 where it is none; (m,)."""
        head = (wanted >> np.uint64(self.shift)).astype(np.int64)
        at, end = self.buckets[head], self.buckets[head + 1]
        found = np.full(len(wanted), -1, np.int64)
        open_ = np.flatnonzero(at < end)
        for step in range(self.longest):
            place = at[open_] + step
            hit = self.keys[place] == wanted[open_]
            found[open_[hit]] = place[hit]
            open_ = open_[~hit & (place + 1 < end[open_])]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """The n-grams of one length.

    Attributes:
        table: Of their hashes.
        counts: How often each stands; (n,).
        followed: How often each stands with a word behind it; (n,).
        followers: How many different words stand behind it; (n,).
    """

    table: HashTable
    counts: Numbers
    followed: Numbers
    followers: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class NgramModel:
    """Interpolated Witten-Bell over words.

    `P_k(w | c) = (n(c w) + T(c) P_{k-1}(w | c')) / (n(c) + T(c))`, where T(c) is the number of different words seen
    behind the context c and c' is c without its first word (Witten and Bell 1991, IEEE Trans. Inf. Theory 37, method
    C; interpolated as in Chen and Goodman 1998, section 2.3). Unseen words share one place of the vocabulary.

    Attributes:
        orders: For n-grams of 1, 2, ... words.
        tokens: Words it was fitted on.
    """

    orders: tuple[_Order, ...]
    tokens: int

    @classmethod
    def fit(cls, codes: Hashes, first: Numbers, order: int) -> Self:
        """Counts the n-grams of up to `order` words inside each text.

        Args:
            codes: Of the words of all texts, one after another; (n_tokens,).
            first: The first word of each text, and behind the last; (n_texts + 1,).
            order: Most words of an n-gram, at least 1.
        """
        hashes, valid = chained(codes, first, order)
        placed = [_placed(h, v) for h, v in zip(hashes, valid, strict=True)]
        orders = []
        for k, (keys, places) in enumerate(placed):
            counts = np.bincount(places[places >= 0], minlength=len(keys))
            followed = followers = np.zeros(len(keys), np.int64)
            if k + 1 < order:
                longer, behind = placed[k + 1]
                where = np.flatnonzero(behind >= 0)
                followed = np.bincount(places[where - 1], minlength=len(keys))
                # Every n-gram with the one in front of its last word, however often it stands.
                before = np.empty(len(longer), np.int64)
                before[behind[where]] = places[where - 1]
                followers = np.bincount(before, minlength=len(keys))
            orders.append(_Order(HashTable.of(keys), counts, followed, followers))
        return cls(tuple(orders), len(codes))

    def surprise(self, codes: Hashes, first: Numbers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Minus the log-probability of every word, in nats, as in `fit`; (n_tokens,) twice.

        Returns:
            Given the words before it, and given none.
        """
        hashes, valid = chained(codes, first, len(self.orders))
        words = self.orders[0]
        place = words.table.find(codes)
        types = len(words.counts)
        chance = (
            (_at(words.counts, place) + types / (types + 1)) / (self.tokens + types) if types else np.ones(len(codes))
        )
        alone = -np.log(chance)
        for k in range(1, len(self.orders)):
            context = np.full(len(codes), -1, np.int64)
            context[1:] = np.where(valid[k][1:], place[:-1], -1)
            place = self._places(k, hashes[k], valid[k] & (context >= 0))
            chance = _mixed(self.orders[k - 1], context, _at(self.orders[k].counts, place), chance)
        return -np.log(chance), alone

    def _places(self, k: int, hashes: Hashes, asked: NDArray[np.bool_]) -> Numbers:
        # What stands behind an unseen context is unseen: most look-ups of the higher orders fall away.
        place = np.full(len(hashes), -1, np.int64)
        place[asked] = self.orders[k].table.find(hashes[asked])
        return place


def chained(codes: Hashes, first: Numbers, order: int) -> tuple[list[Hashes], list[NDArray[np.bool_]]]:
    """The hash of the n-gram that ends at each word, for 1 to `order` words, and whether it lies inside one text."""
    depth = np.arange(len(codes)) - np.repeat(first[:-1], np.diff(first))
    hashes = [codes]
    for _ in range(1, order):
        longer = np.zeros_like(codes)
        longer[1:] = hashes[-1][:-1] * _CHAIN + codes[1:]
        hashes.append(longer)
    return hashes, [depth >= k for k in range(order)]


def _placed(hashes: Hashes, valid: NDArray[np.bool_]) -> tuple[Hashes, Numbers]:
    """The different n-grams, sorted, and for each word the place of the one that ends with it; -1 where none does."""
    places = np.full(len(hashes), -1, np.int64)
    keys, places[valid] = distinct_placed(hashes[valid])
    return keys, places


def _at(values: Numbers, place: Numbers) -> Numbers:
    """The value at each place, 0 where there is none."""
    return np.where(place >= 0, values[place], 0) if len(values) else np.zeros(len(place), np.int64)


def _mixed(before: _Order, context: Numbers, counts: Numbers, lower: NDArray[np.float64]) -> NDArray[np.float64]:
    """Witten and Bell's mixture where the context was ever followed, the shorter context's chance elsewhere."""
    followed, followers = _at(before.followed, context), _at(before.followers, context)
    total = followed + followers
    return np.where(total > 0, (counts + followers * lower) / np.maximum(total, 1), lower)
