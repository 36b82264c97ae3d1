"""DCR share: are the synthetic notes nearer to train than to the hold-out?

Distance to the closest record, compared between the arms (Platzer and Reutterer 2021, "Holdout-based empirical
assessment of mixed-type synthetic data", Frontiers in Big Data 4): with as many patients in each arm, and a generator
that never saw either, each is nearer half of the time.
"""

import numpy as np

from deidrelease.results import Estimate
from deidrelease_audits.near_duplicate.nearest import NearestByDraw
from deidrelease_audits.statistics import wilson_bounds
from deidrelease_audits.text.shingles import Hashes


def distance_share(
    train: tuple[NearestByDraw, Hashes], holdout: tuple[NearestByDraw, Hashes], n: int, confidence: float = 0.95
) -> Estimate:
    """The share of `n` synthetic notes that are nearer to train than to the hold-out, ties half.

    The larger arm is cut to the patients who come first in the random order, as many as the smaller one has. One
    private note may be the nearest of many synthetic ones, and all of them change sides with its patient: if c_p notes
    have p as the nearest patient of both arms, the variance under the null is `sum(c_p ** 2) / (4 n ** 2)`. So Wilson's
    interval is taken at the effective size `n ** 2 / sum(c_p ** 2)` (Kish 1965, Survey Sampling, for clusters).

    Args:
        train: The nearest by draw, and the ranks of all patients of the arm.
        holdout: Alike.
        n: Synthetic notes.
        confidence: Of the interval.

    Raises:
        ValueError: An arm has no patient, or there is no synthetic note.
    """
    patients = min(len(train[1]), len(holdout[1]))
    if patients == 0 or n == 0:
        raise ValueError("needs patients in both arms, and synthetic notes")
    (near, whose), (far, others) = (arm.among(int(np.sort(ranks)[patients - 1]), n) for arm, ranks in (train, holdout))
    share = float(((near > far).sum() + (near == far).sum() / 2) / n)
    size = effective_size(np.where(near >= far, whose, others)[(near > 0) | (far > 0)], n)
    low, high = wilson_bounds(share, size, confidence)
    method = f"ties half, {patients} patients an arm; Wilson at the effective size for notes that share a patient"
    return Estimate(share, low, high, confidence, n, method)


def effective_size(nearest: Hashes, n: int) -> float:
    """Kish's effective size of `n` notes of which some have a `nearest` patient, and the others stand alone."""
    _, together = np.unique(nearest, return_counts=True)
    return n * n / float((together.astype(np.float64) ** 2).sum() + n - len(nearest))
