"""How many bits it takes to write a value of some group: a character model of the group's values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.character_grams import GramCounts

_CHARACTERS = 256
"""What an unseen character is drawn from; more would only raise the bits, and fewer bits are the safe side."""


@dataclass(frozen=True, slots=True, eq=False)
class CharacterModel:
    """Characters given the two before them; see `character_grams`.

    Where a value ends is not modelled: a chance that more than the value shares is the larger one, and all numbers of a
    sort have one length.

    Attributes:
        seen: In the values of the group.
    """

    seen: GramCounts

    @classmethod
    def of(cls, values: Mapping[str, int]) -> Self:
        """Fitted on values and how often each counts."""
        return cls(GramCounts.of(list(values), list(values.values())))

    def bits(self, value: str, left_out: int = 0) -> float:
        """Bits of `value` as if it had been counted `left_out` times less."""
        return float(self.bits_of([value], [left_out])[0])

    def bits_of(self, values: Sequence[str], left_out: Sequence[int]) -> NDArray[np.float64]:
        """The same of many values; (n_values,)."""
        return self.seen.bits(values, left_out, _CHARACTERS)
