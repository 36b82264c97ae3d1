"""What canaries prove of epsilon: against jax-privacy, against the paper by brute force, and against chance."""

import importlib.util
import json
import sys
from math import comb, exp, inf, log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from deidrelease_audits.canary.exposure import expected_exposure, exposures
from deidrelease_audits.canary.one_run import Plan, ceiling, epsilon_lower, plans, refutation_p, refuted_epsilon
from deidrelease_audits.statistics import auc

GOLDEN = Path(__file__).parents[2] / "golden"
sys.path.insert(0, str(GOLDEN))
try:
    from make_canary_auditor import CASES, LEVEL, auditor_of, drawn, told
finally:
    sys.path.pop(0)


def p_by_the_paper(canaries: int, guesses: int, correct: int, epsilon: float, delta: float) -> float:
    """Appendix D, written out: sums of single terms, no tail function."""
    q = 1 / (1 + exp(-epsilon))

    def chance(k: int) -> float:
        return comb(guesses, k) * q**k * (1 - q) ** (guesses - k)

    beta = sum(chance(k) for k in range(correct, guesses + 1))
    alpha, running = 0.0, 0.0
    for i in range(1, correct + 1):
        running += chance(correct - i)
        alpha = max(alpha, running / i)
    return min(1.0, beta + 2 * canaries * delta * alpha)


@pytest.mark.parametrize("case", json.loads((GOLDEN / "canary-auditor.json").read_text()), ids=lambda c: str(c["seed"]))
def test_equal_to_jax_privacys_auditor_on_the_same_scores(case: dict[str, object]) -> None:
    scores, inserted = drawn(case["seed"], case["canaries"], case["remembered"])  # type: ignore[arg-type]
    for top, theirs in case["epsilon_by_top"].items():  # type: ignore[attr-defined]
        ours = epsilon_lower(scores, inserted, case["delta"], LEVEL, [Plan(int(top), 0)])  # type: ignore[arg-type]
        assert ours.epsilon == pytest.approx(theirs, abs=2e-6)
    # Theirs is the area under the concave hull of the ROC curve, which is never below the curve itself.
    assert auc(scores[inserted], scores[~inserted]) <= case["auc"] + 1e-9  # type: ignore[operator]


def test_the_recorded_numbers_are_still_jax_privacys() -> None:
    spec = importlib.util.find_spec("jax_privacy")
    if spec is None or spec.origin is None:
        pytest.skip("jax-privacy is not installed; its recorded numbers stand in tests/golden/canary-auditor.json")
    module = auditor_of(str(Path(spec.origin).with_name("auditing.py")))
    recorded = json.loads((GOLDEN / "canary-auditor.json").read_text())
    assert [told(module, seed, *case) for seed, case in enumerate(CASES)] == recorded


@given(st.integers(1, 60), st.data(), st.floats(0, 4), st.sampled_from([0.0, 1e-9, 1e-5, 1e-3, 0.1]))
@settings(max_examples=200, deadline=None)
def test_equal_to_the_paper_by_brute_force(canaries: int, data: st.DataObject, epsilon: float, delta: float) -> None:
    guesses = data.draw(st.integers(1, canaries))
    correct = data.draw(st.integers(0, guesses))
    expected = p_by_the_paper(canaries, guesses, correct, epsilon, delta)
    assert refutation_p(canaries, guesses, correct, epsilon, delta) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("canaries", "certified"), [(100, 3.5), (500, 5.1), (1000, 5.8)])
def test_the_published_ceilings(canaries: int, certified: float) -> None:
    # Every guess right, 95%, delta 1e-5; without delta it is logit(0.05 ** (1 / m)).
    assert refuted_epsilon(canaries, canaries, canaries, 1e-5, 0.05) == pytest.approx(certified, abs=0.05)
    share = 0.05 ** (1 / canaries)
    assert refuted_epsilon(canaries, canaries, canaries, 0.0, 0.05) == pytest.approx(log(share / (1 - share)), abs=1e-6)


def test_the_bound_is_never_rounded_up() -> None:
    for correct in range(30, 51):
        bound = refuted_epsilon(80, 50, correct, 1e-5, 0.05)
        assert bound == 0 or refutation_p(80, 50, correct, bound, 1e-5) <= 0.05


