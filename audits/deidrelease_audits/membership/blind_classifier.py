"""Can train and hold-out be told apart without the synthetic corpus? Then no attack on it proves anything.

A split of patients that is no fair draw (by year, by ward, by length) makes every membership attack look strong, or
weak. So a classifier that never sees the synthetic text tries to tell the arms apart; it must fail.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deidrelease.results import Estimate
from deidrelease_audits.membership.blind_bags import BlindBags

Matrix = NDArray[np.float64]

FOLDS = 5
_ROWS = 16
"""Patients whose features are made at once: in a core's cache."""
PENALTY = 1.0
"""Of the ridge, beside rows of length 1: enough that a fold with more dimensions than patients is well posed."""


@dataclass(frozen=True, slots=True)
class BlindResult:
    """How well a classifier without the synthetic text did.

    Attributes:
        auc: Its AUC, with the interval that holds 1/2 exactly where the permutation test does not reject.
        p_value: Two-sided, by permutation.
    """

    auc: Estimate
    p_value: float

    @property
    def holds_half(self) -> bool:
        """Whether the split looks like a fair draw."""
        return self.auc.low <= 0.5 <= self.auc.high


def tell_apart(train: BlindBags, holdout: BlindBags, seed: int, permutations: int, confidence: float) -> BlindResult:
    """Cross-validated AUC of a ridge classifier on hashed words, word pairs and length; patients are the rows.

    The folds are drawn without regard to the arms, so that for given folds the prediction is one fixed matrix times
    the labels. Shuffled labels then give the exact null of this very number (Good 2005, Permutation Tests, chapter 3),
    with the extra variance of cross-validation and its bias below 1/2 (Airola et al. 2011, CSDA 55), which a
    bootstrap of the predictions would miss. The interval shifts that null to the AUC seen.

    Args:
        train: Bags of the train patients.
        holdout: Of the hold-out patients.
        seed: Of folds and permutations.
        permutations: How many.
        confidence: Of the interval and the check.

    Raises:
        ValueError: An arm is empty, or there are fewer patients than folds.
    """
    # In the order of the keyed numbers, which knows nothing of the arms: neither folds nor ties may.
    order = np.argsort(np.concatenate([train.patients, holdout.patients]), kind="stable")
    labels = np.repeat([1.0, 0.0], [len(train.patients), len(holdout.patients)])[order]
    if not 0 < labels.sum() < len(labels) or len(labels) < FOLDS:
        raise ValueError("the blind classifier needs patients of both arms")
    rng = np.random.default_rng(seed)
    smoother = _smoother(_features(np.concatenate([train.counts, holdout.counts])[order]), rng)
    value = float(_aucs(smoother, labels[:, None])[0])
    shuffled = rng.permuted(np.repeat(labels[:, None], permutations, axis=1), axis=0)
    null = _aucs(smoother, shuffled)
    low, high = np.quantile(null, [(1 - confidence) / 2, (1 + confidence) / 2])
    upper, lower = (1 + (null >= value).sum()) / (permutations + 1), (1 + (null <= value).sum()) / (permutations + 1)
    method = f"{FOLDS}-fold AUC of a ridge on hashed words, null by {permutations} permutations (Good 2005)"
    low, high = min(0.5 + value - float(high), value), max(0.5 + value - float(low), value)
    return BlindResult(
        Estimate(value, low, high, confidence, len(labels), method), float(min(1.0, 2 * min(upper, lower)))
    )


def _features(counts: NDArray[np.uint16]) -> Matrix:
    """Rows of length 1 of damped, rarity-weighted counts, with the damped length beside; columns centred; (n, d)."""
    seen = (counts > 0).sum(axis=0)
    rarity = np.log((1 + len(counts)) / (1 + seen))
    # Counts are small whole numbers: the logarithm of each there is, looked up, and not one for each of millions.
    damped = np.log1p(np.arange(int(counts.max()) + 1, dtype=np.float64))
    rows = np.empty((len(counts), counts.shape[1] + 1))
    for first in range(0, len(counts), _ROWS):
        words = damped[counts[first : first + _ROWS]] * rarity
        words /= np.maximum(np.linalg.norm(words, axis=1, keepdims=True), 1e-12)
        rows[first : first + _ROWS, :-1] = words
    length = np.log1p(counts.sum(axis=1, dtype=np.float64))
    length = (length - length.mean()) / max(float(length.std()), 1e-12)
    rows[:, -1] = length / 2
    rows -= rows.mean(axis=0)
    return rows


def _smoother(rows: Matrix, rng: np.random.Generator) -> Matrix:
    """The matrix that turns labels into held-out predictions: ridge in its dual form, fold by fold; (n, n).

    What is fitted without a fold T is `K_TR (K_RR + penalty)^-1`, and that is `-(G_TT)^-1 G_TR` of the inverse G of the
    whole, by the inverse of a matrix in blocks (An et al. 2007, Pattern Recognition 40, section 3): one inverse serves
    all folds.
    """
    folds = rng.permutation(len(rows)) % FOLDS
    inverse = _inverse(rows @ rows.T + PENALTY * np.eye(len(rows)))
    smoother = np.zeros_like(inverse)
    for fold in range(FOLDS):
        test, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        weights = -np.linalg.solve(inverse[np.ix_(test, test)], inverse[np.ix_(test, rest)])
        # Labels less the mean of those fitted on: else the mean of the rest would tell the labels of the fold.
        smoother[np.ix_(test, rest)] = weights - weights.mean(axis=1, keepdims=True)
    return smoother


def _inverse(positive: Matrix) -> Matrix:
    """Of a symmetric positive definite matrix, which is written over: by Cholesky, in half the steps of a general one.

    Raises:
        LinAlgError: It is not.
    """
    from scipy.linalg.lapack import dpotrf, dpotri

    # A symmetric matrix is its own transpose, in which LAPACK can work without a copy.
    factor, failed = dpotrf(positive.T, lower=1, overwrite_a=1)
    if not failed:
        lower, failed = dpotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise np.linalg.LinAlgError("not positive definite")
    lower = np.tril(lower)
    return np.asarray(lower + np.tril(lower, -1).T)


def _aucs(smoother: Matrix, labels: Matrix) -> NDArray[np.float64]:
    """The AUC of each column of 0/1 `labels`; (k,)."""
    scores, labels = np.ascontiguousarray((smoother @ labels).T), labels.T
    # The labels in the order of the scores: a one in place k has rank k.
    ordered = np.take_along_axis(labels, np.argsort(scores, axis=1, kind="stable"), axis=1)
    ones, n = labels.sum(axis=1), labels.shape[1]
    sums = ordered @ np.arange(1.0, n + 1)
    return np.asarray((sums - ones * (ones + 1) / 2) / (ones * (n - ones)))
