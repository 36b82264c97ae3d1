r"""Cuts notes into hashed tokens, tens of megabytes a second on one core, with offsets into the text as it was read.

Two normal forms. `raw`: runs of word characters, and every other character that is no white space by itself, as they
stand. `words`: NFKC and case folding first, then runs of word characters alone, so that punctuation, line breaks,
case, ligatures and full-width forms do not hide a copy. A word character is a letter, a digit, or a mark that stands
on one; the underscore is one in `raw`, as in `\w`, and none in `words`, where forms draw their blanks with it.

No Python code runs per token or per character, but for the few characters whose normal form is not one character or
depends on those before: combining marks, ligatures, fractions. Of those every *cluster* (a character and the marks
behind it) is normalised by itself, and what comes of it points at the whole cluster.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from deidrelease.notes import Note

Normal = Literal["raw", "words"]
Codes = NDArray[np.uint64]
Places = NDArray[np.int64]
Kind = TypeVar("Kind", bound=np.generic)

BATCH = 1 << 16
"""Characters that are worked on at once: the arrays of that many stay in a core's cache."""

_UNICODE, _FIRST_SIZE = 0x110000, 0x3000
_KNOWN, _SPACE, _WORD, _JOINS, _SPECIAL = 1, 2, 4, 8, 16
_BREAKS = np.uint8(255 - _JOINS)
# Odd, so that it has an inverse modulo 2**64; else as good as any: the fraction of the golden ratio.
_BASE = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of a text, or of several in order.

    Attributes:
        codes: (n,) uint64, a hash of each token's normal form, the same in all processes and on all machines. It is
            not keyed: it never leaves memory.
        starts: (n,) int32, first code point in the original text of each token.
        ends: (n,) int32, behind the last code point there.
    """

    codes: Codes
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]

    def __len__(self) -> int:
        """How many tokens."""
        return len(self.codes)


def words_of(notes: Sequence[Note]) -> tuple[Tokens, Places]:
    """`tokenise_all` of the texts of `notes` in the form `words`; to be shared, so nobody can write into it."""
    tokens, firsts = tokenise_all([note.text for note in notes], "words")
    for array in (tokens.codes, tokens.starts, tokens.ends, firsts):
        array.flags.writeable = False
    return tokens, firsts


def picked(codes: NDArray[Kind], firsts: Places, texts: Places) -> tuple[NDArray[Kind], Places]:
    """The tokens of some `texts`, by number, in the order asked for, and the first of each; (n_texts + 1,)."""
    counts = np.diff(firsts)[texts]
    bounds = np.concatenate([[0], np.cumsum(counts)])
    return codes[np.arange(bounds[-1]) + np.repeat(firsts[texts] - bounds[:-1], counts)], bounds


def tokenise(text: str, normal: Normal) -> Tokens:
    """The tokens of `text`."""
    return tokenise_all([text], normal)[0]


def tokenise_all(texts: Sequence[str], normal: Normal) -> tuple[Tokens, Places]:
    """The tokens of all `texts`, one after the other, and the number of the first token of each; (n_texts + 1,).

    Offsets count from the start of the token's own text.
    """
    codes, starts, ends = [np.empty(0, np.uint64)], [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    counts = [np.zeros(1, np.int64)]
    for first, last in batches(texts):
        tokens, each = _batch(texts[first:last], normal)
        codes.append(tokens.codes)
        starts.append(tokens.starts)
        ends.append(tokens.ends)
        counts.append(each)
    return Tokens(joined(codes), joined(starts), joined(ends)), np.cumsum(np.concatenate(counts))


def joined(parts: list[NDArray[Kind]]) -> NDArray[Kind]:
    """One array of all, which are let go of: both would be twice the memory."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def mixed(numbers: Codes) -> Codes:
    """Splitmix64's finaliser (Steele, Lea and Flood 2014): a bijection after which every bit depends on all bits."""
    z = numbers ^ (numbers >> np.uint64(30))
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and past-the-last number of texts that make up about `BATCH` characters, in order."""
    first, size = 0, 0
    for place, text in enumerate(texts):
        size += len(text)
        if size >= BATCH:
            yield first, place + 1
            first, size = place + 1, 0
    if first < len(texts):
        yield first, len(texts)


def _batch(texts: Sequence[str], normal: Normal) -> tuple[Tokens, Places]:
    """The tokens of some texts, and how many each has."""
    points = np.frombuffer("\n".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    edges = np.cumsum([0] + [len(text) + 1 for text in texts])
    table = _table(normal)
    kinds = table.learned(points)
    # A mark with which a text begins belongs to no character of the text before.
    kinds[edges[:-1][edges[:-1] < len(points)]] &= _BREAKS
    if np.bitwise_or.reduce(kinds, initial=0) & _SPECIAL:
        first, last, codes = _cut(*_expanded(points, kinds, table), normal)
    else:
        first, last, codes = _cut(table.values[points], kinds, None, normal)
    tokens_before = np.searchsorted(first, edges)
    counts = np.diff(tokens_before)
    begin = np.repeat(edges[:-1], counts)
    return Tokens(codes, (first - begin).astype(np.int32), (last - begin).astype(np.int32)), counts


def _cut(
    values: Codes, kinds: NDArray[np.uint8], origin: tuple[Places, Places] | None, normal: Normal
) -> tuple[Places, Places, Codes]:
    """First and past-the-last place in the original, and hash, of each token of some normalised characters."""
    word = (kinds & _WORD) != 0
    before, behind = np.zeros_like(word), np.zeros_like(word)
    before[1:], behind[:-1] = word[:-1], word[1:]
    begins, finishes = word & ~before, word & ~behind
    if normal == "raw":
        alone = (kinds & (_WORD | _SPACE)) == 0
        begins |= alone
        finishes |= alone
    first, last = np.flatnonzero(begins), np.flatnonzero(finishes)
    # A polynomial in _BASE over one random number a character; the power of the start is divided out again.
    powers, inverses = _powers(1 << max(len(values), 1).bit_length())
    sums = np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values * powers[: len(values)], out=sums[1:])
    codes = mixed((sums[last + 1] - sums[first]) * inverses[first])
    if origin is None:
        return first, last + 1, codes
    return origin[0][first], origin[1][last], codes


def _expanded(
    points: NDArray[np.uint32], kinds: NDArray[np.uint8], table: "_Table"
) -> tuple[Codes, NDArray[np.uint8], tuple[Places, Places]]:
    """Values and kinds of the normalised characters, and from where to where in the original each comes."""
    heads = np.flatnonzero((kinds & _JOINS) == 0)
    tails = np.append(heads[1:], len(points))
    odd = np.flatnonzero(((kinds[heads] & _SPECIAL) != 0) | (tails - heads > 1))
    forms = [_normal_form(points[heads[i] : tails[i]].tobytes()) for i in odd]
    written = np.frombuffer(b"".join(forms), np.uint32)
    written_kinds = table.learned(written)
    lengths = np.ones(len(heads), np.int64)
    lengths[odd] = widths = np.array([len(form) // 4 for form in forms], np.int64)
    first = np.repeat(heads, lengths)
    last = first + 1
    values, classes = table.values[points[first]], kinds[first]
    # What the odd ones became stands at their places, moved by what those before them gained or lost.
    into = np.arange(len(written)) + np.repeat(odd - np.arange(len(odd)), widths)
    # What is in normal form already stands in the plain table, where it would be folded to itself.
    values[into], classes[into] = table.plain[written], written_kinds
    last[into] = np.repeat(tails[odd], widths)
    return values, classes, (first, last)


@lru_cache(maxsize=1 << 14)
def _normal_form(cluster: bytes) -> bytes:
    return folded(cluster.decode("utf-32-le", "surrogatepass")).encode("utf-32-le", "surrogatepass")


def _value(points: Codes) -> Codes:
    """A random number for each code point, the same everywhere."""
    return mixed((points + np.uint64(1)) * np.uint64(_BASE))


def folded(text: str) -> str:
    """NFKC, case folding, and NFKC again, as folding may undo it (Unicode standard, 3.13, compatibility caseless)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


