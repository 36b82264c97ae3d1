"""What a scan for replayed values keeps: what was found in the release, and a few sums about all that was searched.

Only found values are kept with their texts, so these are bounded by the release; of all others 16 bytes. They are
private and stay in memory. Every field adds up in any order and grouping.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.patients import BothArms
from deidrelease_audits.pii_replay.character_counts import CharacterCounts

MOST_HOLDERS = 2
"""A value of one patient can be a leak of it; of more it is enough to know that they are several."""
SAMPLE = 1024
"""Values of a label that are kept to see which of them different patients share."""


class _Adds(Protocol):
    def __add__(self, other: Any, /) -> Any: ...


Addable = TypeVar("Addable", bound=_Adds)
PrivateArm = Literal["train", "holdout"]
Mention = tuple[str, int, int]
"""Private note and code points."""


@dataclass(frozen=True, slots=True, eq=False)
class Owners:
    """Of every value searched, in any spelling and found or not, the least and the greatest number of its patients.

    A value that turns up in one shard may be held in another by somebody who writes it so that it does not: only both
    together tell whether it is one patient's alone. 16 bytes a distinct value. Of patients' numbers the upper half is
    enough: two patients share it with a chance of one in four thousand million.

    Attributes:
        values: Keyed numbers of squeezed values, sorted, each once; (n,) uint64.
        least: The smallest of those who hold it; (n,) uint32.
        most: The greatest; (n,) uint32.
    """

    values: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    least: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    most: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))

    @classmethod
    def of(cls, values: Sequence[int], patients: Sequence[int]) -> Self:
        """From the numbers of values and of those who hold them, pair by pair."""
        if not values:
            return cls()
        numbers, owners = (
            np.array(values, np.uint64),
            (np.array(patients, np.uint64) >> np.uint64(32)).astype(np.uint32),
        )
        order = np.argsort(numbers, kind="stable")
        numbers, owners = numbers[order], owners[order]
        first = np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1]))
        return cls(numbers[first], np.minimum.reduceat(owners, first), np.maximum.reduceat(owners, first))

    def __add__(self, other: Self) -> Self:
        """Of both. The smaller is put into the larger, which is not sorted anew: it may hold millions."""
        if len(other.values) > len(self.values):
            return other + self
        place = np.searchsorted(self.values, other.values)
        known = place < len(self.values)
        known[known] = self.values[place[known]] == other.values[known]
        least, most, at = self.least.copy(), self.most.copy(), place[known]
        least[at], most[at] = np.minimum(least[at], other.least[known]), np.maximum(most[at], other.most[known])
        new, before = ~known, place[~known]
        return type(self)(
            np.insert(self.values, before, other.values[new]),
            np.insert(least, before, other.least[new]),
            np.insert(most, before, other.most[new]),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Owners):
            return NotImplemented
        same = np.array_equal(self.values, other.values) and np.array_equal(self.least, other.least)
        return same and np.array_equal(self.most, other.most)

    __hash__ = None  # type: ignore[assignment]

    def is_of_one(self, value: int) -> bool:
        """Whether one patient of both arms alone holds a value that was searched."""
        place = int(np.searchsorted(self.values, np.uint64(value)))
        return bool(self.least[place] == self.most[place])


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds a value under one label in a spelling that was found, and where.

    Attributes:
        train: Keyed numbers of patients, ascending, at most the `MOST_HOLDERS` smallest.
        holdout: Alike.
        train_mention: The first mention in sorting order; None where train has none.
        holdout_mention: Alike.
        counted: How often the value counts in the character model.
    """

    train: tuple[int, ...] = ()
    holdout: tuple[int, ...] = ()
    train_mention: Mention | None = None
    holdout_mention: Mention | None = None
    counted: int = 0

    @classmethod
    def of(cls, arm: PrivateArm, mentions: Sequence[tuple[int, Mention]]) -> Self:
        """From the patients of `arm` who hold it, and where; one for each time that it counts."""
        patients = tuple(sorted({patient for patient, _ in mentions})[:MOST_HOLDERS])
        first = min(mention for _, mention in mentions)
        if arm == "train":
            return cls(train=patients, train_mention=first, counted=len(mentions))
        return cls(holdout=patients, holdout_mention=first, counted=len(mentions))

    def __add__(self, other: Self) -> Self:
        """All of both."""
        return type(self)(
            _smallest(self.train, other.train),
            _smallest(self.holdout, other.holdout),
            _first(self.train_mention, other.train_mention),
            _first(self.holdout_mention, other.holdout_mention),
            self.counted + other.counted,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A value, by its squeezed form, of which some spelling stands in the synthetic text.

    Attributes:
        exact: Its spellings that stand there exactly.
        spellings: Those that stand there in another way.
        kinds: In which ways.
        holders: Label to who holds it in one of these spellings.
        number: Its keyed number, as `Owners` has it.
    """

    exact: frozenset[str] = frozenset()
    spellings: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    holders: Mapping[str, Holders] = field(default_factory=dict)
    number: int = 0

    def __add__(self, other: Self) -> Self:
        """What either saw."""
        holders = added_by_key(self.holders, other.holders)
        exact, spellings = _union(self.exact, other.exact), _union(self.spellings, other.spellings)
        return type(self)(exact, spellings, _union(self.kinds, other.kinds), holders, self.number)


@dataclass(frozen=True, slots=True)
class Sample:
    """Values with the smallest keyed numbers of a label, each with up to two of its patients.

    A bottom-k sketch (Cohen and Kaplan 2007, PODC): which values are in it depends on their numbers alone.

    Attributes:
        values: Number to squeezed value and the smallest keyed numbers of its patients.
    """

    values: Mapping[int, tuple[str, tuple[int, ...]]] = field(default_factory=dict)

    def __add__(self, other: Self) -> Self:
        """The smallest of both."""
        numbers = sorted(self.values.keys() | other.values.keys())[:SAMPLE]
        return type(self)({number: _shared(self.values.get(number), other.values.get(number)) for number in numbers})


@dataclass(frozen=True, slots=True)
class ReplayTally:
    """The whole tally.

    Attributes:
        found: Squeezed value to what is known of it.
        patients: Everyone seen, by arm; the values mean nothing.
        of_label: Everyone who holds a value of a label.
        searched: Label and arm to how many values were searched, each once a note.
        characters: For the models of the classes.
        samples: Label to sample.
        owners: Of every value.
    """

    found: Mapping[str, Found] = field(default_factory=dict)
    patients: BothArms = field(default_factory=BothArms)
    of_label: Mapping[str, BothArms] = field(default_factory=dict)
    searched: Mapping[tuple[str, str], int] = field(default_factory=dict)
    characters: CharacterCounts = field(default_factory=CharacterCounts)
    samples: Mapping[str, Sample] = field(default_factory=dict)
    owners: Owners = field(default_factory=Owners)

    def __add__(self, other: Self) -> Self:
        """Both together."""
        return type(self)(
            added_by_key(self.found, other.found),
            self.patients + other.patients,
            added_by_key(self.of_label, other.of_label),
            dict(Counter(self.searched) + Counter(other.searched)),
            self.characters + other.characters,
            added_by_key(self.samples, other.samples),
            self.owners + other.owners,
        )


def added_by_key(left: Mapping[str, Addable], right: Mapping[str, Addable]) -> dict[str, Addable]:
    """Both mappings, sums where both have a key; keys in sorting order, so that equal sums are equal to the byte."""
    keys = sorted(left.keys() | right.keys())
    return {
        key: left[key] + right[key] if key in left and key in right else (left if key in left else right)[key]
        for key in keys
    }


def _union(left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
    """Of both; one of the two objects where it holds the other, as a set takes more memory than what is in it."""
    if right <= left:
        return left
    return right if left <= right else left | right


def _smallest(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    if not left or not right:
        return left or right
    return tuple(sorted({*left, *right})[:MOST_HOLDERS])


def _first(left: Mention | None, right: Mention | None) -> Mention | None:
    return min((mention for mention in (left, right) if mention is not None), default=None)


def _shared(
    left: tuple[str, tuple[int, ...]] | None, right: tuple[str, tuple[int, ...]] | None
) -> tuple[str, tuple[int, ...]]:
    if left is not None and right is not None:
        return left[0], tuple(sorted({*left[1], *right[1]})[:2])
    one = left or right
    if one is None:
        raise ValueError("a number of neither sample")
    return one
