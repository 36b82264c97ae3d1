"""How long the longest span is that a text shares with the indexed notes, and no more than that.

Of raw tokens only this one number is told, so neither a suffix array nor the edges of a tree are kept: a span of so
many tokens can only stand where eight tokens match at each of its positions, and whether any span of a given length
stands on both sides is one comparison of hashes. Nothing is sampled or capped.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from deidrelease_audits.ordered import distinct_sorted
from deidrelease_audits.text.tokens import Codes, Places
from deidrelease_audits.verbatim.matching import LEAST, Table, batches
from deidrelease_audits.verbatim.suffixes import Hashed, Small


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """All runs of eight tokens of some notes.

    Attributes:
        tokens: The notes.
        table: From the hash of each different run to its number.
        places: (k,) where they stand, by number.
        firsts: (m + 1,) the first of `places` of each number.
    """

    tokens: Hashed
    table: Table
    places: Small
    firsts: Small

    @classmethod
    def of(cls, codes: Codes, firsts: Places) -> Self:
        """From tokens and the number of the first token of each note; (n_notes + 1,)."""
        tokens = Hashed.of(codes, firsts)
        places = _with_room(tokens).astype(np.int32)
        order, limits, distinct = _sorted(tokens.spans(places, LEAST))
        table = Table.of_sorted(distinct, np.arange(len(distinct), dtype=np.int32))
        return cls(tokens, table, places[order], limits)

    def longest(self, codes: Codes, firsts: Places) -> int:
        """Tokens of the longest span that one of these notes shares with an indexed one; 0 below eight."""
        best = LEAST - 1
        for first, last in batches(firsts):
            begin, end = int(firsts[first]), int(firsts[last])
            best = self._longer(Hashed.of(codes[begin:end], firsts[first : last + 1] - begin), best)
        return best if best >= LEAST else 0

    def _longer(self, text: Hashed, best: int) -> int:
        """The longest shared span of `text` if it has more than `best` tokens, else `best`."""
        at = _with_room(text)
        hashes = text.spans(at, LEAST)
        likely = self.table.likely(hashes)
        # What cannot be long even if all that is likely were true need not be looked up.
        likely = likely[_in_longer_runs(at[likely], best)]
        hit, numbers = self.table.find(hashes[likely])
        at = at[likely[hit]]
        reach = _reach(at)
        far = reach > best
        if not far.any():
            return best
        sides = _Sides(text, at[far], reach[far], self.tokens, self._standing(numbers[far]))
        return sides.longest(best)

    def _standing(self, numbers: Small) -> Places:
        """Where the runs of these numbers stand."""
        numbers = distinct_sorted(numbers)
        begins, sizes = self.firsts[numbers].astype(np.int64), self.firsts[numbers + 1] - self.firsts[numbers]
        skipped = begins - np.concatenate([[0], np.cumsum(sizes)[:-1]])
        standing: Places = self.places[np.arange(sizes.sum()) + np.repeat(skipped, sizes)].astype(np.int64)
        return standing


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """Where spans may begin: in a text, where they may have `reach` tokens at most, and in the indexed notes."""

    text: Hashed
    at: Places
    reach: Places
    notes: Hashed
    there: Places

    def longest(self, best: int) -> int:
        """Doubling what is added to `best` as long as spans are left, then halving."""
        sides, step = self, 1
        while len((longer := sides._of(best + step)).at):
            sides, best, step = longer, best + step, 2 * step
        most = best + step - 1
        while best < most:
            middle = (best + most + 1) // 2
            longer = sides._of(middle)  # noqa: SLF001
            if len(longer.at):
                sides, best = longer, middle
            else:
                most = middle - 1
        return best

    def _of(self, length: int) -> Self:
        """Those where spans of `length` tokens begin that stand on both sides."""
        far, room = self.reach >= length, self.notes.ends[self.there] - self.there >= length
        at, there = self.at[far], self.there[room]
        ours, theirs = self.text.spans(at, length), self.notes.spans(there, length)
        found, standing = _among(ours, theirs), _among(theirs, ours)
        return type(self)(self.text, at[found], self.reach[far][found], self.notes, there[standing])


def _with_room(tokens: Hashed) -> Places:
    """Where a note goes on for eight tokens or more."""
    return np.flatnonzero(tokens.ends - np.arange(len(tokens.ends)) >= LEAST)


def _sorted(hashes: Codes) -> tuple[Small, Small, Codes]:
    """What orders some hashes, where each group of equals begins, and one of each."""
    order = np.argsort(hashes).astype(np.int32)
    hashes = hashes[order]
    firsts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)])
    return order, np.append(firsts, len(hashes)).astype(np.int32), hashes[firsts]


def _reach(at: Places) -> Places:
    """How many tokens a span may have that begins at each of these ascending places of eight that match."""
    if not len(at):
        return at
    ends = np.flatnonzero(np.append(np.diff(at) > 1, True))
    lasts = at[np.repeat(ends, np.diff(ends, prepend=-1))]
    return lasts - at + LEAST


def _in_longer_runs(at: Places, best: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which places are of a run of more than `best` tokens; whole runs, since its end says how far one reaches."""
    ends = np.flatnonzero(np.append(np.diff(at) > 1, True)[: len(at)])
    sizes = np.diff(ends, prepend=-1)
    longer: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.repeat(sizes - 1 + LEAST > best, sizes)
    return longer


def _among(hashes: Codes, others: Codes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which of `hashes` are among `others`."""
    if not len(others):
        return np.zeros(len(hashes), bool)
    ordered = np.sort(others)
    place = np.minimum(np.searchsorted(ordered, hashes), len(ordered) - 1)
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = ordered[place] == hashes
    return found
