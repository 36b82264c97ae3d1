"""The bootstrap against a slow oracle, simulated truth and the cases where it has nothing to say."""

from collections.abc import Sequence

import numpy as np
import pytest

from deidrelease.results import Estimate
from deidrelease.scoring.bootstrap import (
    Resampling,
    clopper_pearson_share,
    estimate_differences,
    estimate_ratios,
    resampled_sums,
    weight_blocks,
)
from deidrelease.scoring.measures import RatioParts

HOW = Resampling(seed=3, n_resamples=200)


def parts(numerator: Sequence[float], denominator: Sequence[float], most: Sequence[float] | None = None) -> RatioParts:
    columns = (numerator, denominator, denominator if most is None else most)
    return RatioParts(*(np.array(column, dtype=float).reshape(-1, 1) for column in columns))


def one(found: list[Estimate | None]) -> Estimate:
    assert len(found) == 1
    assert found[0] is not None
    return found[0]


def slow_draws(numerator: Sequence[int], denominator: Sequence[int], how: Resampling) -> list[float]:
    """Patients redrawn one resample at a time, their counts added one by one."""
    rng, n, draws = np.random.default_rng(how.seed), len(numerator), []
    for _ in range(how.n_resamples):
        top = bottom = 0
        for patient, times in enumerate(rng.multinomial(n, [1 / n] * n)):
            for _ in range(times):
                top, bottom = top + numerator[patient], bottom + denominator[patient]
        if bottom:
            draws.append(top / bottom)
    return draws


