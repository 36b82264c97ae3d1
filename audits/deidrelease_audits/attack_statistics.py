"""How well an attack's scores tell members from others: p-value, power, and the rate at few false alarms."""

from math import ceil, erfc, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from deidrelease.results import Estimate
from deidrelease_audits.statistics import auc, clopper_pearson, patient_bootstrap

Scores = NDArray[np.float64]


def mann_whitney_p(train: Scores, holdout: Scores) -> float:
    """One-sided p of train scores this much above the hold-out's, if the split of patients was a fair draw.

    Normal approximation of the rank-sum test with correction for ties and for continuity (Mann and Whitney 1947;
    Lehmann 1975, Nonparametrics, section 1.4). 1 where all scores are equal.

    Raises:
        ValueError: An arm is empty.
    """
    n, m = len(train), len(holdout)
    excess = (auc(train, holdout) - 0.5) * n * m
    _, ties = np.unique(np.concatenate([train, holdout]), return_counts=True)
    total = n + m
    tied = float((ties.astype(float) ** 3 - ties).sum())
    variance = n * m / 12 * (total + 1 - tied / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    return 0.5 * erfc((excess - 0.5) / sqrt(2 * variance))


def detectable_auc(train_n: int, holdout_n: int, alpha: float, power: float) -> float:
    """The AUC that the rank-sum test at one-sided level `alpha` finds with chance `power`.

    From the null variance of the AUC, (n + m + 1) / (12 n m) (Mann and Whitney 1947; Noether 1987, JASA 82). At most 1.
    """
    if train_n == 0 or holdout_n == 0:
        return 1.0
    spread = sqrt((train_n + holdout_n + 1) / (12 * train_n * holdout_n))
    return min(1.0, 0.5 + _deviates(alpha, power) * spread)


def needed_holdout(train_n: int, auc_asked: float, alpha: float, power: float) -> int | None:
    """How many hold-out patients let `detectable_auc` reach `auc_asked`; None where no number of them does."""
    squared = 12 * train_n * ((auc_asked - 0.5) / _deviates(alpha, power)) ** 2
    return ceil((train_n + 1) / (squared - 1)) if squared > 1 else None


def rate_at_few_alarms(
    train: Scores, holdout: Scores, false_alarms: float, seed: int, controls: str = "hold-out patients"
) -> Estimate:
    """The share of train patients above a threshold that at most `false_alarms` of the hold-out patients exceed.

    Carlini et al. 2022, "Membership inference attacks from first principles", IEEE S&P, section III. The threshold is
    the score of the first hold-out patient who must stay at or below it, so below `1 / false_alarms` hold-out patients
    none may exceed it, and the rate is that at no false alarm among them. `controls` says in `method` who they are.

    Raises:
        ValueError: An arm is empty.
    """
    if len(train) == 0 or len(holdout) == 0:
        raise ValueError("both arms need scores")
    allowed = int(false_alarms * len(holdout))

    def rate(ours: Scores, theirs: Scores) -> float:
        return float((ours > threshold(theirs, allowed)).mean())

    method = f"at most {allowed} of {len(holdout)} {controls} above (Carlini et al. 2022), patient bootstrap"
    return patient_bootstrap(rate, (train, holdout), seed, method=method)


def alarms_realised(holdout: Scores, false_alarms: float) -> Estimate:
    """The share of hold-out patients above the threshold of `rate_at_few_alarms`, with its exact interval."""
    above = int((holdout > threshold(holdout, int(false_alarms * len(holdout)))).sum())
    return clopper_pearson(above, len(holdout))


def threshold(holdout: Scores, allowed: int) -> float:
    """The score that at most `allowed` of the hold-out scores exceed."""
    at = len(holdout) - 1 - allowed
    return float(np.partition(holdout, at)[at])


def _deviates(alpha: float, power: float) -> float:
    normal = NormalDist()
    return normal.inv_cdf(1 - alpha) + normal.inv_cdf(power)