@given(st.integers(20, 300), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_no_bound_passes_the_ceiling(canaries: int, seed: int) -> None:
    scores, inserted = drawn(seed, canaries, 10.0)
    assert epsilon_lower(scores, inserted, 1e-5, 0.05).epsilon <= ceiling(canaries, 1e-5, 0.05)


def test_more_right_guesses_more_canaries_and_a_smaller_delta_prove_no_less() -> None:
    by_correct = [refuted_epsilon(100, 50, correct, 1e-5, 0.05) for correct in range(51)]
    assert by_correct == sorted(by_correct)
    by_delta = [refuted_epsilon(100, 50, 48, delta, 0.05) for delta in (1e-2, 1e-3, 1e-5, 0.0)]
    assert by_delta == sorted(by_delta)
    assert [ceiling(m, 1e-5, 0.05) for m in (20, 100, 1000)] == sorted(ceiling(m, 1e-5, 0.05) for m in (20, 100, 1000))


@pytest.mark.parametrize(("canaries", "delta"), [(40, 1e-5), (200, 1e-5), (200, 1e-3)])
def test_without_any_training_no_more_than_one_in_twenty_proves_anything(canaries: int, delta: float) -> None:
    rng = np.random.default_rng(7)
    runs = 1000
    fired = 0
    for _ in range(runs):
        scores, inserted = rng.normal(size=canaries), rng.random(canaries) < 0.5
        fired += epsilon_lower(scores, inserted, delta, 0.05).epsilon > 0
    assert binom.cdf(fired, runs, 0.05) < 0.9999


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_randomised_response_is_refuted_at_its_own_epsilon_no_more_than_one_in_twenty(epsilon: float) -> None:
    # The mechanism that is worst of all: each coin is told right with the chance that epsilon allows, and no more.
    rng = np.random.default_rng(11)
    runs, fired, proved = 400, 0, []
    for _ in range(runs):
        inserted = rng.random(200) < 0.5
        right = rng.random(200) < 1 / (1 + exp(-epsilon))
        scores = np.where(inserted == right, 1.0, -1.0) + rng.normal(size=200) * 1e-3
        bound = epsilon_lower(scores, inserted, 0.0, 0.05).epsilon
        fired += bound > epsilon
        proved.append(bound)
    assert binom.cdf(fired, runs, 0.05) < 0.9999
    assert np.median(proved) > (1.3 if epsilon == 2 else 0.05)


def test_the_order_of_equal_scores_is_the_order_given() -> None:
    inserted = np.array([True, False] * 50)
    assert epsilon_lower(np.zeros(100), inserted, 1e-5, 0.05).epsilon == 0
    assert epsilon_lower(np.full(100, -inf), inserted, 1e-5, 0.05).epsilon == 0


def test_plans_do_not_look_at_scores_and_fit() -> None:
    for canaries in (1, 2, 7, 20, 333):
        assert all(plan.top >= 1 and plan.guesses <= canaries for plan in plans(canaries))
        assert len(set(plans(canaries))) == len(plans(canaries))


@pytest.mark.parametrize(("scores", "inserted"), [([], []), ([1.0], [True, False])])
def test_without_a_coin_for_each_there_is_no_bound(scores: list[float], inserted: list[bool]) -> None:
    with pytest.raises(ValueError, match="one coin for each"):
        epsilon_lower(np.array(scores), np.array(inserted, bool), 1e-5, 0.05)


def test_exposure_by_hand() -> None:
    # Three were kept out, so R is 4: first of four is 2 bits, second 1, third 2 - log2(3), last 0; ties count as worse.
    kept_out = np.array([1.0, 2.0, 3.0])
    assert exposures(np.array([4.0, 2.5, 1.5, 0.0, 3.0]), kept_out) == pytest.approx([2, 1, 2 - log(3, 2), 0, 1])
    assert expected_exposure(3) == pytest.approx((2 + 1 + 2 - log(3, 2) + 0) / 4)
    with pytest.raises(ValueError, match="none"):
        exposures(kept_out, np.array([]))


def test_exposure_of_what_was_not_learnt_is_what_is_expected() -> None:
    rng = np.random.default_rng(1)
    means = [exposures(rng.normal(size=50), rng.normal(size=50)).mean() for _ in range(2000)]
    assert np.mean(means) == pytest.approx(expected_exposure(50), abs=0.02)
