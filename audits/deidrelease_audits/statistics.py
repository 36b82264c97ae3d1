"""The statistics that the audits share, each with its source.

Everything here is about patients, the unit that is drawn at random into train and hold-out; nothing counts notes as if
they were independent.
"""

from collections.abc import Callable, Sequence
from math import ceil, exp, inf, isfinite, lgamma, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deidrelease.results import Estimate
from deidrelease.scoring.families import holm
from deidrelease.scoring.intervals import wilson, wilson_bounds

Statistic = Callable[..., float]
"""Takes one array per arm, a row a patient."""

__all__ = [
    "Statistic",
    "auc",
    "auc_estimate",
    "clopper_pearson",
    "clopper_pearson_highs",
    "exact_count",
    "exact_value",
    "holm",
    "hypergeometric_p",
    "minimal_detectable",
    "needed_patients",
    "patient_bootstrap",
    "poisson_bounds",
    "residual",
    "rule_of_three",
    "wilson",
    "wilson_bounds",
]


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """The share `successes / n` with the exact interval of Clopper and Pearson 1934, Biometrika 26.

    Raises:
        ValueError: Not `0 <= successes <= n` with n above 0.
    """
    from scipy.special import betaincinv

    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"a share needs 0 <= successes <= n and n > 0, not {successes} of {n}")
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    share = successes / n
    return Estimate(share, min(low, share), max(high, share), confidence, n, "Clopper-Pearson interval (1934)")


def clopper_pearson_highs(
    successes: NDArray[np.int64], n: NDArray[np.int64], confidence: float = 0.95
) -> NDArray[np.float64]:
    """The upper ends of many such intervals at once, which takes a fraction of the time; (m,)."""
    from scipy.special import betaincinv

    # A share of 1 has no interval above it, and would have no second parameter.
    highs = betaincinv(successes + 1, np.maximum(n - successes, 1), 1 - (1 - confidence) / 2)
    return np.where(successes == n, 1.0, np.maximum(highs, successes / n))


