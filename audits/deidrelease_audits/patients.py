"""What was seen of each patient, in twelve bytes each: the tallies of most audits.

Patients are the unit that is drawn into train and hold-out. A patient's notes may lie in different shards, so a tally
keeps one number for each patient, the largest seen, and two tallies add by taking the larger one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease.keys import SiteKey


def patient_number(key: SiteKey, patient_id: str) -> int:
    """A patient's keyed 64-bit number: the same in all shards and audits of a site, and no one's elsewhere."""
    return key.number("patient", patient_id)


@dataclass(frozen=True, slots=True, eq=False)
class PatientMaxima:
    """For every patient seen the largest value seen.

    Attributes:
        patients: Keyed numbers, sorted, each once; (n,) uint64.
        values: (n,) int32.
    """

    patients: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    values: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    @classmethod
    def of(cls, seen: Iterable[tuple[int, int]]) -> Self:
        """From pairs of patient number and value, in any order; a patient may come often."""
        largest: dict[int, int] = {}
        for patient, value in seen:
            largest[patient] = max(value, largest.get(patient, value))
        return cls.from_mapping(largest)

    @classmethod
    def from_mapping(cls, values: Mapping[int, int]) -> Self:
        """From one value a patient."""
        patients = sorted(values)
        return cls(np.array(patients, np.uint64), np.array([values[p] for p in patients], np.int32))

    def __add__(self, other: Self) -> Self:
        """The larger value of each patient."""
        if len(self.patients) == 0 or len(other.patients) == 0:
            return other if len(self.patients) == 0 else self
        patients = np.concatenate([self.patients, other.patients])
        # Two sorted runs: a stable sort merges them in one pass.
        order = np.argsort(patients, kind="stable")
        patients = patients[order]
        firsts = np.flatnonzero(np.append(True, patients[1:] != patients[:-1]))
        values = np.concatenate([self.values, other.values])[order]
        return type(self)(patients[firsts], np.maximum.reduceat(values, firsts))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PatientMaxima):
            return NotImplemented
        return np.array_equal(self.patients, other.patients) and np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        """Patients seen."""
        return len(self.patients)

    def reaching(self, least: int) -> int:
        """How many patients have a value of at least `least`."""
        return int((self.values >= least).sum())


@dataclass(frozen=True, slots=True)
class BothArms:
    """The maxima of train and of the hold-out, side by side."""

    train: PatientMaxima = field(default_factory=PatientMaxima)
    holdout: PatientMaxima = field(default_factory=PatientMaxima)

    def __add__(self, other: Self) -> Self:
        """Arm by arm."""
        return type(self)(self.train + other.train, self.holdout + other.holdout)
