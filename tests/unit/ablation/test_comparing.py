"""Paired comparisons: by hand, against scipy and an exhaustive oracle, and what they claim when nothing is there."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from scipy import stats

from deidrelease.ablation.comparing import (
    Question,
    Side,
    compare_all,
    differences_to,
    f1_of,
    patient_f1,
    signed_ranks,
    strata_of,
)
from deidrelease.ablation.outcomes import CellOutcome, Outcomes
from deidrelease.scoring.bootstrap import Resampling

FEW = Resampling(seed=1, n_resamples=200)


def outcomes_of(counts: dict[str, np.ndarray], folds: Sequence[int]) -> Outcomes:
    """Cells without settings, whose synthetic taggers have these counts; the gold taggers miss everything."""
    nothing = {name: np.column_stack([of[:, 0] * 0, of[:, 0] * 0, of[:, 0] + of[:, 2]]) for name, of in counts.items()}
    both = {name: np.stack([nothing[name], of], axis=1) for name, of in counts.items()}
    return Outcomes({}, tuple(CellOutcome(name, {}, ()) for name in counts), np.array(folds), both)


def luck(rng: np.random.Generator, mentions: np.ndarray, chance: float | np.ndarray) -> np.ndarray:
    """Counts of a tagger that finds each mention with `chance`, and is wrong as often as it misses."""
    found = rng.binomial(mentions, chance)
    return np.column_stack([found, mentions - found, mentions - found])


def exhaustive(differences: Sequence[float]) -> float:
    """Two-sided p over all signs that the ranks of the differences that are not zero might have had."""
    apart = [d for d in differences if d]
    ranks = stats.rankdata(np.abs(apart))
    seen = sum(rank for rank, d in zip(ranks, apart, strict=True) if d > 0)
    sums = [float(np.dot(signs, ranks)) for signs in product((0, 1), repeat=len(apart))]
    low = sum(s <= seen + 1e-9 for s in sums) / len(sums)
    return min(1.0, 2 * min(low, sum(s >= seen - 1e-9 for s in sums) / len(sums)))


@pytest.mark.parametrize(
    ("differences", "p", "n"),
    [
        # Ranks 1 to 6, the sixth negative: 14 of the 64 sets of ranks sum to 6 or less.
        ([0.1, 0.2, 0.3, 0.4, 0.5, -0.6], 28 / 64, 6),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 2 / 64, 6),
        # Five patients can never reach 0.05, however clear they are.
        ([0.1, 0.2, 0.3, 0.4, 0.5], 2 / 32, 5),
        # Three equal ranks of 2: all up is one of eight ways, and so is all down.
        ([0.1, 0.1, 0.1], 2 / 8, 3),
        ([0.1, 0.1, -0.1], 1.0, 3),
        # Zeros say nothing.
        ([0.0, 0.0, 0.1, 0.2, 0.3, 0.0], 2 / 8, 3),
        ([0.0, 0.0], 1.0, 0),
        # One third minus itself, computed in another way, is a rounding and no difference.
        ([1 / 3 - (1 - 2 / 3), 0.5], 1.0, 1),
    ],
)
def test_the_signed_rank_test_as_worked_by_hand(differences: list[float], p: float, n: int) -> None:
    found = signed_ranks(np.array(differences))
    assert (found.p, found.n) == (pytest.approx(p), n)


@pytest.mark.parametrize("seed", range(6))
def test_with_ties_it_goes_through_all_signs(seed: int) -> None:
    differences = np.random.default_rng(seed).integers(-3, 6, 10) / 10
    assert signed_ranks(differences).p == pytest.approx(exhaustive(differences.tolist()))


def test_without_ties_it_is_the_exact_one_of_scipy() -> None:
    differences = np.random.default_rng(4).normal(0.02, 0.1, 40)
    assert signed_ranks(differences).p == stats.wilcoxon(differences, method="exact").pvalue


def test_many_patients_with_ties_by_the_normal_approximation() -> None:
    differences = np.random.default_rng(5).integers(-4, 6, 120) / 10
    apart = differences[differences != 0]
    ranks, n = stats.rankdata(np.abs(apart)), len(apart)
    _, tied = np.unique(ranks, return_counts=True)
    # Hollander & Wolfe 1999, 3.1: mean n(n+1)/4; variance n(n+1)(2n+1)/24 less the sum of (t^3 - t)/48 over ties.
    spread = np.sqrt(n * (n + 1) * (2 * n + 1) / 24 - (tied**3 - tied).sum() / 48)
    distance = abs(ranks[apart > 0].sum() - n * (n + 1) / 4) - 0.5
    assert signed_ranks(differences).p == pytest.approx(2 * stats.norm.sf(distance / spread))


def test_f1_of_a_patient() -> None:
    counts = np.array([[3, 1, 1], [0, 0, 2], [0, 0, 0], [0, 1, 0]])
    assert patient_f1(counts).tolist() == [0.75, 0.0, 1.0, 0.0]


def test_a_difference_is_that_of_the_summed_counts_with_the_sign_of_each_fold() -> None:
    a = np.array([[8, 2, 2], [9, 1, 1], [5, 5, 5], [6, 4, 4]])
    b = np.array([[6, 4, 4], [7, 3, 3], [6, 4, 4], [6, 4, 4]])
    made = outcomes_of({"a": a, "b": b}, [0, 0, 1, 1])
    [found] = compare_all(made, [Question("x", Side(("a",), "synthetic"), Side(("b",), "synthetic"))], FEW)
    # 2 * 28 / 80 minus 2 * 25 / 80; above in the first fold, below in the second.
    assert found.difference.value == pytest.approx(0.7 - 0.625)
    assert (found.folds, found.of, found.patients) == (1, 2, 3)
    assert "paired" in found.difference.method
    assert "within each stratum" in found.difference.method
    # Differences .2, .2, -.1: ranks 2.5, 2.5, 1; of eight ways three sum to 5 or more, or three to 1 or less.
    assert found.p == pytest.approx(exhaustive([0.2, 0.2, -0.1]))
    assert not found.told_apart


def test_sides_of_several_cells_add_their_counts() -> None:
    rng = np.random.default_rng(0)
    mentions = rng.integers(5, 20, 12)
    made = outcomes_of({name: luck(rng, mentions, 0.7) for name in "abc"}, [0] * 12)
    [pooled] = f1_of(made, [Side(("a", "b"), "synthetic")], FEW)
    whole = (made.counts["a"] + made.counts["b"])[:, 1].sum(axis=0)
    assert pooled is not None
    assert pooled.value == 2 * whole[0] / (2 * whole[0] + whole[1] + whole[2])


def test_all_comparisons_are_corrected_together() -> None:
    rng = np.random.default_rng(3)
    mentions = rng.integers(5, 20, 40)
    made = outcomes_of({str(i): luck(rng, mentions, 0.7 + 0.01 * i) for i in range(5)}, [0, 1] * 20)
    asked = [Question("x", Side((str(i),), "synthetic"), Side((str(i - 1),), "synthetic")) for i in range(1, 5)]
    found = compare_all(made, asked, FEW)
    # Holm by hand: the smallest of four times 4, the next times 3, never below the one before.
    before = 0.0
    for rank, each in enumerate(sorted(found, key=lambda each: each.p)):
        before = max(before, min(1.0, (4 - rank) * each.p))
        assert each.holm == pytest.approx(before)


def test_the_same_tagger_scored_twice_is_never_told_apart() -> None:
    counts = luck(np.random.default_rng(1), np.full(30, 10), 0.8)
    made = outcomes_of({"a": counts, "b": counts}, [0, 1, 2] * 10)
    [found] = compare_all(made, [Question("x", Side(("a",), "synthetic"), Side(("b",), "synthetic"))], FEW)
    assert (found.difference.value, found.p, found.told_apart) == (0.0, 1.0, False)
    assert found.difference.low < 0 < found.difference.high


@pytest.mark.parametrize(("gain", "least", "most"), [(0.0, 0, 10), (0.15, 95, 100)])
def test_how_often_two_taggers_are_told_apart(gain: float, least: int, most: int) -> None:
    """100 pairs of taggers on 60 patients: of equal ones 5 or so, of clearly unequal ones nearly all."""
    rng, told = np.random.default_rng(8), 0
    for _ in range(100):
        mentions = rng.integers(5, 25, 60)
        made = outcomes_of({"a": luck(rng, mentions, 0.7 + gain), "b": luck(rng, mentions, 0.7)}, [0, 1, 2] * 20)
        [found] = compare_all(made, [Question("x", Side(("a",), "synthetic"), Side(("b",), "synthetic"))], FEW)
        told += found.told_apart
        assert not found.told_apart or found.difference.low * found.difference.high > 0
    assert least <= told <= most


def test_a_fold_that_disagrees_is_enough_to_say_nothing() -> None:
    # Two folds gain .2, the third loses .1: over all patients the gain is beyond doubt, over trainings it is not.
    b = np.tile([6, 4, 4], (60, 1))
    a = np.vstack([np.tile([8, 2, 2], (40, 1)), np.tile([5, 5, 5], (20, 1))])
    asked = [Question("x", Side(("a",), "synthetic"), Side(("b",), "synthetic"))]
    [found] = compare_all(outcomes_of({"a": a, "b": b}, [0] * 20 + [1] * 20 + [2] * 20), asked, FEW)
    assert found.holm < 0.001
    assert (found.folds, found.of, found.told_apart) == (2, 3, False)
    [mixed] = compare_all(outcomes_of({"a": a, "b": b}, [0, 1, 2] * 20), asked, FEW)
    assert mixed.difference.low > 0
    assert (mixed.folds, mixed.told_apart) == (3, True)


def test_neither_number_is_enough_alone() -> None:
    # One patient with a thousand mentions loses much, thirty with ten each gain a little: the counts and the patients
    # point to different sides.
    small, large = np.tile([9, 1, 1], (30, 1)), np.array([[100, 900, 900]])
    a = np.vstack([small, large])
    b = np.vstack([np.tile([8, 2, 2], (30, 1)), np.array([[900, 100, 100]])])
    made = outcomes_of({"a": a, "b": b}, [0] * 31)
    [found] = compare_all(made, [Question("x", Side(("a",), "synthetic"), Side(("b",), "synthetic"))], FEW)
    assert found.difference.value < 0
    assert found.holm < 0.001
    assert not found.told_apart


def test_a_fold_of_one_patient_makes_no_stratum() -> None:
    counts = {"a": np.array([[1, 1, 1], [2, 1, 1], [3, 1, 1]])}
    assert strata_of(outcomes_of(counts, [0, 0, 1])) is None
    assert strata_of(outcomes_of(counts, [0, 0, 0])) is None
    paired = {"a": np.array([[1, 1, 1], [2, 1, 1], [3, 1, 1], [1, 1, 1]])}
    assert strata_of(outcomes_of(paired, [0, 0, 1, 1])) is not None


def test_the_distance_to_the_best_is_paired_too() -> None:
    rng = np.random.default_rng(2)
    mentions = rng.integers(5, 20, 30)
    made = outcomes_of({"a": luck(rng, mentions, 0.7), "b": luck(rng, mentions, 0.9)}, [0] * 30)
    sides = [Side((name,), "synthetic") for name in "ab"]
    to_best = differences_to(made, sides, sides[1], FEW)
    [found] = compare_all(made, [Question("x", sides[0], sides[1])], FEW)
    assert to_best[0] == found.difference
    assert differences_to(made, [], sides[1], FEW) == f1_of(made, [], FEW) == []


@pytest.mark.slow
def test_luck_in_training_is_seldom_taken_for_a_difference_with_five_folds() -> None:
    """200 pairs of equal cells, each training .02 better or worse; without the demand on folds 34 or so differ."""
    rng, told, without = np.random.default_rng(5), 0, 0
    folds = np.repeat(range(5), 40)
    asked = [Question("x", Side(("a",), "synthetic"), Side(("b",), "synthetic"))]
    for _ in range(200):
        mentions = rng.integers(5, 25, 200)
        a, b = (luck(rng, mentions, (0.85 + rng.normal(0, 0.02, 5))[folds]) for _ in "ab")
        [found] = compare_all(outcomes_of({"a": a, "b": b}, folds.tolist()), asked, FEW)
        told += found.told_apart
        without += found.holm <= 0.05 and found.difference.low * found.difference.high > 0
    assert told <= 20
    assert without >= 24
