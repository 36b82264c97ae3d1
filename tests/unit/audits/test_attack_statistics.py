"""The statistics of the membership audit, by hand and against scipy."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from deidrelease_audits.attack_statistics import (
    alarms_realised,
    detectable_auc,
    mann_whitney_p,
    needed_holdout,
    rate_at_few_alarms,
)


@pytest.mark.parametrize("seed", range(6))
def test_rank_sum_p_equals_scipys_with_and_without_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for decimals in (0, 6):
        train, holdout = np.round(rng.normal(0.3, 1, 40), decimals), np.round(rng.normal(0, 1, 25), decimals)
        expected = mannwhitneyu(train, holdout, alternative="greater", method="asymptotic").pvalue
        assert mann_whitney_p(train, holdout) == pytest.approx(expected, rel=1e-9)


def test_equal_scores_say_nothing() -> None:
    assert mann_whitney_p(np.ones(9), np.ones(7)) == 1.0


def test_the_rate_at_few_alarms_by_hand() -> None:
    train, holdout = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0, 2.0, 2.5])
    # No alarm among four: above 2.5 lie 3 and 4. One alarm in four: above 2 lie 3 and 4; two of four: above 1, three.
    assert rate_at_few_alarms(train, holdout, 0.01, 0).value == 0.5
    assert rate_at_few_alarms(train, holdout, 0.5, 0).value == 0.75
    assert alarms_realised(holdout, 0.01).value == 0.0
    assert alarms_realised(holdout, 0.5).value == 0.5


def test_a_tie_with_the_threshold_is_no_hit() -> None:
    assert rate_at_few_alarms(np.ones(5), np.ones(5), 0.01, 0).value == 0.0


@pytest.mark.parametrize(("train", "asked"), [(120, 0.6), (500, 0.6), (60, 0.7)])
def test_the_needed_holdout_is_just_enough(train: int, asked: float) -> None:
    needed = needed_holdout(train, asked, 0.05, 0.8)
    assert needed is not None
    assert detectable_auc(train, needed, 0.05, 0.8) <= asked < detectable_auc(train, needed - 1, 0.05, 0.8)


def test_too_few_train_patients_no_holdout_can_mend() -> None:
    assert needed_holdout(20, 0.6, 0.05, 0.8) is None
    assert detectable_auc(20, 10**9, 0.05, 0.8) > 0.6


def test_the_power_is_what_it_says() -> None:
    rng = np.random.default_rng(0)
    n, m = 100, 100
    shift = 2**0.5 * 0.33  # of two normals of AUC about 0.63
    at = detectable_auc(n, m, 0.05, 0.8)
    assert 0.59 < at < 0.62
    hits = np.mean([mann_whitney_p(rng.normal(shift, 1, n), rng.normal(0, 1, m)) < 0.05 for _ in range(300)])
    assert hits > 0.8
