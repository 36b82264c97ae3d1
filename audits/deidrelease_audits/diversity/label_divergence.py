"""How far the mix of entity types of one corpus lies from another's, and how far it would by chance alone."""

import numpy as np
from numpy.typing import NDArray

from deidrelease.results import Estimate
from deidrelease_audits.statistics import patient_bootstrap

Counts = NDArray[np.float64]
"""A row a group of patients, a column a label."""


def jensen_shannon(left: Counts, right: Counts) -> float:
    """Jensen-Shannon divergence of the label shares, in bits: 0 where alike, 1 where nothing is shared.

    Lin 1991, "Divergence measures based on the Shannon entropy", IEEE Trans. Information Theory 37.
    """
    return _of_totals(left.sum(axis=0), right.sum(axis=0))


def _of_totals(first: Counts, second: Counts) -> float:
    if first.sum() == 0 or second.sum() == 0:
        return 0.0 if first.sum() == second.sum() else 1.0
    first, second = first / first.sum(), second / second.sum()
    value = _entropy((first + second) / 2) - (_entropy(first) + _entropy(second)) / 2
    return min(1.0, max(0.0, value))


def label_divergence(synthetic: Counts, train: Counts, seed: int, resamples: int = 1000) -> Estimate:
    """`jensen_shannon` with a bootstrap interval over groups of patients of each arm."""
    method = f"Jensen-Shannon divergence (Lin 1991), bits; bootstrap of patient groups, {resamples} resamples"

    # Counts are whole numbers, so how often each group was drawn, times its counts, is their sum to the last bit.
    def of_groups(ours: NDArray[np.int64], theirs: NDArray[np.int64]) -> float:
        return _of_totals(_drawn(ours, synthetic), _drawn(theirs, train))

    groups = np.arange(len(synthetic)), np.arange(len(train))
    return patient_bootstrap(of_groups, groups, seed, resamples, method=method)


def floor(synthetic: Counts, train: Counts, seed: int, resamples: int = 400) -> tuple[float, float]:
    """Mean and 95% point of the divergence of two corpora of these sizes that have the same mix.

    The groups of both are pooled and dealt out anew. A divergence is never below 0, so two samples of one mix differ;
    about `(labels - 1) / (2 ln 2)` times a quarter of `1 / spans + 1 / spans` where spans are independent.
    """
    pooled, n = np.concatenate([synthetic, train]), len(synthetic)
    rng = np.random.default_rng(seed)
    firsts = [pooled[rng.permutation(len(pooled))[:n]].sum(axis=0) for _ in range(resamples)]
    everything = pooled.sum(axis=0)
    values = [_of_totals(first, everything - first) for first in firsts]
    return float(np.mean(values)), float(np.quantile(values, 0.95))


def _drawn(groups: NDArray[np.int64], counts: Counts) -> Counts:
    totals: Counts = np.bincount(groups, minlength=len(counts)) @ counts
    return totals


def _entropy(shares: Counts) -> float:
    held = shares[shares > 0]
    return float(-(held * np.log2(held)).sum())
