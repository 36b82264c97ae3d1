"""Shingles: runs of a few words as 64-bit hashes, and the table in which a stream of them is looked up.

Two notes share text as far as they share shingles (Broder 1997, "On the resemblance and containment of documents").
Words are those of `texts` in the form `words`: case, punctuation and line breaks do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease.contracts import Shard
from deidrelease_audits.ordered import distinct_placed, distinct_sorted
from deidrelease_audits.text.tokens import mixed, tokenise_all, words_of

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]

_STEP = 0xD1342543DE82EF95
"""Odd: the weights of the words in a shingle, its powers, can all be told apart and divided by."""
_NOTE_BITS = 16


def windows(texts: Sequence[str], width: int) -> tuple[Hashes, Places]:
    """Every run of `width` words of each text, repeats included, and whose it is; (n,), (n,). None crosses texts."""
    tokens, bounds = tokenise_all(texts, "words")
    return grams(tokens.codes, bounds, width)


def shingles_of(shard: Shard, width: int) -> tuple[Hashes, Places]:
    """The different shingles of each note of `shard`, by note and then by hash; to be shared, and not written into."""
    tokens, bounds = shard.once(words_of)
    return shard.derived.once(_distinct_grams, tokens.codes, bounds, width)


def _distinct_grams(codes: Hashes, bounds: Places, width: int) -> tuple[Hashes, Places]:
    return distinct(*grams(codes, bounds, width))


def grams(codes: Hashes, bounds: Places, width: int) -> tuple[Hashes, Places]:
    """The same of texts that are tokens already; text i is `codes[bounds[i]:bounds[i + 1]]`."""
    count = len(codes) - width + 1
    if count <= 0:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    sums = np.zeros(count, np.uint64)
    for place in range(width):
        sums += codes[place : place + count] * np.uint64(pow(_STEP, place + 1, 1 << 64))
    counts = np.diff(bounds)
    notes = np.repeat(np.arange(len(counts)), counts)[:count]
    inside = np.arange(count) + width <= np.repeat(bounds[1:], counts)[:count]
    return mixed(sums[inside]), notes[inside]


def distinct(hashes: Hashes, notes: Places) -> tuple[Hashes, Places]:
    """The different shingles of each note, by note and then by hash.

    Args:
        hashes: Of all notes, one note after the other; (n,).
        notes: Whose each is, ascending; (n,).
    """
    ordered = hashes.copy()
    # Note by note: sorting pairs of note and hash takes ten times as long.
    limits = np.flatnonzero(np.diff(notes, prepend=-1, append=-1)).tolist()
    for begin, end in pairwise(limits):
        ordered[begin:end].sort()
    new = np.ones(len(ordered), bool)
    new[1:] = (ordered[1:] != ordered[:-1]) | (notes[1:] != notes[:-1])
    return ordered[new], notes[new]


def distinct_sizes(hashes: Hashes, notes: Places, n_notes: int) -> Places:
    """How many different shingles each of `n_notes` has; (n_notes,).

    One plain sort of a note's number and 48 bits of the hash, several times as fast as sorting pairs: two shingles of
    *one* note fall together with a chance of some 1e-9.

    Raises:
        ValueError: More notes than sixteen bits can number.
    """
    if n_notes > 1 << _NOTE_BITS:
        raise ValueError(f"at most {1 << _NOTE_BITS} notes at once")
    keys = (notes.astype(np.uint64) << np.uint64(64 - _NOTE_BITS)) | (hashes >> np.uint64(_NOTE_BITS))
    keys.sort()
    new = np.ones(len(keys), bool)
    new[1:] = keys[1:] != keys[:-1]
    return np.bincount((keys[new] >> np.uint64(64 - _NOTE_BITS)).astype(np.int64), minlength=n_notes)


@dataclass(frozen=True, slots=True, eq=False)
class ShingleTable:
    """Some shingles in order, and a filter that turns most others away in one look.

    Attributes:
        keys: Sorted, each once; (n,) uint64.
        seen: Whether any key begins with these bits; (2 ** bits,) bool.
        bits: How many.
    """

    keys: Hashes
    seen: NDArray[np.bool_]
    bits: int

    @classmethod
    def of(cls, hashes: Hashes) -> Self:
        """Of the different ones among `hashes`."""
        return cls._of_keys(distinct_sorted(hashes))

    @classmethod
    def placing(cls, hashes: Hashes) -> tuple[Self, Places]:
        """The same, and where each of `hashes` stands in it, in a fraction of the time of looking all of them up."""
        keys, places = distinct_placed(hashes)
        return cls._of_keys(keys), places

    @classmethod
    def _of_keys(cls, keys: Hashes) -> Self:
        bits = min(max(10, len(keys).bit_length() + 4), 27)
        seen = np.zeros(1 << bits, bool)
        seen[keys >> np.uint64(64 - bits)] = True
        return cls(keys, seen, bits)

    def __len__(self) -> int:
        """How many shingles."""
        return len(self.keys)

    def find(self, hashes: Hashes) -> tuple[Places, Places]:
        """Which of `hashes` are here, by their place there, and their places here; (m,), (m,)."""
        there = np.flatnonzero(self.seen[hashes >> np.uint64(64 - self.bits)])
        here = np.searchsorted(self.keys, hashes[there])
        right = here < len(self.keys)
        right[right] = self.keys[here[right]] == hashes[there[right]]
        return there[right], here[right]
