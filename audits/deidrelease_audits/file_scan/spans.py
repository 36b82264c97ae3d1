"""Spans of eight words and more that files share with private notes, by the index of the verbatim audit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.text.tokens import Places, Tokens, tokenise_all
from deidrelease_audits.verbatim.matching import Index
from deidrelease_audits.verbatim.suffixes import Small


@dataclass(slots=True, eq=False)
class SharedSpans:
    """The texts of some files, and how far each of their words is shared with what streamed past.

    Attributes:
        tokens: Words of all texts.
        firsts: (n_texts + 1,) the first word of each text.
        index: Of these words.
        reach: (n_words,) behind the last word of the longest published span that covers each word; itself where none.
        best: Word of the texts to the longest private span found to begin there.
    """

    tokens: Tokens
    firsts: Places
    index: Index
    reach: Places
    best: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Sequence[str], published: Sequence[str]) -> Self:
        """Indexes `texts`, and marks what of them is `published` and so nobody's secret."""
        tokens, firsts = tokenise_all(texts, "words")
        index = Index.of(tokens.codes, firsts)
        own = index.spread(*_longest(_matches(index, published)))
        # A span that begins further left may reach further; none reaches beyond its own text.
        reach = np.maximum.accumulate(np.arange(len(own), dtype=np.int64) + own)
        return cls(tokens, firsts, index, reach)

    def stream(self, texts: Sequence[str]) -> None:
        """Lets the texts of private notes pass."""
        for place, length in _matches(self.index, texts):
            self.best[place] = max(length, self.best.get(place, 0))

    def per_text(self) -> NDArray[np.int64]:
        """In how many places of each text a private span begins that is not wholly published; (n_texts,)."""
        longest: Small = self.index.spread(*_longest(self.best.items()))
        at = np.flatnonzero(longest)
        ends = at + longest[at]
        at, ends = at[self.reach[at] < ends], ends[self.reach[at] < ends]
        # What only goes on with a span that began one word earlier is that span.
        begins = np.ones(len(at), bool)
        begins[1:] = (np.diff(at) != 1) | (ends[1:] != ends[:-1])
        of = np.searchsorted(self.firsts, at[begins], side="right") - 1
        return np.bincount(of, minlength=len(self.firsts) - 1).astype(np.int64)

    def is_published(self, text: int, start: int, end: int) -> bool:
        """Whether the code points `start` to `end` of a text lie wholly in a published span of eight words or more."""
        first, last = int(self.firsts[text]), int(self.firsts[text + 1])
        begin = first + int(np.searchsorted(self.tokens.ends[first:last], start, side="right"))
        behind = first + int(np.searchsorted(self.tokens.starts[first:last], end))
        return begin < behind and int(self.reach[begin]) >= behind


def _matches(index: Index, texts: Sequence[str]) -> Iterable[tuple[int, int]]:
    if not len(index.order):
        return
    tokens, firsts = tokenise_all(texts, "words")
    for _, found in index.matches(tokens.codes, firsts):
        yield from zip(found.there.tolist(), found.lengths.tolist(), strict=True)


def _longest(pairs: Iterable[tuple[int, int]]) -> tuple[Places, Small]:
    best: dict[int, int] = {}
    for place, length in pairs:
        best[place] = max(length, best.get(place, 0))
    return np.array(list(best), np.int64), np.array(list(best.values()), np.int32)