class _Table:
    """What is known of code points in one normal form; filled as they turn up."""

    def __init__(self, normal: Normal) -> None:
        self.normal = normal
        self.plain = _value(np.arange(_FIRST_SIZE, dtype=np.uint64))
        self.values = self.plain.copy()
        self.kinds = np.zeros(_FIRST_SIZE, np.uint8)

    def _grow(self, most: int) -> None:
        """So that `most` is in it; all of Unicode would be 20 megabytes, which hardly a text needs."""
        known, size = len(self.kinds), min(_UNICODE, 1 << most.bit_length())
        self.plain = _value(np.arange(size, dtype=np.uint64))
        self.values = np.concatenate([self.values, self.plain[known:]])
        self.kinds = np.concatenate([self.kinds, np.zeros(size - known, np.uint8)])

    def learned(self, points: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """The kinds of `points`; those that never came before are looked up."""
        most = int(points.max(initial=0))
        if most >= len(self.kinds):
            self._grow(most)
        kinds = self.kinds[points]
        if kinds.all():
            return kinds
        for point in set(points[kinds == 0].tolist()):
            self.kinds[point] = self._kind(chr(point))
            form = folded(chr(point))
            if self.normal == "words" and len(form) == 1:
                self.values[point] = _value(np.array([ord(form)], np.uint64))[0]
        return self.kinds[points]

    def _kind(self, character: str) -> int:
        if self.normal == "raw":
            return _class(character) | (_WORD if character == "_" else 0)
        form = folded(character)
        joins = _joins(character)
        special = joins or len(form) > 1
        return _class(form[0]) | (_JOINS if joins else 0) | (_SPECIAL if special else 0)


def is_word(character: str) -> bool:
    """Whether a normalised character is part of a word: a letter, a digit, or a mark on one."""
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _class(character: str) -> int:
    if is_word(character):
        return _KNOWN | _WORD
    return _KNOWN | (_SPACE if character.isspace() else 0)


def _joins(character: str) -> bool:
    """Whether a character may compose with the one before: a mark, or a vowel or final consonant of Hangul."""
    head = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.category(head).startswith("M") or 0x1160 <= ord(head) <= 0x11FF


@cache
def _table(normal: Normal) -> _Table:
    return _Table(normal)


@lru_cache(maxsize=2)
def _powers(n: int) -> tuple[Codes, Codes]:
    """The powers of `_BASE` and of its inverse modulo 2**64, from 0 to `n - 1`."""
    inverse = pow(_BASE, -1, 1 << 64)
    both = []
    for base in (_BASE, inverse):
        steps = np.full(n, base & _MASK, np.uint64)
        steps[0] = 1
        both.append(np.multiply.accumulate(steps))
    return both[0], both[1]
