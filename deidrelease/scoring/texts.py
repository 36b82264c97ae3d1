"""Where the tokens, the sentences and the visible characters of a text are.

The rules are fixed and depend on no tagger's tokeniser: scores of two taggers with different vocabularies must rest on
the same tokens.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deidrelease.notes import Span

TOKEN = re.compile(r"\w+|[^\w\s]")
_SENTENCE_END = re.compile(r"[.!?]\s+(?=(\w))")


def count_sentences(text: str) -> int:
    """Number of sentences by a simple rule, the same for every language.

    A sentence ends at every line end, and at `.`, `!` or `?` followed by white space and an uppercase letter or a
    digit. Blank lines count for nothing. Abbreviations before a capital ("Dr. Ruiz") are counted as ends.
    """
    lines = [line for line in text.splitlines() if not line.isspace() and line]
    return sum(1 + sum(_opens(match[1]) for match in _SENTENCE_END.finditer(line)) for line in lines)


def _opens(character: str) -> bool:
    return character.isupper() or character.isdecimal()


@dataclass(frozen=True, slots=True, eq=False)
class TextShape:
    """What scores need to know of a text.

    Attributes:
        visible: Which code points are no white space; shape (n_code_points,).
        token_starts: First code point of each token (a run of word characters, or one other visible character).
        sentences: `count_sentences` of the text.
    """

    visible: NDArray[np.bool_]
    token_starts: NDArray[np.int64]
    sentences: int

    @classmethod
    def of(cls, text: str) -> "TextShape":
        """Measures `text`."""
        visible = np.fromiter((not c.isspace() for c in text), dtype=np.bool_, count=len(text))
        starts = np.array([match.start() for match in TOKEN.finditer(text)], dtype=np.int64)
        return cls(visible, starts, count_sentences(text))

    def covered(self, spans: Sequence[Span]) -> NDArray[np.bool_]:
        """Which visible code points any of `spans` covers; shape (n_code_points,)."""
        mask = np.zeros(len(self.visible), dtype=np.bool_)
        for span in spans:
            mask[span.start : span.end] = True
        return mask & self.visible

    def first_span_of_tokens(self, spans: Sequence[Span]) -> NDArray[np.int64]:
        """Index of the first of `spans` that overlaps each token, `len(spans)` where none does; shape (n_tokens,)."""
        first = np.full(len(self.visible), len(spans), dtype=np.int64)
        for index in reversed(range(len(spans))):
            first[spans[index].start : spans[index].end] = index
        # White space belongs to no token, yet reduceat runs each token on to the start of the next.
        first[~self.visible] = len(spans)
        if not len(self.token_starts):
            return self.token_starts
        return np.minimum.reduceat(first, self.token_starts)