def slow_quantile(draws: list[float], share: float) -> float:
    """Linear interpolation between order statistics (Hyndman & Fan 1996, type 7)."""
    ordered, place = sorted(draws), share * (len(draws) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_interval_is_that_of_the_slow_oracle(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    # Four patients of twelve carry nothing, so that a resample without any denominator stays possible but rare.
    denominator = [int(d) for d in rng.integers(1, 9, 8)] + [0] * 4
    numerator = [int(rng.integers(0, d + 1)) for d in denominator]
    how = Resampling(seed, n_resamples=150, confidence=0.9)
    found = one(estimate_ratios(parts(numerator, denominator), how))
    draws = slow_draws(numerator, denominator, how)
    assert found.value == sum(numerator) / sum(denominator)
    assert found.low == pytest.approx(slow_quantile(draws, 0.05), abs=1e-12)
    assert found.high == pytest.approx(slow_quantile(draws, 0.95), abs=1e-12)
    assert (found.n, found.confidence) == (8, 0.9)
    assert "Efron & Tibshirani 1993" in found.method
    assert "150 resamples" in found.method


def test_weights_do_not_depend_on_the_size_of_the_blocks() -> None:
    whole = np.vstack(list(weight_blocks(7, HOW)))
    assert whole.shape == (200, 7)
    assert (whole.sum(axis=1) == 7).all()
    for cells in (1, 50, 7 * 199):
        blocks = list(weight_blocks(7, HOW, cells))
        assert max(block.size for block in blocks) <= max(cells, 7)
        assert np.array_equal(np.vstack(blocks), whole)


def test_resamples_without_a_denominator_are_left_out_and_counted() -> None:
    # Two of five patients carry the measure; (3/5)**5 = 8% of the resamples miss both.
    numerator, denominator = [1, 0, 0, 0, 0], [2, 3, 0, 0, 0]
    found = one(estimate_ratios(parts(numerator, denominator), HOW))
    missing = HOW.n_resamples - len(slow_draws(numerator, denominator, HOW))
    assert missing > 0
    assert f"{missing} without the measure left out" in found.method
    assert (found.value, found.low, found.high, found.n) == (0.2, 0.0, 0.5, 2)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    # A patient's mentions share one recall from Beta(4, 2), independent of their number: the truth is 4 / 6.
    rng, hits, runs = np.random.default_rng(11), 0, 200
    for run in range(runs):
        mentions = rng.integers(1, 12, 40)
        found = rng.binomial(mentions, rng.beta(4, 2, 40))
        interval = one(estimate_ratios(parts(found, mentions), Resampling(run, 300)))
        hits += interval.low <= 4 / 6 <= interval.high
    assert 0.88 <= hits / runs <= 0.99


def test_clopper_pearson_bounds_are_those_of_the_tables() -> None:
    # 0 of 10: upper 0.3085; 0 of 20: upper 0.1684; 0 of 100 at 99%: upper 0.0516.
    assert clopper_pearson_share(10, 0.95) == pytest.approx(0.3085, abs=5e-5)
    assert clopper_pearson_share(20, 0.95) == pytest.approx(0.1684, abs=5e-5)
    assert clopper_pearson_share(100, 0.99) == pytest.approx(0.0516, abs=5e-5)


def test_clopper_pearson_bounds_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for n in (1, 2, 7, 500):
        interval = stats.binomtest(0, n).proportion_ci(0.9, method="exact")
        assert clopper_pearson_share(n, 0.9) == pytest.approx(interval.high, rel=1e-9)


@pytest.mark.parametrize(
    ("numerator", "most", "value", "low", "high"),
    [
        # q = 0.3085 for ten patients of two mentions each.
        (2, 2, 1.0, 1 - 0.3085, 1.0),
        (0, 2, 0.0, 0.0, 0.3085),
        (1, 2, 0.5, 0.5 * (1 - 0.3085), 0.5 * (1 + 0.3085)),
        # A leak score: no miss in two sentences a patient, at most six a patient were possible.
        (0, 6, 0.0, 0.0, 3 * 0.3085),
    ],
)
def test_where_all_resamples_agree_the_interval_is_widened(
    numerator: int, most: int, value: float, low: float, high: float
) -> None:
    found = one(estimate_ratios(parts([numerator] * 10, [2] * 10, [most] * 10), HOW))
    assert (found.value, found.low, found.high) == pytest.approx((value, low, high), abs=2e-4)
    assert "Clopper-Pearson" in found.method


def test_patients_without_the_measure_do_not_narrow_the_widened_interval() -> None:
    few = one(estimate_ratios(parts([5, 3], [5, 3]), HOW))
    padded = one(estimate_ratios(parts([5, 3] + [0] * 50, [5, 3] + [0] * 50), HOW))
    assert (padded.low, padded.high, padded.n) == (few.low, few.high, 2)


@pytest.mark.parametrize("others", [0, 5])
def test_one_patient_permits_no_interval(others: int) -> None:
    found = one(estimate_ratios(parts([3] + [0] * others, [4] + [0] * others), HOW))
    assert (found.value, found.low, found.high, found.n) == (0.75, 0.0, 1.0, 1)
    assert "one patient permits no interval" in found.method


def test_no_resample_with_the_measure_permits_none_either() -> None:
    seed = next(s for s in range(99) if np.vstack(list(weight_blocks(4, Resampling(s, 1))))[0, :2].sum() == 0)
    found = one(estimate_ratios(parts([1, 0, 0, 0], [2, 2, 0, 0]), Resampling(seed, 1)))
    assert (found.value, found.low, found.high, found.n) == (0.25, 0.0, 1.0, 2)
    assert "no resample" in found.method


@pytest.mark.parametrize("patients", [0, 1, 3])
def test_no_denominator_no_estimate(patients: int) -> None:
    nothing = parts([0] * patients, [0] * patients)
    assert estimate_ratios(nothing, HOW) == [None]
    assert estimate_differences(nothing, nothing, HOW) == [None]


def test_a_difference_is_paired() -> None:
    # Patients differ widely, the taggers by one mention in each: unpaired intervals overlap, the paired one is narrow.
    total = [10] * 20
    b = [patient % 9 for patient in range(20)]
    a = [found + 1 for found in b]
    a[0] += 1
    difference = one(estimate_differences(parts(a, total), parts(b, total), HOW))
    apart = one(estimate_ratios(parts(a, total), HOW)).low - one(estimate_ratios(parts(b, total), HOW)).high
    assert apart < 0 < difference.low
    assert difference.value == pytest.approx(21 / 200)
    gaps = [x - y for x, y in zip(slow_draws(a, total, HOW), slow_draws(b, total, HOW), strict=True)]
    assert difference.low == pytest.approx(slow_quantile(gaps, 0.025), abs=1e-12)
    assert difference.high == pytest.approx(slow_quantile(gaps, 0.975), abs=1e-12)
    assert difference.method.startswith("paired ")


def test_equal_results_of_unequal_taggers_are_widened_both_ways() -> None:
    perfect = parts([2] * 10, [2] * 10)
    found = one(estimate_differences(perfect, perfect, HOW))
    assert (found.value, found.low, found.high) == pytest.approx((0.0, -0.3085, 0.3085), abs=5e-5)


def test_a_difference_that_is_constant_but_for_rounding_is_widened_too() -> None:
    # One mention of ten more in every patient, whatever the rest: each resample differs by 0.1, give or take an ulp.
    b = [patient % 9 for patient in range(10)]
    found = one(estimate_differences(parts([x + 1 for x in b], [10] * 10), parts(b, [10] * 10), HOW))
    # q = 0.3085: 0.1 - q (0.1 + 1) to 0.1 + q (1 - 0.1).
    assert (found.value, found.low, found.high) == pytest.approx(
        (0.1, 0.1 - 1.1 * 0.3085, 0.1 + 0.9 * 0.3085), abs=1e-4
    )


def test_equal_counts_are_no_proof_of_equal_taggers() -> None:
    tagger = parts([1, 2], [2, 2])
    found = one(estimate_differences(tagger, tagger, HOW))
    share = 1 - 0.025 ** (1 / 2)  # Clopper-Pearson over two patients without a difference
    assert (found.value, found.low, found.high) == pytest.approx((0.0, -share, share))
    single = parts([1], [2])
    found = one(estimate_differences(single, single, HOW))
    assert (found.value, found.low, found.high, found.n) == (0.0, -1.0, 1.0, 1)


def test_a_difference_counts_the_patients_of_the_thinner_side() -> None:
    found = one(estimate_differences(parts([1, 2, 3], [4, 4, 4]), parts([1, 2, 0], [4, 4, 0]), HOW))
    assert found.n == 2


def test_sums_are_paired_across_columns() -> None:
    shares = np.array([[1.0, 2.0], [3.0, 6.0], [5.0, 10.0]])
    sums = resampled_sums(shares, HOW)
    assert np.array_equal(sums[:, 1], 2 * sums[:, 0])
    assert len(np.unique(sums[:, 0])) > 3


@pytest.mark.parametrize(("n_resamples", "confidence"), [(0, 0.95), (10, 0.0), (10, 1.0)])
def test_settings_that_mean_nothing_are_refused(n_resamples: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="at least one resample"):
        Resampling(1, n_resamples, confidence)


def test_strata_are_redrawn_each_by_itself() -> None:
    strata = np.array([4, 9, 4, 9, 9])
    ones = np.column_stack([strata == 4, strata == 9]).astype(float)
    assert np.array_equal(resampled_sums(ones, HOW, strata), np.tile([2.0, 3.0], (200, 1)))
    loose = resampled_sums(ones, HOW)
    assert len(np.unique(loose[:, 0])) > 1


def test_the_interval_of_strata_is_that_of_every_resample_there_can_be() -> None:
    # Strata of two: every mean of a stratum is a, (a+b)/2 or b, at 1:2:1; so the sum of two has 3 x 3 outcomes.
    found, strata = [0, 4, 2, 10], np.array([0, 0, 1, 1])
    outcomes = sorted(
        ((i * 0 + (2 - i) * 4) + (j * 2 + (2 - j) * 10)) / 40
        for i in range(3) for j in range(3) for _ in range((1, 2, 1)[i] * (1, 2, 1)[j])
    )  # fmt: skip
    how = Resampling(seed=1, n_resamples=20_000, confidence=0.8)
    interval = one(estimate_ratios(parts(found, [10] * 4), how, strata))
    assert interval.value == 16 / 40
    assert (interval.low, interval.high) == pytest.approx((outcomes[1], outcomes[-2]))
    assert "within each stratum" in interval.method


def test_a_stratum_hides_nothing_but_its_own_level() -> None:
    # Two folds at .2 and .8, all patients of each alike: no patient makes a difference, only the mix of folds would.
    tagger, strata = parts([2] * 10 + [8] * 10, [10] * 20), np.repeat([0, 1], 10)
    how = Resampling(seed=2, n_resamples=500)
    assert "all resamples agree" in one(estimate_ratios(tagger, how, strata)).method
    loose = one(estimate_ratios(tagger, how))
    assert loose.low < 0.45
    assert loose.high > 0.55


def test_no_strata_leave_every_number_as_it_was() -> None:
    a, b = parts([1, 2, 3, 4], [5, 5, 5, 5]), parts([2, 2, 3, 1], [5, 5, 5, 5])
    single = np.zeros(4, dtype=np.int64)
    plain, one_stratum = one(estimate_differences(a, b, HOW)), one(estimate_differences(a, b, HOW, single))
    assert plain.value == one_stratum.value
    assert "stratum" not in plain.method
