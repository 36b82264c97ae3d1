"""Longest common token spans between a small indexed side and any amount of text that streams past, all of them.

The indexed side is a suffix array with the hash of every prefix that begins an edge of its suffix tree (of eight
tokens and more). A private position walks down: it looks up the hash of its next eight tokens, takes a suffix behind
that prefix, compares as far as the two agree, and looks up the hash of one token more; where that is unknown, no
indexed text agrees further. So each position costs a few look-ups, however often a form's header stands on either side,
and nothing is skipped, sampled or capped. Chang and Lawler 1994, "Sublinear approximate string matching" (matching
statistics); Manber and Myers 1993 (suffix arrays); hashes of spans as in Karp and Rabin 1987, modulo 2**64, over token
codes that are random themselves.

Spans never cross notes. Two different spans that share a 64-bit hash would be taken for one: the audit compares what
it reports with the real text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.text.tokens import Codes, Places, joined
from deidrelease_audits.verbatim.suffixes import Hashed, Small, agreement, common_prefixes, suffix_array

LEAST = 8
"""Shorter spans are not looked for: every pair of notes of a hospital shares some."""
BATCH = 1 << 16
"""Private tokens that are worked on at once, so that the arrays stay in a core's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A map from 64-bit hashes to numbers, probed by the million.

    Attributes:
        keys: (m,) ascending, each once.
        values: (m,) int32.
        first: (2 ** bits + 1,) the place of the first key with these top bits.
        shift: 64 - bits.
        seen: Whether any key begins with so many bits and two more: one look turns most others away.
    """

    keys: Codes
    values: Small
    first: Small
    shift: int
    seen: NDArray[np.bool_]

    @classmethod
    def of(cls, keys: Codes, values: Small) -> Self:
        """From pairs in any order; of equal keys the smallest value counts."""
        order = np.argsort(keys).astype(np.int32)
        keys = keys[order]
        firsts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)]).astype(np.int32)
        distinct = keys[firsts]
        del keys
        least = np.minimum.reduceat(values[order], firsts) if len(firsts) else values
        return cls.of_sorted(distinct, least)

    @classmethod
    def of_sorted(cls, distinct: Codes, values: Small) -> Self:
        """From ascending keys, each once."""
        bits = len(distinct).bit_length()
        shift = 64 - bits
        buckets = np.bincount((distinct >> np.uint64(shift)).view(np.int64), minlength=1 << bits)
        first = np.concatenate([np.zeros(1, np.int32), np.cumsum(buckets, dtype=np.int32)])
        seen = np.zeros(1 << (bits + 2), bool)
        seen[distinct >> np.uint64(shift - 2)] = True
        return cls(distinct, values, first, shift, seen)

    def likely(self, hashes: Codes) -> Places:
        """Which of `hashes` may be in it, ascending: all that are, and one in ten of those that are not."""
        return np.flatnonzero(self.seen[(hashes >> np.uint64(self.shift - 2)).view(np.int64)])

    def find(self, hashes: Codes) -> tuple[Places, Small]:
        """Which of `hashes` are in it, ascending, and their values."""
        open_ = self.likely(hashes)
        wanted = hashes[open_]
        bucket = (wanted >> np.uint64(self.shift)).view(np.int64)
        place, last = self.first[bucket], self.first[bucket + 1]
        hits, values = [], []
        while len(open_):
            equal = self.keys[place] == wanted
            hits.append(open_[equal])
            values.append(self.values[place[equal]])
            place = place + 1
            on = ~equal & (place < last)
            open_, place, wanted, last = open_[on], place[on], wanted[on], last[on]
        if not hits:
            return np.empty(0, np.int64), np.empty(0, np.int32)
        found, of = np.concatenate(hits), np.concatenate(values)
        order = np.argsort(found, kind="stable")
        return found[order], of[order]


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """For some positions of a text their longest match with the indexed side, if it has `LEAST` tokens or more.

    Attributes:
        at: (k,) token positions, ascending.
        lengths: (k,) tokens of the longest match that begins there.
        there: (k,) a token position of the indexed side where a match of that length begins; there may be others.
    """

    at: Places
    lengths: Places
    there: Places


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """The side that is searched.

    Attributes:
        tokens: As hashes.
        firsts: (n_notes + 1,) number of the first token of each note.
        order: (n,) suffix array.
        common: (n,) tokens that each suffix in order shares with the one before; 0 if under `LEAST`.
        edges: From the hash of each prefix that begins an edge to a position where it stands.
    """

    tokens: Hashed
    firsts: Places
    order: Small
    common: Small
    edges: Table

    @classmethod
    def of(cls, codes: Codes, firsts: Places) -> Self:
        """From tokens and the number of the first token of each note; (n_notes + 1,)."""
        tokens = Hashed.of(codes, firsts)
        order, floors = suffix_array(codes, firsts)
        common = common_prefixes(tokens, order, floors, LEAST)
        del floors
        return cls(tokens, firsts, order, common, _edges(tokens, order, common))

    def matches(self, codes: Codes, firsts: Places) -> Iterator[tuple[int, Matches]]:
        """The longest matches of all notes, some notes at a time: the first token of these, and positions from it."""
        for first, last in batches(firsts):
            begin, end = int(firsts[first]), int(firsts[last])
            yield begin, self._longest(Hashed.of(codes[begin:end], firsts[first : last + 1] - begin))

    def _longest(self, text: Hashed) -> Matches:
        n = len(text.ends)
        at = np.flatnonzero(text.ends - np.arange(n) >= LEAST)
        at, there, lengths = self._step(text, at, np.full(len(at), LEAST - 1))
        whole = np.zeros(n, np.int64)
        place = np.zeros(n, np.int64)
        while len(at):
            whole[at], place[at] = lengths, there
            more = lengths < text.ends[at] - at
            at, there, lengths = self._step(text, at[more], lengths[more])
        found = np.flatnonzero(whole)
        return Matches(found, whole[found], place[found])

    def _step(self, text: Hashed, at: Places, lengths: Places) -> tuple[Places, Places, Places]:
        """Of matches those that some indexed suffix continues by a token or more, with that suffix and how far."""
        hit, places = self.edges.find(text.spans(at, lengths + 1))
        at, there, known = at[hit], places.astype(np.int64), lengths[hit] + 1
        return at, there, agreement(text, at, self.tokens, there, known)

    def spread(self, there: Places, lengths: Places | Small) -> Small:
        """The longest match of *every* indexed position, from those that `matches` named and how long; (n,).

        A suffix matches as far as it agrees with a suffix that matches: each takes from its neighbours in order what
        it shares with them. 0 where that is under `LEAST`.
        """
        best = np.zeros(len(self.order), np.int32)
        if len(there):
            np.maximum.at(best, there, lengths.astype(np.int32))
            ranked = best[self.order]
            down = _handed_on(ranked, self.common)
            up = _handed_on(ranked[::-1], np.concatenate([self.common[:1] * 0, self.common[:0:-1]]))[::-1]
            best[self.order] = np.maximum(down, up)
        return best


def _handed_on(values: Small, common: Small) -> Small:
    """`values[i]`, or the least of `common[i]` and what was handed on to i - 1, whichever is more; (n,).

    Each step is a function of what comes in, `max(low, min(high, x))`; two such make one, so that in each round
    twice as many are taken together (a parallel prefix: Hillis and Steele 1986).
    """
    low, high = values.copy(), np.maximum(values, common)
    starts = np.where(common > 0, np.int32(0), np.arange(len(common), dtype=np.int32))
    run = np.arange(len(common), dtype=np.int32) - np.maximum.accumulate(starts)
    step, open_ = 1, np.flatnonzero(run)
    while len(open_):
        before = open_ - step
        lows, highs = np.minimum(high[open_], low[before]), np.minimum(high[open_], high[before])
        low[open_], high[open_] = np.maximum(low[open_], lows), np.maximum(low[open_], highs)
        step *= 2
        open_ = open_[run[open_] >= step]
    return low


def _edges(tokens: Hashed, order: Small, common: Small) -> Table:
    """In parts, as all at once would take several times the memory of what comes of it."""
    hashes, starts = [np.empty(0, np.uint64)], [np.empty(0, np.int32)]
    for begin in range(0, len(order), BATCH):
        part = _edges_of(tokens, order, common, begin)
        hashes.append(part[0])
        starts.append(part[1])
    return Table.of(joined(hashes), joined(starts))


def _edges_of(tokens: Hashed, order: Small, common: Small, begin: int) -> tuple[Codes, Small]:
    """The hashes of the prefixes that begin an edge at some ranks, and where each stands.

    A suffix that agrees with the one before in l tokens begins an edge with its first l + 1, and so does that one.
    """
    here = common[begin : begin + BATCH]
    ranked = order[begin : begin + BATCH].astype(np.int64)
    room = tokens.ends[ranked] - ranked
    heads = ranked[(here < LEAST) & (room >= LEAST)]
    inner = np.flatnonzero(here >= LEAST)
    lengths = here[inner].astype(np.int64) + 1
    own, before = ranked[inner], order[begin + inner - 1].astype(np.int64)
    longer, longer_before = room[inner] >= lengths, tokens.ends[before] - before >= lengths
    # Where three in a row agree equally far the one in the middle was entered already.
    longer_before &= common[begin + inner - 1] != here[inner]
    starts = np.concatenate([heads, before[longer_before], own[longer]])
    sizes = np.concatenate([np.full(len(heads), LEAST), lengths[longer_before], lengths[longer]])
    return tokens.spans(starts, sizes), starts.astype(np.int32)


def batches(firsts: Places) -> Iterator[tuple[int, int]]:
    """From which note to which, some 65,000 tokens at a time."""
    begin = 0
    while begin < len(firsts) - 1:
        end = int(np.searchsorted(firsts, firsts[begin] + BATCH, side="right")) - 1
        end = max(end, begin + 1)
        yield begin, end
        begin = end
