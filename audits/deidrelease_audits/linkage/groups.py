"""The chance that a note of another patient holds one given value, group by group.

A character model gives the bits of a value, its own holders left out. The model is not taken on trust: its figure is
multiplied by the largest factor by which it is seen to err, at any rarity, on pairs of different private patients and
on hold-out values that stand in the release.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.linkage.bits import CharacterModel
from deidrelease_audits.statistics import clopper_pearson_highs, poisson_bounds


@dataclass(frozen=True, slots=True, eq=False)
class GroupNull:
    """The chance that a note of another patient holds a given value of one group.

    Attributes:
        model: Of how values of the group are written.
        each: Values a patient, on average.
        inflation: Factor by which the model was seen to err; at least 1.
        bits: Of the values of the sample, ascending; (n,).
        shared: Of those that two different patients hold, once for each pair of patients, ascending; (m,).
        others: Patients of the sample besides a value's own.
        chances: Of values that were looked at together; any other is looked at when it is asked for.
    """

    model: CharacterModel
    each: float
    inflation: float
    bits: NDArray[np.float64]
    shared: NDArray[np.float64]
    others: int
    chances: Mapping[str, float] = field(default_factory=dict)

    def chance(self, value: str) -> float:
        """An upper bound of the chance that a note of another patient holds `value`.

        The model's, inflated; or what was seen to happen to values of at most so many bits, with its upper bound, where
        that is less: a value of more bits is not shared more often.
        """
        return self.chances[value] if value in self.chances else self._of_all([self.model.bits(value)])[0]

    def knowing(self, bits: Mapping[str, float]) -> Self:
        """The same, with the chances of values of so many bits at hand."""
        return replace(
            self, chances={**self.chances, **dict(zip(bits, self._of_all(list(bits.values())), strict=True))}
        )

    def knowing_all(self, values: Iterable[str]) -> Self:
        """The same, with the chances of `values` at hand."""
        new = sorted(set(values) - self.chances.keys())
        return self.knowing(dict(zip(new, self.model.bits_of(new, [0] * len(new)).tolist(), strict=True)))

    def _of_all(self, bits: Sequence[float]) -> list[float]:
        seen = np.searchsorted(self.shared, bits, side="right").tolist()
        looked = (np.searchsorted(self.bits, bits, side="right") * self.others // 2).tolist()
        bounds = _uppers(list(zip(map(min, seen, looked), looked, strict=True)))
        return [self._bounded(*one) for one in zip(bits, bounds, strict=True)]

    def _bounded(self, bits: float, bound: float) -> float:
        model = min(1.0, self.each * float(2.0**-bits))
        # A model without a bound is no model: nothing times infinity must not be taken for nothing.
        inflated = model * self.inflation if isfinite(self.inflation) else inf
        return max(model, min(inflated, bound))


def group_nulls(
    held: Mapping[int, Mapping[str, str]],
    collided: Iterable[tuple[str, str]],
    strays: Iterable[tuple[str, str, int]],
    looked: float,
) -> dict[str, GroupNull]:
    """The null of every group in the sample.

    Args:
        held: For each patient of the sample the values, and the group of each.
        collided: Value and group, for every two strangers that share a value.
        strays: Rare hold-out values in the release: value, group and the number of synthetic notes that hold it.
        looked: Synthetic notes times hold-out patients over patients of the sample.
    """
    times: dict[str, Counter[str]] = defaultdict(Counter)
    for values in held.values():
        for value, group in values.items():
            times[group][value] += 1
    ours: dict[str, list[str]] = defaultdict(list)
    theirs: dict[str, list[str]] = defaultdict(list)
    for value, group in collided:
        ours[group].append(value)
    for value, group, notes in strays:
        theirs[group] += [value] * notes
    return {group: _null(times[group], ours[group], theirs[group], len(held), looked) for group in sorted(times)}


def _null(
    times: Counter[str], collided: Sequence[str], strays: Sequence[str], patients: int, looked: float
) -> GroupNull:
    model = CharacterModel.of(times)
    values, counts = list(times), list(times.values())
    known = dict(zip(values, model.bits_of(values, counts).tolist(), strict=True))
    bits = np.sort([known[value] for value in times.elements()])
    shared, stray = _bits(model, known, collided), _bits(model, known, strays)
    each = len(bits) / patients
    factors = _inflation(shared, bits, each * (patients - 1) / 2), _inflation(stray, bits, each * looked)
    return GroupNull(model, each, max(factors), bits, shared, patients - 1).knowing(known)


def _bits(model: CharacterModel, known: Mapping[str, float], values: Sequence[str]) -> NDArray[np.float64]:
    new = sorted(set(values) - known.keys())
    bits = {**known, **dict(zip(new, model.bits_of(new, [0] * len(new)).tolist(), strict=True))}
    return np.sort(np.array([bits[value] for value in values], np.float64))


def _inflation(seen: NDArray[np.float64], bits: NDArray[np.float64], weight: float) -> float:
    """The largest ratio of matches seen (upper bound) to those expected, of values of at least so many bits."""
    factor = 1.0
    for place, least in enumerate(seen):
        expected = weight * float(np.exp2(-bits[bits >= least - 1e-9]).sum())
        factor = max(factor, poisson_bounds(len(seen) - place)[1] / expected if expected > 0 else inf)
    return factor


def _uppers(shares: Sequence[tuple[int, int]]) -> list[float]:
    """The upper bound of each share, of pairs seen and looked at; 1 where nothing was looked at."""
    some = [share for share in dict.fromkeys(shares) if share[1]]
    bounds = dict(zip(some, clopper_pearson_highs(*np.array(some, np.int64).reshape(-1, 2).T).tolist(), strict=True))
    return [bounds.get(share, 1.0) for share in shares]
