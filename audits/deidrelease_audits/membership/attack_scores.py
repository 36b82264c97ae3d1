"""What both membership attacks know of each patient: 28 bytes, whatever the patient's notes amount to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

GRAIN = 1 << 16
"""Parts of a nat. Sums of whole numbers are the same in every order; sums of floats are not."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class AttackScores:
    """Of every patient seen the words, what context gained on them, and the nearest synthetic note.

    Attributes:
        patients: Keyed numbers, sorted, each once; (n,) uint64.
        words: In all of the patient's notes; (n,) int64.
        gained: Nats, times `GRAIN`, summed over those words; (n,) int64.
        nearest: Largest containment of a note in one synthetic note, in millionths; (n,) int32.
    """

    patients: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    words: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    gained: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    nearest: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    @classmethod
    def of(
        cls,
        patients: Sequence[int],
        words: NDArray[np.int64],
        gained: NDArray[np.int64],
        nearest: NDArray[np.float64],
    ) -> Self:
        """From one row a note, in any order; `nearest` as a share from 0 to 1."""
        numbers = np.array(patients, np.uint64)
        return cls._summed(numbers, words, gained, np.rint(nearest * MILLION).astype(np.int32))

    @classmethod
    def _summed(
        cls,
        numbers: NDArray[np.uint64],
        words: NDArray[np.int64],
        gained: NDArray[np.int64],
        nearest: NDArray[np.int32],
    ) -> Self:
        patients, whose = np.unique(numbers, return_inverse=True)
        sums = np.zeros((2, len(patients)), np.int64)
        np.add.at(sums[0], whose, words)
        np.add.at(sums[1], whose, gained)
        largest = np.zeros(len(patients), np.int32)
        np.maximum.at(largest, whose, nearest)
        return cls(patients, sums[0], sums[1], largest)

    def __add__(self, other: Self) -> Self:
        """Sums of words and nats, and the larger containment, of each patient."""
        return self._summed(
            np.concatenate([self.patients, other.patients]),
            np.concatenate([self.words, other.words]),
            np.concatenate([self.gained, other.gained]),
            np.concatenate([self.nearest, other.nearest]),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AttackScores):
            return NotImplemented
        mine, theirs = self._columns(), other._columns()
        return all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        """Patients seen."""
        return len(self.patients)

    def gain(self) -> NDArray[np.float64]:
        """Nats gained a word; (n,); 0 for a patient without words."""
        return self.gained / GRAIN / np.maximum(self.words, 1)

    def containment(self) -> NDArray[np.float64]:
        """Of the nearest synthetic note; (n,), 0 to 1."""
        return self.nearest / MILLION

    def _columns(self) -> tuple[NDArray[np.generic], ...]:
        return self.patients, self.words, self.gained, self.nearest
