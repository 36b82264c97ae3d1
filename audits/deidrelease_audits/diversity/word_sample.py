"""A sample of notes of a given number of words, the same in whatever order and grouping the notes come."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from deidrelease_audits.ordered import distinct_sorted
from deidrelease_audits.text.shingles import Hashes, Places, grams
from deidrelease_audits.text.tokens import picked


@dataclass(frozen=True, slots=True, eq=False)
class WordSample:
    """The notes of the smallest keyed numbers, as many as it takes to have `most` words.

    Such a prefix of a random order adds up: a note of the whole's prefix is in that of any part that holds it.

    Attributes:
        most: Words asked for.
        numbers: Keyed number of each note, ascending; (n,) uint64.
        counts: Words of each; (n,) int64.
        codes: The words of all, one note after the other; (n_words,) uint64.
    """

    most: int
    numbers: Hashes
    counts: Places
    codes: Hashes

    @classmethod
    def of(cls, most: int, numbers: Hashes, counts: Places, codes: Hashes) -> Self:
        """From notes in any order."""
        order = np.argsort(numbers, kind="stable")
        before = np.cumsum(counts[order]) - counts[order]
        kept = order[before < most]
        firsts = np.concatenate([[0], np.cumsum(counts)])
        return cls(most, numbers[kept], counts[kept], picked(codes, firsts, kept)[0])

    def __add__(self, other: Self) -> Self:
        """The sample of both."""
        pairs = [(self.numbers, other.numbers), (self.counts, other.counts), (self.codes, other.codes)]
        numbers, counts, codes = (np.concatenate(pair) for pair in pairs)
        return self.of(self.most, numbers, counts, codes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WordSample):
            return NotImplemented
        return np.array_equal(self.numbers, other.numbers) and np.array_equal(self.codes, other.codes)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        """Words."""
        return len(self.codes)

    def distinct(self, width: int, words: int) -> float:
        """Distinct-n of the first `words`: different runs of `width` words within notes, for each word.

        Li et al. 2016, "A diversity-promoting objective function for neural conversation models", NAACL, section 5:
        scaled by the number of words. It falls as a text grows, so only equal numbers of words can be compared.
        """
        if words == 0:
            return 0.0
        bounds = np.minimum(np.concatenate([[0], np.cumsum(self.counts)]), words)
        hashes, _ = grams(self.codes[:words], bounds, width)
        return len(distinct_sorted(hashes)) / words
