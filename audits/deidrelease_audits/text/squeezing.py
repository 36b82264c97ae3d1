"""The synthetic text with only its letters and digits, without case and accents, for matching that must survive edits.

Case, accents, blanks, hyphens and punctuation are gone, so `GARCÍA-LÓPEZ, Ana` and `garcia lopez ana` are one string.
Where words begin and end in the original is kept: a form must begin with a word and end with one.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.text.borders import DIGIT, ends_of, is_border, joined_codes, kinds_of

_BASE = np.uint64(0x9E3779B97F4A7C15)
_PIECES = (1, 2, 3, 4, 5, 6, 8, 12, 16)
"""Lengths that pieces are looked up in; a longer piece is looked up by as much of it, and then compared."""


@lru_cache(maxsize=65536)
def _squeezed_character(character: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", character).casefold())
    return "".join(c for c in folded if c.isalnum() and not unicodedata.combining(c))


def squeeze(text: str) -> str:
    """The letters and digits of `text`, character by character, in small letters and without accents."""
    return "".join(map(_squeezed_character, text))


@dataclass(frozen=True, slots=True, eq=False)
class SqueezedText:
    """All synthetic notes squeezed, a zero behind each.

    Attributes:
        text: n characters.
        origins: The code point of the joined text that each stands for; (n,).
        begins: Where words begin, ascending; (n_words,).
        ends: Whether a word ends before each character; (n + 1,).
        digits: How many digits stand before each character; (n + 1,).
    """

    text: str
    origins: NDArray[np.signedinteger[Any]]
    begins: NDArray[np.int64]
    ends: NDArray[np.bool_]
    digits: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Squeezes `texts`, joined as `Haystack` joins them."""
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
        real = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4") != 0
        # A word ends behind the last character that a code point became, where a border follows that code point.
        last = np.append(first[1:], True) & border[origins + 1] & real
        begins = np.flatnonzero(border[origins] & first & real)
        digits = np.concatenate([[0], np.cumsum(is_digit)])
        return cls(text, origins, begins, np.append(False, last), digits)

    def __len__(self) -> int:
        """Characters."""
        return len(self.text)

    def windows_of_digits(self, length: int) -> int:
        """How many windows of `length` characters, all digits, begin with a word and end with one."""
        if length <= 0:
            return 0
        begins = self.begins[self.begins + length <= len(self)]
        whole = self.digits[begins + length] - self.digits[begins] == length
        return int((whole & self.ends[begins + length]).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Which piece stands where; both (n_pairs,)."""

    pieces: NDArray[np.int64]
    places: NDArray[np.int64]


def places_of(text: SqueezedText, pieces: Sequence[str], *, at_end: bool = False) -> Pairs:
    """Where pieces stand from the beginning of a word on, or up to the end of one.

    A place is the first character of the piece, or with `at_end` the character behind it. Only as much of a piece is
    compared as `_PIECES` allows; what is found is a candidate, and no place is left out.
    """
    anchors = np.flatnonzero(text.ends) if at_end else text.begins
    codes = np.frombuffer(text.text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    by_length = _by_length(pieces)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    hashes, power = np.zeros(len(anchors), np.uint64), np.uint64(1)
    for length in range(1, max(by_length, default=0) + 1):
        at = anchors - length if at_end else anchors + (length - 1)
        inside = (at >= 0) & (at < len(codes))
        hashes[inside] += codes[at[inside]] * power
        power = np.uint64(int(power) * int(_BASE) % 2**64)
        if length in by_length:
            found += _equal(anchors, hashes, pieces, by_length[length], length, at_end)
    if not found:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64))
    return Pairs(np.concatenate([which for which, _ in found]), np.concatenate([where for _, where in found]))


def _by_length(pieces: Iterable[str]) -> dict[int, list[int]]:
    grouped: dict[int, list[int]] = {}
    for index, piece in enumerate(pieces):
        if piece:
            length = max(allowed for allowed in _PIECES if allowed <= len(piece))
            grouped.setdefault(length, []).append(index)
    return grouped


def _equal(
    anchors: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    pieces: Sequence[str],
    chosen: list[int],
    length: int,
    at_end: bool,
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    wanted: dict[int, list[int]] = {}
    for index in chosen:
        piece = pieces[index][-length:][::-1] if at_end else pieces[index][:length]
        wanted.setdefault(_hash(piece), []).append(index)
    # A table of single bits throws out nearly all places before the search proper.
    sieve = np.zeros(1 << 18, np.bool_)
    keys = np.array(sorted(wanted), np.uint64)
    shift = np.uint64(46)
    sieve[keys >> shift] = True
    likely = np.flatnonzero(sieve[hashes >> shift])
    place = np.minimum(np.searchsorted(keys, hashes[likely]), len(keys) - 1)
    equal = keys[place] == hashes[likely]
    places, groups = anchors[likely[equal]], place[equal]
    order = np.argsort(groups, kind="stable")
    places, groups = places[order], groups[order]
    limits = np.searchsorted(groups, np.arange(len(keys) + 1))
    found = []
    for number, key in enumerate(keys.tolist()):
        here = places[limits[number] : limits[number + 1]]
        found += [(np.full(len(here), index), here) for index in wanted[key] if len(here)]
    return found


def _hash(piece: str) -> int:
    value, power = 0, 1
    for character in piece:
        value = (value + ord(character) * power) % 2**64
        power = power * int(_BASE) % 2**64
    return value
