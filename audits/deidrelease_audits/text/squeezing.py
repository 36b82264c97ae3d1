"""The synthetic text with only its letters and digits, without case and accents, for matching that must survive edits.

Case, accents, blanks, hyphens and punctuation are gone, so `GARCÍA-LÓPEZ, Ana` and `garcia lopez ana` are one string.
Where words begin and end in the original is kept: a form must begin with a word and end with one.
"""

import unicodedata
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.text.borders import DIGIT, ends_of, is_border, joined_codes, kinds_of
from deidrelease_audits.text.tokens import batches

_PIECES = (1, 2, 3, 4, 5, 6, 8, 12, 16)
"""Lengths that pieces are looked up in; a longer piece is looked up by as much of it, and then compared."""
_POWERS = np.array([pow(0x9E3779B97F4A7C15, power, 1 << 64) for power in range(_PIECES[-1])], np.uint64)
_SIEVE_BITS = 18


@lru_cache(maxsize=65536)
def _squeezed_character(character: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", character).casefold())
    return "".join(c for c in folded if c.isalnum() and not unicodedata.combining(c))


# As many as the values of a shard: more would be memory that grows with the private corpus.
@lru_cache(maxsize=1 << 14)
def squeeze(text: str) -> str:
    """The letters and digits of `text`, character by character, in small letters and without accents."""
    return "".join(map(_squeezed_character, text))


@dataclass(frozen=True, slots=True, eq=False)
class SqueezedText:
    """All synthetic notes squeezed, a zero behind each.

    Attributes:
        text: n characters.
        codes: Their code points, in as few bytes as the largest takes; (n,).
        origins: The code point of the joined text that each stands for; (n,).
        begins: Where words begin, ascending; (n_words,).
        ends: Whether a word ends before each character; (n + 1,).
        numbers: Where a word of digits begins, ascending; (n_numbers,).
        runs: For each of `numbers` where the digits end that follow it without anything else between; (n_numbers,).
    """

    text: str
    codes: NDArray[np.unsignedinteger[Any]]
    origins: NDArray[np.signedinteger[Any]]
    begins: NDArray[np.int64]
    ends: NDArray[np.bool_]
    numbers: NDArray[np.int64]
    runs: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Squeezes `texts`, joined as `Haystack` joins them."""
        parts, points, characters = [cls._of_few([])], 0, 0
        # No word goes on in the next text, so they can be worked on in parts that stay in a core's cache.
        for first, last in batches(texts):
            part = cls._of_few(texts[first:last])
            parts.append(part.moved(points, characters))
            points += sum(map(len, texts[first:last])) + last - first
            characters += len(part)
        return cls(
            "".join(part.text for part in parts),
            np.concatenate([part.codes for part in parts]),
            np.concatenate([part.origins for part in parts]),
            np.concatenate([part.begins for part in parts]),
            np.concatenate([[False], *(part.ends[1:] for part in parts)]),
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.runs for part in parts]),
        )

    def moved(self, points: int, characters: int) -> Self:
        """The same with its places counted from further on: so many code points, and characters of what became them."""
        begins, numbers, runs = self.begins + characters, self.numbers + characters, self.runs + characters
        return type(self)(self.text, self.codes, self.origins + points, begins, self.ends, numbers, runs)

    @classmethod
    def _of_few(cls, texts: Sequence[str]) -> Self:
        codes = joined_codes(texts)
        kinds = kinds_of(codes)
        limits = ends_of(texts)
        table = {int(code): _squeezed_character(chr(code)) for code in np.flatnonzero(np.bincount(codes))}
        lengths = np.zeros(max(table, default=0) + 1, np.int64)
        for code, form in table.items():
            lengths[code] = len(form)
        widths = lengths[codes]
        widths[limits] = 1
        text = "".join(text.translate(table) + "\0" for text in texts)
        origins = np.repeat(np.arange(len(codes)), widths)
        border = np.append(is_border(kinds), True)
        first = np.append(True, np.diff(origins) > 0) if len(origins) else np.empty(0, bool)
        is_digit = kinds[origins] == DIGIT
        written = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
        squeezed = written.astype(np.min_scalar_type(int(written.max(initial=0))))
        real = squeezed != 0
        # A word ends behind the last character that a code point became, where a border follows that code point.
        last = np.append(first[1:], True) & border[origins + 1] & real
        begins = np.flatnonzero(border[origins] & first & real)
        numbers = begins[is_digit[begins]]
        others = np.append(np.flatnonzero(~is_digit), len(is_digit))
        runs = others[np.searchsorted(others, numbers)]
        return cls(text, squeezed, origins, begins, np.append(False, last), numbers, runs)

    def __len__(self) -> int:
        """Characters."""
        return len(self.text)

    def windows_of_digits(self, length: int) -> int:
        """How many windows of `length` characters, all digits, begin with a word and end with one."""
        if length <= 0:
            return 0
        ends = self.numbers + length
        return int(self.ends[ends[ends <= self.runs]].sum())


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Which piece stands where; both (n_pairs,)."""

    pieces: NDArray[np.int64]
    places: NDArray[np.int64]


def places_of(text: SqueezedText, pieces: Sequence[str], *, at_end: bool = False) -> Pairs:
    """Where pieces stand from the beginning of a word on, or up to the end of one, in no order.

    A place is the first character of the piece, or with `at_end` the character behind it. Only as much of a piece is
    compared as `_PIECES` allows; what is found is a candidate, and no place is left out.
    """
    lengths = np.array([_PIECES[bisect(_PIECES, len(piece)) - 1] if piece else 0 for piece in pieces], np.int64)
    wanted = _hashes(pieces, at_end)
    anchors = np.flatnonzero(text.ends) if at_end else text.begins
    margin = np.zeros(_PIECES[-1], text.codes.dtype)
    codes = np.concatenate([margin, text.codes, margin])
    found = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    hashes = np.zeros(len(anchors), np.uint64)
    for length in range(1, int(lengths.max(initial=0)) + 1):
        at = anchors + (len(margin) - length if at_end else len(margin) + length - 1)
        hashes += codes[at].astype(np.uint64) * _POWERS[length - 1]
        if (lengths == length).any():
            likely = _begun(hashes, wanted[lengths >= length, length - 1])
            anchors, hashes = anchors[likely], hashes[likely]
            found.append(_equal(anchors, hashes, np.flatnonzero(lengths == length), wanted[:, length - 1]))
    return Pairs(np.concatenate([which for which, _ in found]), np.concatenate([where for _, where in found]))


def _hashes(pieces: Sequence[str], at_end: bool) -> NDArray[np.uint64]:
    """Of the first character of each piece, the first two, and so on; from the last one on where `at_end`; (n, 16)."""
    most = _PIECES[-1]
    cut = (piece[: -most - 1 : -1] if at_end else piece[:most] for piece in pieces)
    joined = "".join(piece.ljust(most, "\0") for piece in cut)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    return np.cumsum(codes.reshape(-1, most) * _POWERS, axis=1)


def _begun(hashes: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Which of `hashes` may be among `wanted`: a table of single bits throws out nearly all others."""
    sieve = np.zeros(1 << _SIEVE_BITS, np.bool_)
    shift = np.uint64(64 - _SIEVE_BITS)
    sieve[wanted >> shift] = True
    return np.flatnonzero(sieve[hashes >> shift])


def _equal(
    anchors: NDArray[np.int64], hashes: NDArray[np.uint64], chosen: NDArray[np.int64], wanted: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every chosen piece with every anchor of its hash."""
    chosen = chosen[np.argsort(wanted[chosen], kind="stable")]
    ordered = wanted[chosen]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    keys, many = ordered[first], np.diff(np.append(first, len(ordered)))
    likely = _begun(hashes, keys)
    place = np.minimum(np.searchsorted(keys, hashes[likely]), len(keys) - 1)
    equal = keys[place] == hashes[likely]
    anchors, first, many = anchors[likely[equal]], first[place[equal]], many[place[equal]]
    before = np.repeat(np.cumsum(many) - many, many)
    return chosen[np.repeat(first, many) + np.arange(len(before)) - before], np.repeat(anchors, many)
