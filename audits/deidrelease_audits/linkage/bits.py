"""How many bits it takes to write a value of some group: a character model of the group's values."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log2
from typing import Self

_ORDER = 2
_BEGIN = "\x02"
_CHARACTERS = 256
"""What an unseen character is drawn from; more would only raise the bits, and fewer bits are the safe side."""


@dataclass(frozen=True, slots=True, eq=False)
class CharacterModel:
    """Characters given the two before them, interpolated down to uniform by Witten and Bell's rule.

    Where a value ends is not modelled: a chance that more than the value shares is the larger one, and all numbers of a
    sort have one length.

    Witten and Bell 1991, "The zero-frequency problem", IEEE Transactions on Information Theory 37, method C.

    Attributes:
        counts: Of each context and next character, for contexts of 0 to 2 characters.
        totals: Of each context.
        kinds: Different characters behind each context.
    """

    counts: Mapping[str, int]
    totals: Mapping[str, int]
    kinds: Mapping[str, int]

    @classmethod
    def of(cls, values: Mapping[str, int]) -> Self:
        """Fitted on values and how often each counts."""
        counts: Counter[str] = Counter()
        for value, times in values.items():
            for gram in _grams(value):
                counts[gram] += times
        totals: dict[str, int] = defaultdict(int)
        kinds: dict[str, int] = defaultdict(int)
        for gram, count in counts.items():
            totals[gram[:-1]] += count
            kinds[gram[:-1]] += 1
        return cls(counts, dict(totals), dict(kinds))

    def bits(self, value: str, left_out: int = 0) -> float:
        """Bits of `value` as if it had been counted `left_out` times less."""
        own = Counter(_grams(value)) if left_out else Counter()
        contexts = Counter(gram[:-1] for gram in own.elements())
        total, chance = 0.0, 1.0
        for gram in _grams(value):
            if len(gram) == 1:
                total -= log2(chance)
                chance = 1 / _CHARACTERS
            count = self.counts.get(gram, 0) - left_out * own[gram]
            seen = self.totals.get(gram[:-1], 0) - left_out * contexts[gram[:-1]]
            if seen > 0:
                kinds = self.kinds[gram[:-1]]
                chance = (count + kinds * chance) / (seen + kinds)
        return total - log2(chance)


def _grams(value: str) -> Iterator[str]:
    """For each character the grams that end in it, shortest first."""
    text = _BEGIN * _ORDER + value
    for at in range(_ORDER, len(text)):
        for length in range(_ORDER + 1):
            yield text[at - length : at + 1]
