"""How improbable it is that two values of one patient meet by chance in the note of another.

The null: the note belongs to somebody else, and holds each of the two values independently. Only strong values count,
and never two that both stand beside a provider. Where different private patients share two values together that the
null calls surprising, that pair of groups is refuted and is evidence of nothing. What is told is not the chance of a
pair by itself but how many pairs at least as improbable are expected in all that was searched.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.linkage.groups import GroupNull, group_nulls
from deidrelease_audits.linkage.held import is_beside, one_value
from deidrelease_audits.linkage.incidents import Found, Incident
from deidrelease_audits.linkage.tally import one_group

DECISIVE = 1e-6
"""Expected chance matches, at least as improbable, in all that was searched: below, one match needs no crowd."""
SURPRISING = 0.05
"""Expected matches below which one between different patients says that the null is wrong for its sort."""

GroupPair = tuple[str, str]
Held = Mapping[int, Mapping[str, str]]
"""For each patient of the sample the values, and the group of each."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What two different patients of the sample both hold.

    Attributes:
        one: Number of the first.
        other: Number of the second.
        values: Rare values that both hold.
    """

    one: int
    other: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Null:
    """The chance of pairs.

    Attributes:
        groups: The null of each group.
        patients: In the sample.
        tail: Chances of all pairs of values of one patient of the sample, ascending; (n_pairs,).
        sums: Their running sums.
        refuted: Pairs of groups that different patients share together more than the null allows.
        doubles: Pairs of patients that share two strong values of their own: one person, or one family.
    """

    groups: Mapping[str, GroupNull]
    patients: int
    tail: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    sums: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    refuted: frozenset[GroupPair] = frozenset()
    doubles: int = 0

    def chance(self, first: str, group: str, second: str, other: str) -> float:
        """An upper bound of the chance that a note of another patient holds both values; 1 where that is not known."""
        if (is_beside(group) and is_beside(other)) or not {group, other} <= self.groups.keys():
            return 1.0
        return self.groups[group].chance(first) * self.groups[other].chance(second)

    def expected(self, pair: tuple[Found, Found], notes: float) -> float:
        """How many pairs at least as improbable as `pair` chance gives; infinite where the null does not cover it.

        Args:
            pair: Of one patient.
            notes: Notes that were searched for each patient of the sample.
        """
        first, second = (found.holding for found in pair)
        covered = first.strong and second.strong and _ordered(first.group, second.group) not in self.refuted
        chance = self.chance(first.told, first.group, second.told, second.group) if covered else 1.0
        return self.beyond(chance) * notes if chance < 1 else float("inf")

    def knowing(self, incidents: Iterable[Incident]) -> "Null":
        """The same, with the chances of all values of `incidents` computed together: one by one takes far longer."""
        values = defaultdict(set)
        for found in (found for incident in incidents for pair in incident.pairs for found in pair):
            values[found.holding.group].add(found.holding.told)
        groups = {name: group.knowing_all(values[name]) for name, group in self.groups.items()}
        return replace(self, groups=groups)

    def beyond(self, chance: float) -> float:
        """The sum of the chances that are at most `chance`, and the chance itself for a pair that is in no sample."""
        below = int(np.searchsorted(self.tail, chance, side="right"))
        return chance + (float(self.sums[below - 1]) if below else 0.0)


def fit_null(
    sample: Mapping[int, frozenset[tuple[str, str]]], rare: int, strays: Sequence[tuple[str, str, int]], looked: float
) -> Null:
    """Fits the null on pairs of different patients and on hold-out values in the release.

    Args:
        sample: Strong values and groups of some patients, of both arms.
        rare: The most holders of a value that counts.
        strays: Rare hold-out values in the release: value, group and the number of synthetic notes that hold it.
        looked: Synthetic notes times hold-out patients over patients of the sample.
    """
    held = {patient: _by_value(values) for patient, values in sample.items()}
    shared = list(_shared(held, rare + 1))
    # Two patients who share two values of their own are one person or one family, not two strangers.
    doubles = [both for both in shared if sum(not is_beside(held[both.one][v]) for v in both.values) > 1]
    strangers = [both for both in shared if both not in doubles]
    collided = [(v, group) for both in strangers for v in both.values for group in _groups(held, both, v)]
    groups = group_nulls(held, collided, strays, looked)
    tail = np.sort(np.fromiter(_chances(Null(groups, len(held)), held), np.float64))
    null = Null(groups, len(held), tail, np.cumsum(tail), frozenset(), len(doubles))
    return Null(groups, len(held), tail, null.sums, frozenset(_refuted(null, held, shared)), len(doubles))


def refuted_by(null: Null, incidents: Iterable[Incident], notes: float) -> frozenset[GroupPair]:
    """Pairs of groups of `incidents`, of patients whom nothing saw, that the null calls surprising."""
    pairs = [pair for incident in incidents for pair in incident.pairs]
    return frozenset(
        _ordered(first.holding.group, second.holding.group)
        for first, second in pairs
        if null.expected((first, second), notes) < SURPRISING
    )


def _by_value(values: Iterable[tuple[str, str]]) -> dict[str, str]:
    groups = defaultdict(set)
    for value, group in values:
        groups[value].add(group)
    return {value: one_group(names) for value, names in sorted(groups.items())}


def _shared(held: Held, most: int) -> Iterator[Shared]:
    """What different patients share of values with at most `most` holders in the sample."""
    holders = defaultdict(list)
    for patient in sorted(held):
        for value in held[patient]:
            holders[value].append(patient)
    together = defaultdict(list)
    for value in sorted(holders):
        if len(holders[value]) <= most:
            for pair in combinations(holders[value], 2):
                together[pair].append(value)
    for (one, other), values in together.items():
        yield Shared(one, other, tuple(values))


def _groups(held: Held, both: Shared, value: str) -> set[str]:
    return {held[both.one][value], held[both.other][value]}


def _chances(null: Null, held: Held) -> Iterator[float]:
    for values in held.values():
        for (first, group), (second, other) in combinations(values.items(), 2):
            chance = null.chance(first, group, second, other)
            if chance < 1:
                yield chance


def _refuted(null: Null, held: Held, shared: Iterable[Shared]) -> Iterator[GroupPair]:
    """Pairs of groups in which two different patients share two values that should not have met."""
    for both in shared:
        for first, second in combinations(both.values, 2):
            if one_value(first, second):
                continue
            for patient in (both.one, both.other):
                group, other = held[patient][first], held[patient][second]
                if null.beyond(null.chance(first, group, second, other)) * (len(held) - 1) / 2 < SURPRISING:
                    yield _ordered(group, other)


def _ordered(first: str, second: str) -> GroupPair:
    return (first, second) if first <= second else (second, first)
