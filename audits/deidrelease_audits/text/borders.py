"""Where words begin and end: between a letter and a digit as well as between either and anything else.

So a number is found behind the letters that a form prints before it, and a name is not found inside a longer one.
"""

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

OTHER, LETTER, DIGIT, SPACE = range(4)
_BORDERS = np.array([a != b and {a, b} & {LETTER, DIGIT} != set() for a in range(4) for b in range(4)])


def joined_codes(texts: Sequence[str]) -> NDArray[np.uint32]:
    """The code points of all texts one after the other, a zero behind each; (sum of lengths + n_texts,)."""
    joined = "".join(text + "\0" for text in texts)
    return np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32)


def ends_of(texts: Sequence[str]) -> NDArray[np.int64]:
    """Where `joined_codes` has the zeros that end the texts; (n_texts,)."""
    return np.cumsum([len(text) + 1 for text in texts], dtype=np.int64) - 1


def kinds_of(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """`OTHER`, `LETTER`, `DIGIT` or `SPACE` for each code point."""
    if not len(codes):
        return np.empty(0, np.uint8)
    present = np.flatnonzero(np.bincount(codes))
    table = np.zeros(int(present[-1]) + 1, np.uint8)
    table[present] = [kind_of(chr(code)) for code in present]
    return table[codes]


def kind_of(character: str) -> int:
    """The kind of one character; a combining mark belongs to the letter before it."""
    if character.isspace():
        return SPACE
    if character.isalnum():
        return DIGIT if character.isnumeric() else LETTER
    return LETTER if unicodedata.combining(character) else OTHER


def is_border(kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether a word, or a run of digits, begins or ends before each code point."""
    before = np.concatenate([np.full(1, OTHER, np.uint8), kinds[:-1]])
    return _BORDERS[4 * before + kinds]
