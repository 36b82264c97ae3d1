"""The shared statistics, against tables worked by hand, an independent library, and simulation."""

from itertools import combinations
from math import comb

import numpy as np
import pytest

from deidrelease_audits.statistics import (
    auc,
    auc_estimate,
    clopper_pearson,
    holm,
    hypergeometric_p,
    minimal_detectable,
    needed_patients,
    poisson_bounds,
    residual,
    rule_of_three,
)


@pytest.mark.parametrize(
    ("train_hits", "train_n", "holdout_hits", "holdout_n", "p"),
    [
        (0, 4, 0, 4, 1.0),  # nothing matched, nothing said
        (2, 4, 0, 4, 6 / 28),  # 4 choose 2 of 8 choose 2
        (3, 4, 1, 4, (4 * 4 + 1) / 70),  # 3:1 or 4:0 of 8 choose 4
        (5, 120, 0, 120, comb(120, 5) / comb(240, 5)),
    ],
)
def test_hypergeometric_by_hand(train_hits: int, train_n: int, holdout_hits: int, holdout_n: int, p: float) -> None:
    assert hypergeometric_p(train_hits, train_n, holdout_hits, holdout_n) == pytest.approx(p)


def test_five_against_none_of_120_is_three_in_a_hundred_and_two_copies_a_quarter() -> None:
    assert hypergeometric_p(5, 120, 0, 120) == pytest.approx(0.03, abs=0.002)
    assert hypergeometric_p(2, 120, 0, 120) == pytest.approx(0.25, abs=0.003)


def test_hypergeometric_counts_every_split_of_the_patients() -> None:
    matched, patients, train_n = {0, 1, 2}, range(7), 4
    splits = list(combinations(patients, train_n))
    for hits in range(4):
        share = sum(len(matched & set(split)) >= hits for split in splits) / len(splits)
        if len(matched) - hits <= len(patients) - train_n:
            assert hypergeometric_p(hits, train_n, len(matched) - hits, 3) == pytest.approx(share)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.3085), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1.0), (1, 20, 0.0013, 0.2487)],
)
def test_clopper_pearson_by_the_published_table(hits: int, n: int, low: float, high: float) -> None:
    estimate = clopper_pearson(hits, n)
    assert (estimate.low, estimate.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39)])
def test_poisson_bounds_by_the_published_table(count: int, low: float, high: float) -> None:
    assert poisson_bounds(count) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-2))


def test_holm_by_hand() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})
    assert holm({}) == {}
    assert holm({"a": 0.9, "b": 0.8}) == {"b": 1.0, "a": 1.0}


def test_zero_found_is_not_zero() -> None:
    assert rule_of_three(100) == pytest.approx(0.0295, abs=1e-4)
    assert rule_of_three(0) == 1.0


def test_residual_by_hand() -> None:
    estimate = residual(30, 100, 10, 100)
    assert estimate.value == pytest.approx(0.2 / 0.9)
    assert estimate.low < estimate.value < estimate.high
    assert residual(10, 100, 10, 100).value == 0
    assert residual(0, 100, 5, 100).value < 0


@pytest.mark.parametrize(("train_n", "holdout_n"), [(0, 5), (5, 0)])
def test_residual_without_an_arm_says_nothing(train_n: int, holdout_n: int) -> None:
    estimate = residual(0, train_n, 0, holdout_n)
    assert (estimate.low, estimate.high) == (-1.0, 1.0)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
@pytest.mark.parametrize(("train_n", "holdout_n"), [(120, 120), (346, 97)])
def test_residual_covers_no_effect_as_often_as_it_says(share: float, train_n: int, holdout_n: int) -> None:
    rng = np.random.default_rng(5)
    hits = zip(rng.binomial(train_n, share, 1000), rng.binomial(holdout_n, share, 1000), strict=True)
    covers = sum((r := residual(int(t), train_n, int(h), holdout_n)).low <= 0 <= r.high for t, h in hits)
    assert covers >= 935  # 950 less two standard errors of a thousand draws


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_hypergeometric_holds_its_level(share: float) -> None:
    rng = np.random.default_rng(7)
    matched = rng.random(240) < share
    fired = 0
    for _ in range(1000):
        rng.shuffle(matched)
        fired += hypergeometric_p(int(matched[:120].sum()), 120, int(matched[120:].sum()), 120) <= 0.05
    assert fired <= 64  # 50 and two standard errors


def test_detectable_and_needed_agree() -> None:
    assert minimal_detectable(120, 120) == 5
    assert minimal_detectable(10, 1) is None
    needed = needed_patients(120, 5)
    assert hypergeometric_p(5, 120, 0, needed) <= 0.05 < hypergeometric_p(5, 120, 0, needed - 15)


def test_auc_by_hand_and_its_interval() -> None:
    train, holdout = np.array([3.0, 2.0]), np.array([1.0, 2.0])
    assert auc(train, holdout) == (1 + 1 + 1 + 0.5) / 4
    rng = np.random.default_rng(1)
    estimate = auc_estimate(rng.normal(0, 1, 80), rng.normal(0, 1, 80), seed=3, resamples=200)
    assert estimate.low < 0.5 < estimate.high
    assert estimate == auc_estimate(*(np.random.default_rng(1).normal(0, 1, (2, 80))), seed=3, resamples=200)
