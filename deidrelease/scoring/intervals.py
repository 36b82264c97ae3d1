"""Intervals for shares."""

from math import sqrt
from statistics import NormalDist

from deidrelease.results import Estimate


def wilson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """The share `successes / n` with Wilson's score interval.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference", JASA 22; recommended for small
    n by Brown, Cai and DasGupta 2001, "Interval estimation for a binomial proportion", Statistical Science 16.

    Raises:
        ValueError: Not `0 <= successes <= n` with n above 0.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"a share needs 0 <= successes <= n and n > 0, not {successes} of {n}")
    share = successes / n
    low, high = wilson_bounds(share, n, confidence)
    return Estimate(share, low, high, confidence, n, "Wilson score interval (Wilson 1927)")


def wilson_bounds(share: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """The ends of Wilson's interval of a `share` seen among `n`, perhaps an effective size; [0, 1] where it is 0."""
    if n <= 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    scale = 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    # Rounding must not push an end past the share itself at 0 and 1.
    return min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share)
