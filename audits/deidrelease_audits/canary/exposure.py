"""Exposure: how far up a planted secret stands among those that were not planted, in bits."""

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


def exposures(planted: Scores, kept_out: Scores) -> Scores:
    """log2(R) - log2(rank) of each planted secret among itself and the R - 1 that were kept out; (n_planted,).

    Carlini et al. 2019, "The Secret Sharer", definition 5, with the sampled estimate of section 4.3: 0 bits for the
    lowest rank, log2(R) for the highest. Of equal scores the worse rank counts.

    Raises:
        ValueError: Nothing was kept out.
    """
    if len(kept_out) == 0:
        raise ValueError("exposure is a rank among secrets that were kept out; there are none")
    ordered = np.sort(kept_out)
    at_least = len(ordered) - np.searchsorted(ordered, planted, side="left")
    ranks = 1 + at_least
    bits: Scores = np.log2(len(ordered) + 1) - np.log2(ranks)
    return bits


def mean_exposure(planted: Scores, kept_out: Scores) -> float:
    """Their mean."""
    return float(exposures(planted, kept_out).mean())


def expected_exposure(kept_out: int) -> float:
    """The mean where planting left no trace: every rank is as likely as any other."""
    ranks = np.arange(1, kept_out + 2)
    return float((np.log2(kept_out + 1) - np.log2(ranks)).mean())
