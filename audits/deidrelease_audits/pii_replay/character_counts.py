"""How improbable a value is: a character model of its class, fitted on all private mentions of both arms.

Numbers and texts of one label are modelled apart. A number's model is given its length, because chance is counted over
the windows of that length; a text's model has to write its end as well.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import log2
from typing import Self

_BEGIN, _END = "\x02", "\x03"
_BEFORE = 2
"""Characters that the next one is predicted from."""
_DIGITS, _CHARACTERS = 10, 40
"""What an unseen character is drawn from; more would only raise the bits, and fewer bits are the safe side."""


@dataclass(frozen=True, slots=True)
class CharacterCounts:
    """How often each character stood behind each context of 0 to 2 characters.

    Attributes:
        grams: Model and context with its character, to how often; a model is a label and `9` or `a`.
        values: Model to how many values were counted.
    """

    grams: Mapping[tuple[str, str], int] = field(default_factory=dict)
    values: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, seen: Mapping[tuple[str, str], int]) -> Self:
        """From pairs of label and squeezed value, and how often each counts."""
        grams: Counter[tuple[str, str]] = Counter()
        values: Counter[str] = Counter()
        for (label, squeezed), times in seen.items():
            model = model_of(label, squeezed)
            values[model] += times
            for gram in _grams(squeezed):
                grams[model, gram] += times
        return cls(dict(grams), dict(values))

    def __add__(self, other: Self) -> Self:
        """Both counts together."""
        return type(self)(
            dict(Counter(self.grams) + Counter(other.grams)), dict(Counter(self.values) + Counter(other.values))
        )

    def models(self) -> "CharacterModels":
        """The models that these counts give."""
        totals: Counter[tuple[str, str]] = Counter()
        kinds: Counter[tuple[str, str]] = Counter()
        for (model, gram), count in self.grams.items():
            totals[model, gram[:-1]] += count
            kinds[model, gram[:-1]] += 1
        return CharacterModels(self.grams, totals, kinds)


@dataclass(frozen=True, slots=True, eq=False)
class CharacterModels:
    """Characters given the two before them, interpolated down to uniform by Witten and Bell's rule.

    Witten and Bell 1991, "The zero-frequency problem", IEEE Transactions on Information Theory 37, method C.

    Attributes:
        grams: As in `CharacterCounts`.
        totals: Model and context, to how often it was seen.
        kinds: Model and context, to how many different characters were seen behind it.
    """

    grams: Mapping[tuple[str, str], int]
    totals: Mapping[tuple[str, str], int]
    kinds: Mapping[tuple[str, str], int]

    def bits(self, label: str, squeezed: str, left_out: int = 0) -> float:
        """Bits of a squeezed value of `label` as if it had been counted `left_out` times less."""
        model = model_of(label, squeezed)
        own = Counter(_grams(squeezed))
        contexts: Counter[str] = Counter()
        for gram, times in own.items():
            contexts[gram[:-1]] += times
        uniform = 1 / (_DIGITS if model.endswith("9") else _CHARACTERS)
        total, chance = 0.0, 1.0
        for gram in _grams(squeezed):
            if len(gram) == 1:
                total -= log2(chance)
                chance = uniform
            count = self.grams.get((model, gram), 0) - left_out * own[gram]
            seen = self.totals.get((model, gram[:-1]), 0) - left_out * contexts[gram[:-1]]
            if seen > 0:
                kinds = self.kinds[model, gram[:-1]]
                chance = (max(count, 0) + kinds * chance) / (seen + kinds)
        total -= log2(chance)
        # A model that expects a number less than chance does has seen too little; fewer bits are the safe side.
        return min(total, len(squeezed) * log2(_DIGITS)) if model.endswith("9") else total


def model_of(label: str, squeezed: str) -> str:
    """Under which model the values of a label are counted: numbers apart from texts."""
    return f"{label} {'9' if squeezed.isdecimal() else 'a'}"


def _grams(squeezed: str) -> Iterator[str]:
    """Each character with the shorter to the longer of its contexts; a text's end counts as a character."""
    written = squeezed if squeezed.isdecimal() else squeezed + _END
    padded = _BEGIN * _BEFORE + written
    for at in range(_BEFORE, len(padded)):
        for before in range(_BEFORE + 1):
            yield padded[at - before : at + 1]
