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

    def spans(self, starts: Places, lengths: Places | int) -> Codes:
        """The hash of each span: equal tokens, equal hash, wherever they stand."""
        inverse = powers(len(self.ends))[1]
        hashes: Codes = (self.sums[starts + lengths] - self.sums[starts]) * inverse[starts]
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


def suffix_array(codes: Codes, firsts: Places) -> Small:
    """The suffixes of all notes in order, a note's end before any token; equal ones by place; (n,).

    Prefix doubling (Manber and Myers 1993), of which each round sorts only what is still undecided (Larsson and
    Sadakane 2007). Tokens are ordered by their code: any order will do.
    """
    n = len(codes)
    ends = np.repeat(firsts[1:], np.diff(firsts)).astype(np.int32)
    ranks = np.unique(codes, return_inverse=True)[1].astype(np.int32)
    order = np.argsort(ranks, kind="stable").astype(np.int32)
    ranks = _regrouped(order, ranks[order], np.zeros(n, np.int32), n)
    step, active = 1, np.arange(n, dtype=np.int32)
    longest = int(np.diff(firsts).max(initial=0))
    while step < longest and len(active):
        active = active[_shared(ranks[order[active]])]
        held = order[active]
        ahead = held + step
        inside = ahead < ends[held]
        second = np.where(inside, ranks[np.where(inside, ahead, 0)] + 1, 0)
        key = ranks[held].astype(np.int64) * (n + 1) + second
        sorted_ = np.argsort(key, kind="stable")
        held, key = held[sorted_], key[sorted_]
        order[active] = held
        ranks[held] = _group_starts(key, active)
        step *= 2
    return order


def _regrouped(order: Small, keys: Small, into: Small, n: int) -> Small:
    into[order] = _group_starts(keys, np.arange(n, dtype=np.int32))
    return into


def _group_starts(keys: Small | Places, places: Small) -> Small:
    """For sorted `keys` at `places` of the array: the place at which each one's group of equals begins."""
    new = np.ones(len(keys), bool)
    new[1:] = keys[1:] != keys[:-1]
    starts: Small = np.maximum.accumulate(np.where(new, places, np.int32(0)))
    return starts


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
    agreed = [_agreement(one, at[part], other, there[part], known[part]) for part in parts]
    return np.concatenate([np.empty(0, np.int64), *agreed])


def _agreement(one: Hashed, at: Places, other: Hashed, there: Places, known: Places) -> Places:
    room = np.minimum(one.ends[at] - at, other.ends[there] - there)
    inverse = powers(max(len(one.ends), len(other.ends)))[1]
    base, base_other, turn, turn_other = one.sums[at], other.sums[there], inverse[at], inverse[there]
    known = known.copy()
    step, growing = 1, np.arange(len(at))

    def agree(rows: Places, lengths: Places) -> NDArray[np.bool_]:
        mine = (one.sums[at[rows] + lengths] - base[rows]) * turn[rows]
        theirs = (other.sums[there[rows] + lengths] - base_other[rows]) * turn_other[rows]
        same: NDArray[np.bool_] = mine == theirs
        return same

    # Doubling up to the first length that does not agree, then halving below it.
    bound = room.copy()
    while len(growing):
        growing = growing[known[growing] < room[growing]]
        tried = np.minimum(known[growing] + step, room[growing])
        same = agree(growing, tried)
        known[growing[same]] = tried[same]
        bound[growing[~same]] = tried[~same] - 1
        growing = growing[same]
        step *= 2
    rows = np.flatnonzero(known < bound)
    while len(rows):
        middle = (known[rows] + bound[rows] + 1) // 2
        same = agree(rows, middle)
        known[rows[same]] = middle[same]
        bound[rows[~same]] = middle[~same] - 1
        rows = rows[known[rows] < bound[rows]]
    return known