def poisson_bounds(count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact two-sided bounds of the mean of a Poisson count (Garwood 1936, Biometrika 28)."""
    from scipy.special import gammaincinv

    if count < 0:
        raise ValueError(f"a count cannot be {count}")
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(gammaincinv(count, tail))
    return low, float(gammaincinv(count + 1, 1 - tail))


def rule_of_three(n: int, confidence: float = 0.95) -> float:
    """The upper bound of a share of which none was seen among `n`: about 3 / n (Hanley and Lippman-Hand 1983).

    Exactly `1 - (1 - confidence) ** (1 / n)`; 1 where nothing was looked at. Zero found is not zero.
    """
    return 1.0 if n <= 0 else 1 - (1 - confidence) ** (1 / n)


def exact_count(value: float, n: int, method: str = "counted, no sampling") -> Estimate:
    """A number that was counted and not estimated: its interval is itself."""
    return exact_value(float(value), n, method)


def exact_value(value: float, n: int, method: str) -> Estimate:
    """A number with an interval of width zero, because it describes the corpora at hand and nothing beyond them."""
    return Estimate(value, value, value, 1.0, n, method)


def hypergeometric_p(train_hits: int, train_n: int, holdout_hits: int, holdout_n: int) -> float:
    """One-sided p of at least `train_hits` of all hits falling on train, if the split of patients was a fair draw.

    Fisher's exact test, one-sided: given `K = train_hits + holdout_hits` patients with a match among all, the number of
    them in train is hypergeometric (Fisher 1935; Lehmann and Romano, Testing Statistical Hypotheses, 4.5).
    """
    if not (0 <= train_hits <= train_n and 0 <= holdout_hits <= holdout_n):
        raise ValueError("more patients with a match than patients")
    hits, total = train_hits + holdout_hits, train_n + holdout_n
    most = min(hits, train_n)
    logs = [_log_choose(train_n, x) + _log_choose(holdout_n, hits - x) for x in range(train_hits, most + 1)]
    whole = _log_choose(total, hits)
    return min(1.0, sum(exp(value - whole) for value in logs))


def residual(train_hits: int, train_n: int, holdout_hits: int, holdout_n: int, confidence: float = 0.95) -> Estimate:
    """Anonymeter's residual `r = (p_T - p_H) / (1 - p_H)`: the share of train patients matched beyond chance.

    Giomi et al. 2023, "A unified framework for quantifying privacy risk in synthetic data", PoPETs 2023(2), eq. 3. The
    interval joins Wilson's intervals of both arms as Newcombe's square-and-add does for a difference (Newcombe 1998,
    Statistics in Medicine 17; Zou and Donner 2008), of which the first-order terms are those of r.
    """
    if train_n == 0 or holdout_n == 0:
        return Estimate(0.0, -1.0, 1.0, confidence, train_n + holdout_n, "no patients in one arm")
    train, control = wilson(train_hits, train_n, confidence), wilson(holdout_hits, holdout_n, confidence)
    left = 1 - control.value
    if left <= 0:
        return Estimate(0.0, -1.0, 1.0, confidence, train_n + holdout_n, "every hold-out patient is matched")
    value = (train.value - control.value) / left
    by_control = (1 - train.value) / (left * left)  # |dr / dp_H|
    low = value - sqrt(((train.value - train.low) / left) ** 2 + (by_control * (control.high - control.value)) ** 2)
    high = value + sqrt(((train.high - train.value) / left) ** 2 + (by_control * (control.value - control.low)) ** 2)
    low, high = min(max(low, -inf), value), max(min(high, 1.0), value)
    method = "residual risk (Giomi et al. 2023), Wilson per arm, square-and-add (Newcombe 1998)"
    return Estimate(value, low if isfinite(low) else -1.0, high, confidence, train_n + holdout_n, method)


def minimal_detectable(train_n: int, holdout_n: int, alpha: float = 0.05) -> int | None:
    """The fewest matched train patients, beside none of the hold-out, whose `hypergeometric_p` is at most `alpha`.

    None where even all of them would not do: such a hold-out can refute nothing.
    """
    for hits in range(1, train_n + 1):
        if hypergeometric_p(hits, train_n, 0, holdout_n) <= alpha:
            return hits
    return None


def needed_patients(train_n: int, hits: int, alpha: float = 0.05) -> int:
    """How many hold-out patients it takes for `hits` train patients beside none of them to give p at most `alpha`.

    From `(train_n / (train_n + holdout_n)) ** hits <= alpha`, which bounds the hypergeometric from above.
    """
    if train_n <= 0 or hits <= 0:
        raise ValueError("needs patients and hits above 0")
    ratio: float = alpha ** (-1 / hits)
    return ceil(train_n * (ratio - 1))


def auc(train: NDArray[np.float64], holdout: NDArray[np.float64]) -> float:
    """The chance that a train score exceeds a hold-out score, ties half (Mann and Whitney 1947); (n,), (m,)."""
    if len(train) == 0 or len(holdout) == 0:
        raise ValueError("both arms need scores")
    ordered = np.sort(holdout)
    below = np.searchsorted(ordered, train, side="left")
    upto = np.searchsorted(ordered, train, side="right")
    return float((below + upto).sum() / (2 * len(train) * len(holdout)))


def auc_estimate(
    train: NDArray[np.float64], holdout: NDArray[np.float64], seed: int, resamples: int = 1000, confidence: float = 0.95
) -> Estimate:
    """`auc` with a bootstrap interval over patients, drawn within each arm; one score a patient.

    Raises:
        ValueError: An arm is empty.
    """
    method = f"AUC (Mann-Whitney), patient bootstrap, {resamples} resamples (Efron 1979), percentile"
    if len(train) == 0 or len(holdout) == 0:
        raise ValueError("both arms need scores")
    # Scores as their ranks among all: then a resample costs a count of ranks, and neither a sort nor a search.
    scores, levels = np.unique(np.concatenate([train, holdout]), return_inverse=True)

    def of_levels(ours: NDArray[np.int64], theirs: NDArray[np.int64]) -> float:
        held = np.bincount(theirs, minlength=len(scores))
        upto = np.cumsum(held)
        return float((2 * upto - held)[ours].sum() / (2 * len(ours) * len(theirs)))

    arms = levels[: len(train)], levels[len(train) :]
    return patient_bootstrap(of_levels, arms, seed, resamples, confidence, method)


def patient_bootstrap(
    statistic: Statistic,
    arms: Sequence[NDArray[Any]],
    seed: int,
    resamples: int = 1000,
    confidence: float = 0.95,
    method: str = "patient bootstrap, percentile (Efron 1979)",
) -> Estimate:
    """`statistic(*arms)` with the percentile interval of resampling the rows of each arm, a row a patient."""
    value = float(statistic(*arms))
    rng = np.random.default_rng(seed)
    drawn = [float(statistic(*(arm[rng.integers(0, len(arm), len(arm))] for arm in arms))) for _ in range(resamples)]
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    n = sum(len(arm) for arm in arms)
    return Estimate(value, min(float(low), value), max(float(high), value), confidence, n, method)


def _log_choose(n: int, k: int) -> float:
    return -inf if not 0 <= k <= n else lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
