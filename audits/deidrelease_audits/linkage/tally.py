"""What a scan for linkage keeps: of the values that stand in the release who holds them, and a sample of patients.

Rarity is known only when every shard was seen, so nothing is judged here. For each value found it keeps the holders
with the smallest keyed numbers, one more than rarity allows: a patient among the smallest of the whole is among the
smallest of every part, so sums do not depend on order or grouping. The same holds for the sample of patients on whose
pairs the null is fitted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.linkage.held import is_beside

PrivateArm = Literal["train", "holdout"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Holding:
    """How one patient holds a value.

    Attributes:
        arm: Where; `train` if in both.
        groups: See `Held.group`; those under which the patient's own values stand, all where there are none.
        own: Whether any mention may link.
        strong: Whether every mention of the patient's own is strong, see `Held.strong`.
        told: See `Held.told`.
        place: The first of the places: note id, start, end.
    """

    arm: PrivateArm
    groups: frozenset[str]
    own: bool
    strong: bool
    told: str
    place: tuple[str, int, int]

    def __add__(self, other: Self) -> Self:
        """One patient, seen twice."""
        arm: PrivateArm = "train" if "train" in (self.arm, other.arm) else "holdout"
        place = min(self.place, other.place)
        if self.own != other.own:
            ours = self if self.own else other
            return type(self)(arm, ours.groups, ours.own, ours.strong, ours.told, place)
        told = min(self.told, other.told)
        return type(self)(arm, self.groups | other.groups, self.own, self.strong and other.strong, told, place)

    @property
    def group(self) -> str:
        """Of several groups the first that stands beside a provider, else the first."""
        # Nearly always there is but one, and this is asked for every pair.
        return next(iter(self.groups)) if len(self.groups) == 1 else one_group(self.groups)


Holders = Mapping[int, Holding]
"""By keyed patient number."""


@dataclass(frozen=True, slots=True, eq=False)
class PatientSums:
    """A number for each patient; tallies add by adding it up.

    Attributes:
        patients: Keyed numbers, sorted, each once; (n,) uint64.
        values: (n,) int64.
    """

    patients: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    values: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, patients: Iterable[int], values: Iterable[int]) -> Self:
        """From one patient and number at a time; a patient may come often."""
        return cls._summed(np.array(list(patients), np.uint64), np.array(list(values), np.int64))

    def __add__(self, other: Self) -> Self:
        """The sum for each patient."""
        both = np.concatenate([self.patients, other.patients]), np.concatenate([self.values, other.values])
        return self._summed(*both)

    @classmethod
    def _summed(cls, patients: NDArray[np.uint64], values: NDArray[np.int64]) -> Self:
        once, inverse = np.unique(patients, return_inverse=True)
        sums = np.zeros(len(once), np.int64)
        np.add.at(sums, inverse, values)
        return cls(once, sums)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PatientSums):
            return NotImplemented
        return np.array_equal(self.patients, other.patients) and np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        """Patients."""
        return len(self.patients)


@dataclass(frozen=True, slots=True, eq=False)
class HeldItems:
    """Which patient has which of the quasi-identifying items that stand in the release; sixteen bytes each.

    Attributes:
        pairs: Rows of keyed patient number and item number, sorted, each once; (n, 2) uint64.
        items: For each item number its kind and its text.
    """

    pairs: NDArray[np.uint64] = field(default_factory=lambda: np.empty((0, 2), np.uint64))
    items: Mapping[int, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]], items: Mapping[int, tuple[str, str]]) -> Self:
        """From pairs in any order, which may come often."""
        return cls(np.array(sorted(set(pairs)), np.uint64).reshape(-1, 2), items)

    def __add__(self, other: Self) -> Self:
        """The union."""
        rows = np.concatenate([self.pairs, other.pairs])
        rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
        new = np.append(True, (rows[1:] != rows[:-1]).any(axis=1)) if len(rows) else np.empty(0, bool)
        return type(self)(rows[new], {**self.items, **other.items})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HeldItems):
            return NotImplemented
        return np.array_equal(self.pairs, other.pairs) and self.items == other.items

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class LinkageTally:
    """What scans for linkage add up; it holds private text and stays in memory.

    Attributes:
        most: Holders kept a value.
        sampled: Patients kept in the sample.
        values: Own values of train, counted note by note.
        train: Strong values of each train patient, counted note by note, so at least as many as distinct ones.
        holdout: The same for the hold-out.
        holders: Of each value that stands in the release, at most `most`: those of the smallest numbers.
        items: For combinations.
        sample: Strong values, as told and with their group, of the patients of the smallest numbers in both arms.
    """

    most: int
    sampled: int
    values: int = 0
    train: PatientSums = field(default_factory=PatientSums)
    holdout: PatientSums = field(default_factory=PatientSums)
    holders: Mapping[str, Holders] = field(default_factory=dict)
    items: HeldItems = field(default_factory=HeldItems)
    sample: Mapping[int, frozenset[tuple[str, str]]] = field(default_factory=dict)

    def __add__(self, other: Self) -> Self:
        """Both together."""
        holders = dict(self.holders)
        for value, theirs in other.holders.items():
            holders[value] = joined(holders[value], theirs, self.most) if value in holders else theirs
        sample = dict(self.sample)
        for patient, values in other.sample.items():
            sample[patient] = sample.get(patient, frozenset()) | values
        return type(self)(
            self.most,
            self.sampled,
            self.values + other.values,
            self.train + other.train,
            self.holdout + other.holdout,
            holders,
            self.items + other.items,
            smallest(sample, self.sampled),
        )


def one_group(groups: Iterable[str]) -> str:
    """The one of `groups` that says least: the first that stands beside a provider, else the first."""
    return min(groups, key=lambda group: (not is_beside(group), group))


def joined(first: Holders, second: Holders, most: int) -> Holders:
    """The holders of both, of which the `most` with the smallest numbers stay."""
    both = dict(first)
    for patient, holding in second.items():
        both[patient] = both[patient] + holding if patient in both else holding
    return smallest(both, most)


def smallest(by_patient: Mapping[int, T], most: int) -> dict[int, T]:
    """The `most` entries of the smallest keys; keyed numbers are uniform, so that is a fair sample."""
    return {patient: by_patient[patient] for patient in sorted(by_patient)[:most]}
