"""More matched patients in train than in the hold-out? A test whose thresholds know nothing of the arms.

What counts as a match is set where a given share of *all* patients, of both arms together, has one. A threshold that
is a function of the pooled values alone leaves the split of the patients above it a fair draw, so Fisher's exact test
holds (Lehmann and Romano, Testing Statistical Hypotheses, 15.2); one chosen on the hold-out would favour its arm.
"""

from dataclasses import dataclass

import numpy as np

from deidrelease.results import Estimate
from deidrelease_audits.patients import BothArms
from deidrelease_audits.statistics import holm, hypergeometric_p, residual


@dataclass(frozen=True, slots=True)
class PooledExcess:
    """What the comparison found.

    Attributes:
        residual: Anonymeter's residual at the middle threshold.
        p_value: Smallest of the thresholds, after Holm.
        thresholds: From the rarest match on.
    """

    residual: Estimate
    p_value: float
    thresholds: tuple[int, ...]


def pooled_excess(both: BothArms, shares: tuple[float, float, float], least: int) -> PooledExcess:
    """Compares the arms where at most `shares` of the pooled patients match, none with less than `least`."""
    thresholds = tuple(pooled_threshold(both, share, least) for share in shares)
    sizes = len(both.train), len(both.holdout)
    hits = [(both.train.reaching(value), both.holdout.reaching(value)) for value in thresholds]
    # Two shares may meet in one threshold, which is then one test.
    found = {
        str(value): hypergeometric_p(train, sizes[0], holdout, sizes[1])
        for value, (train, holdout) in zip(thresholds, hits, strict=True)
    }
    middle = residual(hits[1][0], sizes[0], hits[1][1], sizes[1])
    return PooledExcess(middle, min(holm(found).values()), thresholds)


def pooled_threshold(both: BothArms, share: float, least: int) -> int:
    """The smallest value that at most `share` of the pooled patients reach, but no less than `least`.

    Where more than `share` of them have the very largest value, it is that value: were it the next one, a release that
    copies everything would have no match at all.
    """
    values = np.sort(np.concatenate([both.train.values, both.holdout.values]))[::-1]
    allowed = int(share * len(values))
    if len(values) == 0:
        return least
    largest = int(values[0])
    # values[allowed] is the first that must stay below the threshold.
    smallest = int(values[allowed]) + 1 if allowed < len(values) else least
    above = values[values >= smallest]
    return max(least, int(above[-1]) if len(above) else largest)
