"""How improbable a value is: a character model of its class, fitted on all private mentions of both arms.

Numbers and texts of one label are modelled apart. A number's model is given its length, because chance is counted over
the windows of that length; a text's model has to write its end as well.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log2
from typing import Self

from deidrelease_audits.character_grams import GramCounts

_END = "\x03"
_DIGITS, _CHARACTERS = 10, 40
"""What an unseen character is drawn from; more would only raise the bits, and fewer bits are the safe side."""

Asked = tuple[str, str, int]
"""Label, squeezed value, and how many times less it is to have been counted."""


@dataclass(frozen=True, slots=True)
class CharacterCounts:
    """How often each character stood behind each context of 0 to 2 characters.

    Attributes:
        grams: Model to its counts; a model is a label and `9` or `a`.
        values: Model to how many values were counted.
    """

    grams: Mapping[str, GramCounts] = field(default_factory=dict)
    values: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, seen: Mapping[tuple[str, str], int]) -> Self:
        """From pairs of label and squeezed value, and how often each counts."""
        values: dict[str, dict[str, int]] = {}
        for (label, squeezed), times in seen.items():
            values.setdefault(model_of(label, squeezed), {})[_written(squeezed)] = times
        grams = {model: GramCounts.of(list(those), list(those.values())) for model, those in sorted(values.items())}
        return cls(grams, {model: sum(values[model].values()) for model in grams})

    def __add__(self, other: Self) -> Self:
        """Both counts together."""
        grams = dict(self.grams)
        for model, theirs in other.grams.items():
            grams[model] = grams[model] + theirs if model in grams else theirs
        values = Counter(self.values) + Counter(other.values)
        return type(self)({model: grams[model] for model in sorted(grams)}, {m: values[m] for m in sorted(values)})

    def bits(self, asked: Iterable[Asked]) -> dict[Asked, float]:
        """Bits of every value by the model of its class."""
        of_model: dict[str, list[Asked]] = {}
        for one in dict.fromkeys(asked):
            of_model.setdefault(model_of(one[0], one[1]), []).append(one)
        found = {}
        for model, those in of_model.items():
            is_number = model.endswith("9")
            characters = _DIGITS if is_number else _CHARACTERS
            written, left_out = [_written(one[1]) for one in those], [one[2] for one in those]
            bits = self.grams.get(model, GramCounts()).bits(written, left_out, characters).tolist()
            for one, given in zip(those, bits, strict=True):
                # A model that expects a number less than chance does has seen too little; fewer bits are the safe side.
                found[one] = min(given, len(one[1]) * log2(_DIGITS)) if is_number else given
        return found


def model_of(label: str, squeezed: str) -> str:
    """Under which model the values of a label are counted: numbers apart from texts."""
    return f"{label} {'9' if squeezed.isdecimal() else 'a'}"


def _written(squeezed: str) -> str:
    """What a model writes: of a text its end as well."""
    return squeezed if squeezed.isdecimal() else squeezed + _END
