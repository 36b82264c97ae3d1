"""Where words begin and end: between a letter and a digit as well as between either and anything else.

So a number is found behind the letters that a form prints before it, and a name is not found inside a longer one.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

OTHER, LETTER, DIGIT, SPACE = range(4)
_UNSEEN = 255
_BORDERS = bytes(a != b and {a, b} & {LETTER, DIGIT} != set() for a in range(4) for b in range(4)).ljust(256, b"\0")


def joined_codes(texts: Sequence[str]) -> NDArray[np.uint32]:
    """The code points of all texts one after the other, a zero behind each; (sum of lengths + n_texts,)."""
    joined = "".join(text + "\0" for text in texts)
    return np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32)


def ends_of(texts: Sequence[str]) -> NDArray[np.int64]:
    """Where `joined_codes` has the zeros that end the texts; (n_texts,)."""
    return np.cumsum([len(text) + 1 for text in texts], dtype=np.int64) - 1


def kinds_of(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """`OTHER`, `LETTER`, `DIGIT` or `SPACE` for each code point."""
    # Nearly all of a text is Latin-1, and bytes are translated several times as fast as an array is indexed.
    kinds = np.frombuffer(bytearray(codes.astype(np.uint8)).translate(_latin_kinds()), np.uint8)
    high = np.flatnonzero(codes > 0xFF)
    kinds[high] = _high_kinds(codes[high])
    return kinds


def _high_kinds(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    known = _kinds()
    kinds: NDArray[np.uint8] = np.take(known, codes)
    if len(unseen := codes[kinds == _UNSEEN]):
        present = np.flatnonzero(np.bincount(unseen))
        known[present] = [kind_of(chr(code)) for code in present]
        kinds = np.take(known, codes)
    return kinds


@cache
def _latin_kinds() -> bytes:
    return bytes(kind_of(chr(code)) for code in range(256))


@cache
def _kinds() -> NDArray[np.uint8]:
    """The kind of each code point; filled as they turn up."""
    return np.full(0x110000, _UNSEEN, np.uint8)


def kind_of(character: str) -> int:
    """The kind of one character; a combining mark belongs to the letter before it."""
    if character.isspace():
        return SPACE
    if character.isalnum():
        return DIGIT if character.isnumeric() else LETTER
    return LETTER if unicodedata.combining(character) else OTHER


def is_border(kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether a word, or a run of digits, begins or ends before each code point."""
    pairs = kinds.copy()
    pairs[1:] += 4 * kinds[:-1]
    return np.frombuffer(bytearray(pairs).translate(_BORDERS), np.bool_)
