"""Suffixes of tokenised notes: their order, the hash of any span of them, and how far two of them agree.

All in numpy, over whole arrays. A suffix ends where its note ends.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.text.tokens import Codes, Places

Small = NDArray[np.int32]
_BASE = 0xD6E8FEB86659FD93  # odd
_TABLE = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Hashed:
    """Tokens of some notes, end to end, such that the hash of any span takes constant time.

    Attributes:
        sums: (n + 1,) prefix sums of `codes[i] * base ** i` modulo 2**64.
        ends: (n,) behind the last token of the note in which each token stands.
    """

    sums: Codes
    ends: Small

    @classmethod
    def of(cls, codes: Codes, firsts: Places) -> Self:
        """From tokens and the number of the first token of each note; (n_notes + 1,)."""
        sums = np.zeros(len(codes) + 1, np.uint64)
        np.multiply(codes, powers(len(codes))[0][: len(codes)], out=sums[1:])
        np.cumsum(sums[1:], out=sums[1:])
        return cls(sums, np.repeat(firsts[1:], np.diff(firsts)).astype(np.int32))

    def spans(self, starts: Places | Small, lengths: Places | int) -> Codes:
        """The hash of each span: equal tokens, equal hash, wherever they stand."""
        inverse = powers(len(self.ends))[1]
        hashes: Codes = self.sums[starts + lengths]
        hashes -= self.sums[starts]
        hashes *= inverse[starts]
        return hashes


def powers(n: int) -> tuple[Codes, Codes]:
    """At least `n` powers of the base and of its inverse, modulo 2**64."""
    if len(_POWERS[0]) < n:
        size = (n // _TABLE + 1) * _TABLE
        for place, base in enumerate((_BASE, pow(_BASE, -1, 1 << 64))):
            steps = np.full(size, base, np.uint64)
            steps[0] = 1
            _POWERS[place] = np.multiply.accumulate(steps)
    return _POWERS[0], _POWERS[1]


# Constants, computed as far as anyone needed them.
_POWERS: list[Codes] = [np.empty(0, np.uint64), np.empty(0, np.uint64)]


def suffix_array(codes: Codes, firsts: Places) -> tuple[Small, Small]:
    """The suffixes of all notes in order, a note's end before any token, equal ones by place; and what they share.

    Prefix doubling (Manber and Myers 1993) from a few tokens on, of which each round sorts only what is still undecided
    (Larsson and Sadakane 2007). Tokens are ordered by their code: any order will do.

    Returns:
        The order, (n,), and for each of it a power of two: it agrees with the one before in so many tokens, or up to
        the end of both, and in less than twice as many; 0 for none. (n,).
    """
    n, longest = len(codes), int(np.diff(firsts).max(initial=0))
    ends = np.repeat(firsts[1:], np.diff(firsts)).astype(np.int32)
    key, step = _beginnings(codes, ends)
    order, active = np.argsort(key).astype(np.int32), np.arange(n, dtype=np.int32)
    ranks, floors = np.zeros(n, np.int32), np.zeros(n, np.int32)
    _settle(key[order], active, order, ranks, floors, step)
    while step < longest and len(active):
        active = active[_shared(ranks[order[active]])]
        held = order[active]
        ahead = held + step
        inside = ahead < ends[held]
        second = np.where(inside, ranks[np.where(inside, ahead, 0)] + 1, 0)
        keys = ranks[held].astype(np.int64) * (n + 1) + second
        sorted_ = np.argsort(keys)
        order[active] = held[sorted_]
        step *= 2
        _settle(keys[sorted_], active, order, ranks, floors, step)
    _by_place(order, ranks, active)
    return order, floors


def _beginnings(codes: Codes, ends: Small) -> tuple[Codes, int]:
    """Of each suffix the first few tokens as one number, which orders them, and how many these are."""
    distinct, inverse = np.unique(codes, return_inverse=True)
    numbers: Codes = inverse.astype(np.uint64) + np.uint64(1)
    del inverse
    bits = len(distinct).bit_length()
    width = 4 if bits <= 16 else 2  # four of sixteen bits, or two of thirty-two
    key, places = numbers.copy(), np.arange(len(codes))
    for ahead in range(1, width):
        key <<= np.uint64(bits)
        inside = places[:-ahead][places[:-ahead] + ahead < ends[:-ahead]]
        key[inside] |= numbers[inside + ahead]
    return key, width


def _settle(keys: Codes | Places, places: Small, order: Small, ranks: Small, floors: Small, step: int) -> None:
    """Enters what a round found: groups of equal keys share a rank, and agree in `step` tokens."""
    same = np.zeros(len(keys), bool)
    same[1:] = keys[1:] == keys[:-1]
    floors[places[same]] = step
    # A group's rank is the place at which it begins.
    ranks[order[places]] = np.maximum.accumulate(np.where(same, np.int32(0), places))


def _by_place(order: Small, ranks: Small, active: Small) -> None:
    """Orders equal suffixes, which the sort leaves as it likes, by place."""
    equal = active[_shared(ranks[order[active]])]
    held = order[equal]
    order[equal] = held[np.lexsort((held, ranks[held]))]


def _shared(ranks: Small) -> NDArray[np.bool_]:
    """Which of the sorted `ranks` stand there more than once."""
    same = ranks[1:] == ranks[:-1]
    shared = np.zeros(len(ranks), bool)
    shared[1:] |= same
    shared[:-1] |= same
    return shared


def agreement(one: Hashed, at: Places, other: Hashed, there: Places, known: Places) -> Places:
    """How many tokens from `at` in one and from `there` in the other agree, up to the end of either's note; (k,).

    `known` of them are known to. The places must lie in the text.
    """
    parts = [slice(begin, begin + _TABLE) for begin in range(0, len(at), _TABLE)]
    # Part by part, so that what is worked on stays in the cache.
    agreed = [_Pairs.of(one, at[part], other, there[part]).agreement(known[part]) for part in parts]
    return np.concatenate([np.empty(0, np.int64), *agreed])


def common_prefixes(tokens: Hashed, order: Small, floors: Small, least: int) -> Small:
    """How many tokens each suffix in order shares with the one before, if at least `least`, else 0; (n,).

    Args:
        tokens: Of all notes.
        order: Their suffixes.
        floors: As `suffix_array` gives them.
        least: A power of two.
    """
    common = np.zeros(len(order), np.int32)
    rows = np.flatnonzero(floors >= least)
    for begin in range(0, len(rows), _TABLE):
        part = rows[begin : begin + _TABLE]
        pairs = _Pairs.of(tokens, order[part - 1].astype(np.int64), tokens, order[part].astype(np.int64))
        floor = floors[part].astype(np.int64)
        common[part] = pairs.halved(np.minimum(floor, pairs.room), np.minimum(2 * floor - 1, pairs.room))
    common[common < least] = 0
    return common


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Places in two texts, side by side: their prefix sums, what turns sums into hashes, and what is left of a note."""

    sums: tuple[Codes, Codes]
    places: tuple[Places, Places]
    bases: tuple[Codes, Codes]
    turns: tuple[Codes, Codes]
    room: Places

    @classmethod
    def of(cls, one: Hashed, at: Places, other: Hashed, there: Places) -> Self:
        inverse = powers(max(len(one.ends), len(other.ends)))[1]
        room = np.minimum(one.ends[at] - at, other.ends[there] - there)
        bases, turns = (one.sums[at], other.sums[there]), (inverse[at], inverse[there])
        return cls((one.sums, other.sums), (at, there), bases, turns, room)

    def agree(self, rows: Places, lengths: Places) -> NDArray[np.bool_]:
        """Whether so many tokens are equal."""
        hashes = [
            (sums[places[rows] + lengths] - base[rows]) * turn[rows]
            for sums, places, base, turn in zip(self.sums, self.places, self.bases, self.turns, strict=True)
        ]
        same: NDArray[np.bool_] = hashes[0] == hashes[1]
        return same

    def agreement(self, known: Places) -> Places:
        """Doubling up to the first length that does not agree, then halving below it."""
        known, bound = known.copy(), self.room.copy()
        step, growing = 1, np.arange(len(known))
        while len(growing):
            growing = growing[known[growing] < self.room[growing]]
            tried = np.minimum(known[growing] + step, self.room[growing])
            same = self.agree(growing, tried)
            known[growing[same]] = tried[same]
            bound[growing[~same]] = tried[~same] - 1
            growing = growing[same]
            step *= 2
        return self.halved(known, bound)

    def halved(self, known: Places, bound: Places) -> Places:
        """The largest length that agrees, from `known`, which does, to `bound`."""
        rows = np.flatnonzero(known < bound)
        while len(rows):
            middle = (known[rows] + bound[rows] + 1) // 2
            same = self.agree(rows, middle)
            known[rows[same]] = middle[same]
            bound[rows[~same]] = middle[~same] - 1
            rows = rows[known[rows] < bound[rows]]
        return known
