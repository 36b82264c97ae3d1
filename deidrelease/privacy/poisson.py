"""Coins of a private training: who takes part in a step, and with which of their words.

They never come from the run's seed: the seed stands in receipts, which leave the site, and whoever knows the coins of a
training has not the privacy that sampling gives. Each attempt gets a fresh key from the operating system; every draw is
SHAKE-256 of key, purpose and place, a cryptographic function, so that no draw tells anything of another.
"""

import hashlib
import os
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

KEY_BYTES = 32
_WORD_BITS = 64


@dataclass(frozen=True, slots=True)
class Coins:
    """A source of coins; the same place under one key always falls the same way.

    Attributes:
        key: Secret, of 32 bytes, for one attempt; never stored, never printed.
    """

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES:
            raise ValueError(f"coins need a key of {KEY_BYTES} bytes")

    @classmethod
    def fresh(cls) -> "Coins":
        """Coins that nobody has seen; a resumed training takes new ones."""
        return cls(os.urandom(KEY_BYTES))

    def words(self, purpose: str, place: tuple[int, ...], count: int) -> NDArray[np.uint64]:
        """`count` even 64-bit numbers for `place`; another purpose or place gives independent ones."""
        label = f"{purpose}:{','.join(map(str, place))}:".encode()
        stream = hashlib.shake_256(self.key + label).digest(count * _WORD_BITS // 8)
        return np.frombuffer(stream, dtype="<u8")

    def below(self, bound: int, purpose: str, *place: int) -> int:
        """An even draw from `range(bound)`; 128 bits make the rest of the division less than 2^-64.

        Raises:
            ValueError: There is nothing to draw from.
        """
        if bound < 1:
            raise ValueError("there is nothing to draw from")
        high, low = (int(word) for word in self.words(purpose, place, 2))
        return ((high << _WORD_BITS) | low) % bound

    def window(self, length: int, size: int, *place: int) -> tuple[int, int]:
        """A stretch of at most `size` of `length` tokens, half-open; every possible start is equally likely."""
        if size < 1:
            raise ValueError("a window has a token at least")
        if length <= size:
            return 0, length
        start = self.below(length - size + 1, "window", *place)
        return start, start + size


@dataclass(slots=True)
class PoissonBatches:
    """Poisson sampling: in every step each unit takes part by a coin of its own, whatever the others do.

    Steps have to come in rising order, since a step drawn twice would use its coins twice.

    Attributes:
        coins: Of this attempt.
        units: How many there are.
        rate: Chance of each to take part.
        last: The step drawn last; -1 before the first.
    """

    coins: Coins
    units: int
    rate: float
    last: int = -1

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ValueError("there is no unit to sample from")
        if not 0 < self.rate <= 1:
            raise ValueError("a sampling rate lies above 0 and at most at 1")

    def batch(self, step: int) -> NDArray[np.int64]:
        """Indices of the units of `step`, in rising order; it may well be empty.

        The chance is `rate` rounded down to a multiple of 2^-64, never above what is accounted for.

        Raises:
            ValueError: The step is not later than the one before.
        """
        if step <= self.last:
            raise ValueError("a step's coins are thrown once: steps have to come in rising order")
        self.last = step
        if self.rate == 1:
            return np.arange(self.units, dtype=np.int64)
        threshold = np.uint64(int(self.rate * 2**_WORD_BITS))
        return np.flatnonzero(self.coins.words("poisson", (step,), self.units) < threshold)
