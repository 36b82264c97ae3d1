"""Intervals by resampling patients.

A patient's notes share names, authors and habits, so mentions are no independent draws; patients are what a new
hospital sample would bring anew. The percentile bootstrap (Efron & Tibshirani 1993, An Introduction to the Bootstrap,
section 13.3) redraws patients, and the ratios of their summed counts spread as the estimates would.

It says nothing where all resamples agree, as with a tagger that missed nothing. There the interval is widened by the
bound of Clopper & Pearson (1934, Biometrika 26: 404-413) on the share of patients that may differ from all those
seen. With a handful of patients percentile intervals are known to be too narrow; `n` says how many there were.

Patients whom different models have scored, as the folds of a cross-validation, are redrawn stratum by stratum: no
resample then has more of one fold, and so of one model, than there was (Davison & Hinkley 1997, Bootstrap Methods and
their Application, section 3.2).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deidrelease.results import Estimate
from deidrelease.scoring.measures import RatioParts

_WEIGHTS_IN_MEMORY = 2**20
# Equal ratios are equal floats, but equal differences of unequal ratios may be a few ulps apart.
_ROUNDING = 1e-12
_SOURCE = "percentile bootstrap over patients (Efron & Tibshirani 1993), {} resamples"

_WITHIN = ", within each stratum"

Floats = NDArray[np.float64]
Strata = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Resampling:
    """How intervals are drawn.

    Attributes:
        seed: Of `numpy.random.default_rng`; the same seed and number of patients give the same resamples.
        n_resamples: How many times the patients are redrawn.
        confidence: Coverage aimed at, two-sided.

    Raises:
        ValueError: No resample is asked for, or `confidence` is not inside (0, 1).
    """

    seed: int
    n_resamples: int = 1000
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.n_resamples < 1 or not 0 < self.confidence < 1:
            raise ValueError("an interval needs at least one resample and a confidence inside (0, 1)")

    @property
    def source(self) -> str:
        """What every `Estimate.method` begins with."""
        return _SOURCE.format(self.n_resamples)


def clopper_pearson_share(n: int, confidence: float) -> float:
    """Two-sided Clopper-Pearson upper bound on a share of which none was seen among `n`: `1 - (alpha / 2) ** (1 / n)`.

    By symmetry `1 -` this is the lower bound where all `n` were seen (Clopper & Pearson 1934).
    """
    return 1.0 - float(((1.0 - confidence) / 2.0) ** (1.0 / n))


def weight_blocks(n_patients: int, how: Resampling, cells: int = _WEIGHTS_IN_MEMORY) -> Iterator[NDArray[np.int64]]:
    """How often each resample draws each patient, in blocks of shape (some resamples, n_patients).

    The rows are multinomial and do not depend on `cells`, the number of weights held at a time (at least one row).
    """
    rng = np.random.default_rng(how.seed)
    rows = max(1, cells // n_patients)
    for start in range(0, how.n_resamples, rows):
        size = min(rows, how.n_resamples - start)
        yield rng.multinomial(n_patients, np.full(n_patients, 1.0 / n_patients), size=size)


def resampled_sums(shares: Floats, how: Resampling, strata: Strata | None = None) -> Floats:
    """Sums of `shares` (n_patients, n_columns) over each resample of patients; shape (n_resamples, n_columns).

    All columns see the same resamples. That is what makes differences of two columns paired.

    Args:
        shares: What each patient adds.
        how: How they are redrawn.
        strata: Which stratum each patient is of, shape (n_patients,); each is redrawn by itself, from a stream of its
            own.
    """
    if not shares.shape[0]:
        return np.zeros((how.n_resamples, shares.shape[1]))
    if strata is None:
        return np.vstack([weights.astype(np.float64) @ shares for weights in weight_blocks(shares.shape[0], how)])
    sums = np.zeros((how.n_resamples, shares.shape[1]))
    for number, stratum in enumerate(np.unique(strata)):
        seed = int(np.random.SeedSequence([how.seed, number]).generate_state(1, np.uint64)[0])
        sums += resampled_sums(shares[strata == stratum], Resampling(seed, how.n_resamples, how.confidence))
    return sums


def estimate_ratios(parts: RatioParts, how: Resampling, strata: Strata | None = None) -> list[Estimate | None]:
    """Each ratio with its interval; None where no patient has a denominator.

    Resamples in which a denominator is 0 are left out. `n` is the number of patients whose denominator is not 0. With
    one such patient the interval is all that these notes admit: 0 to 1, for leak scores 0 to mentions per sentence.
    Where every resample agrees on a value v, the interval is what remains possible if up to a share q of patients,
    the Clopper-Pearson bound for none of n, behave in any other way: `v - q (v - 0)` to `v + q (most - v)`, which is
    Clopper & Pearson's own interval where v is 0 or 1. An interval is stretched to hold its value.

    `strata` as in `resampled_sums`.
    """
    width = parts.numerator.shape[1]
    sums = resampled_sums(np.hstack([parts.numerator, parts.denominator]), how, strata)
    draws = _divide(sums[:, :width], sums[:, width:])
    within = "" if strata is None else _WITHIN
    return [
        None if np.isnan(value) else _estimate(value, drawn, int(n), (0.0, top), how, within=within)
        for value, top, n, drawn in zip(*_points(parts), draws.T, strict=True)
    ]


def estimate_differences(
    a: RatioParts, b: RatioParts, how: Resampling, strata: Strata | None = None
) -> list[Estimate | None]:
    """Each ratio of `a` minus that of `b` over the same patients, with the same resamples; None where either is None.

    `n` is the smaller number of patients that carry either denominator. As `estimate_ratios`, with the whole range
    -most to most. Resamples that all agree are widened likewise: two taggers that do equally well on a few patients may
    still differ on the next, so not even equal counts make a difference of exactly nothing.

    `strata` as in `resampled_sums`.
    """
    width = a.numerator.shape[1]
    sums = resampled_sums(np.hstack([a.numerator, a.denominator, b.numerator, b.denominator]), how, strata)
    draws = _divide(sums[:, :width], sums[:, width : 2 * width])
    draws -= _divide(sums[:, 2 * width : 3 * width], sums[:, 3 * width :])
    (value_a, top_a, carriers_a), (value_b, top_b, carriers_b) = _points(a), _points(b)
    values, tops, carriers = value_a - value_b, np.fmax(top_a, top_b), np.minimum(carriers_a, carriers_b)
    within = "" if strata is None else _WITHIN
    found: list[Estimate | None] = []
    for value, top, n, drawn in zip(values, tops, carriers, draws.T, strict=True):
        if np.isnan(value):
            found.append(None)
        else:
            found.append(_estimate(value, drawn, int(n), (-top, top), how, "paired ", within))
    return found


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    """Ratios, NaN where undefined."""
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator > 0)


def _points(parts: RatioParts) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Value, largest possible value, and number of patients carrying the denominator, of each ratio."""
    denominator = parts.denominator.sum(axis=0)
    values = _divide(parts.numerator.sum(axis=0), denominator)
    tops = _divide(parts.most.sum(axis=0), denominator)
    return values, tops, (parts.denominator > 0).sum(axis=0)


def _estimate(
    value: float,
    draws: Floats,
    n: int,
    bounds: tuple[float, float],
    how: Resampling,
    kind: str = "",
    within: str = "",
) -> Estimate:
    floor, top = bounds
    source = f"{kind}{how.source}{within}"
    drawn = draws[~np.isnan(draws)]
    if n < 2 or not drawn.size:
        low, high = floor, top
        why = "one patient permits no interval" if n < 2 else "no resample carries the measure"
        method = f"{why}; low and high are the least and the most that these notes admit"
    elif np.ptp(drawn) <= _ROUNDING:
        share = clopper_pearson_share(n, how.confidence)
        low, high = value - share * (value - floor), value + share * (top - value)
        method = f"{source}; all resamples agree, so widened by Clopper-Pearson (1934) over patients"
    else:
        tail = (1 - how.confidence) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail])
        left_out = draws.size - drawn.size
        method = source + (f"; {left_out} without the measure left out" if left_out else "")
    # A skewed statistic may fall outside its own percentiles, and Estimate refuses an interval without its value.
    low, high = min(float(low), float(value)), max(float(high), float(value))
    return Estimate(float(value), low, high, how.confidence, n, method)
