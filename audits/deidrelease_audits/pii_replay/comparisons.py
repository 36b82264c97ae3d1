"""More unique values of train than of the hold-out? Class by class, and all together weighed by their bits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from deidrelease.results import Estimate
from deidrelease_audits.pii_replay.evidence import Unique
from deidrelease_audits.statistics import holm, hypergeometric_p, poisson_bounds

_DRAWS = 20_000
POOLED = "all classes, weighed by bits"


@dataclass(frozen=True, slots=True)
class Tests:
    """What the tests gave.

    Attributes:
        raw: Class to p; among them `POOLED`.
        adjusted: The same after Holm.
    """

    raw: Mapping[str, float]
    adjusted: Mapping[str, float]

    @property
    def p_value(self) -> float:
        """The smallest after adjustment; 1 where nothing was found to test."""
        return min(self.adjusted.values(), default=1.0)

    def flagged(self, level: float) -> list[str]:
        """Classes whose own adjusted p is at most `level`."""
        return sorted(name for name, p in self.adjusted.items() if p <= level and name != POOLED)


def tests_of(uniques: Sequence[Unique], weights: Mapping[Unique, float], sizes: tuple[int, int], seed: int) -> Tests:
    """Fisher's exact test of the patients of each label, and a permutation test of the weights of all.

    Args:
        uniques: Found values of both arms that can be a patient's own.
        weights: Of each, such as its bits beyond what chance explains.
        sizes: Patients of train and of the hold-out.
        seed: Of the permutations.
    """
    raw = {}
    for label in sorted({one.label for one in uniques}):
        patients = {(one.arm, one.patient) for one in uniques if one.label == label}
        train = sum(arm == "train" for arm, _ in patients)
        raw[label] = hypergeometric_p(train, sizes[0], len(patients) - train, sizes[1])
    if raw:
        raw[POOLED] = permutation_p(_sums(uniques, weights, "train"), _sums(uniques, weights, "holdout"), sizes, seed)
    return Tests(raw, holm(raw))


def permutation_p(
    train: Sequence[float], holdout: Sequence[float], sizes: tuple[int, int], seed: int, draws: int = _DRAWS
) -> float:
    """One-sided p of train patients' sum being so large, if the split of the patients was a fair draw.

    Patients that are not listed have 0. Pitman 1937; the draw itself counts among the permutations (Phipson and Smyth
    2010, Statistical Applications in Genetics and Molecular Biology 9).
    """
    values = np.array([*train, *holdout], np.float64)
    rng = np.random.default_rng(seed)
    in_train = np.zeros(draws, np.int64)
    sums = np.zeros(draws)
    for place, value in enumerate(values):
        chosen = rng.random(draws) < (sizes[0] - in_train) / (sum(sizes) - place)
        in_train += chosen
        sums += value * chosen
    observed = sum(train)
    return float((1 + (sums >= observed - 1e-9 * max(1.0, observed)).sum()) / (draws + 1))


def excess(uniques: Sequence[Unique], sizes: tuple[int, int], confidence: float = 0.95) -> Estimate:
    """Distinct values of train minus those of the hold-out scaled to train's size.

    Poisson bounds per arm (Garwood 1936), widened by the square root of the overdispersion between patients, joined by
    square-and-add (Newcombe 1998; Zou and Donner 2008).
    """
    scale = sizes[0] / sizes[1]
    train, holdout = (_counts(uniques, arm) for arm in ("train", "holdout"))
    spread = sqrt(
        max(1.0, *(_overdispersion(counts, size) for counts, size in ((train, sizes[0]), (holdout, sizes[1]))))
    )
    found = sum(train), sum(holdout)
    (train_low, train_high), (control_low, control_high) = (poisson_bounds(count, confidence) for count in found)
    value = found[0] - scale * found[1]
    low = value - spread * sqrt((found[0] - train_low) ** 2 + (scale * (control_high - found[1])) ** 2)
    high = value + spread * sqrt((train_high - found[0]) ** 2 + (scale * (found[1] - control_low)) ** 2)
    method = "difference of counts, Poisson bounds (Garwood 1936) with overdispersion, square-and-add (Newcombe 1998)"
    return Estimate(value, low, high, confidence, sum(sizes), method)


def patients_of(uniques: Sequence[Unique], arm: str) -> int:
    """How many patients of `arm` hold any of `uniques`."""
    return len({one.patient for one in uniques if one.arm == arm})


def _sums(uniques: Sequence[Unique], weights: Mapping[Unique, float], arm: str) -> list[float]:
    sums: dict[int, float] = {}
    for one in uniques:
        if one.arm == arm:
            sums[one.patient] = sums.get(one.patient, 0.0) + weights[one]
    return [sums[patient] for patient in sorted(sums)]


def _counts(uniques: Sequence[Unique], arm: str) -> list[int]:
    counts: dict[int, int] = {}
    for one in uniques:
        if one.arm == arm:
            counts[one.patient] = counts.get(one.patient, 0) + 1
    return sorted(counts.values())


def _overdispersion(counts: Sequence[int], size: int) -> float:
    """Variance over mean of the counts of all `size` patients, those with none included."""
    mean = sum(counts) / size
    return 1.0 if mean == 0 else (sum(count * count for count in counts) / size - mean * mean) / mean
