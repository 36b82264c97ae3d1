"""The page for compliance officers says what the code computes."""

import math
from pathlib import Path

import pytest

pytest.importorskip("dp_accounting", reason="needs deidrelease[dp]")
pytest.importorskip("opacus", reason="needs deidrelease[dp]")

from deidrelease.privacy.accountant import auto_delta, epsilon_by_pld, noise_for, spent
from deidrelease.privacy.events import PoissonGaussian

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "what-epsilon-means-here.md"
PATIENTS, BATCH, EPOCHS, TARGET = 3000, 256, 10, 4.0
RATE = BATCH / PATIENTS
STEPS = math.ceil(EPOCHS / RATE)
DELTA = auto_delta(PATIENTS)


@pytest.fixture(scope="module")
def page() -> str:
    return " ".join(PAGE.read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def event() -> PoissonGaussian:
    return PoissonGaussian(RATE, noise_for(TARGET, DELTA, RATE, STEPS), STEPS)


def certainty(epsilon: float) -> float:
    """The largest posterior of an even bet under epsilon-DP (Kairouz et al. 2015, theorem 2.1, at delta 0)."""
    return math.exp(epsilon) / (1 + math.exp(epsilon))


def test_the_plan_of_the_example(page: str, event: PoissonGaussian) -> None:
    assert f"trains on {PATIENTS:,} patients. delta auto gives {DELTA:.5f}." in page
    assert f"{STEPS} steps, each patient in each with a chance of {RATE:.1%}".replace("%", " %") in page
    assert f"noise multiplier {event.noise_multiplier:.4g}." in page


def test_what_the_example_spends(page: str, event: PoissonGaussian) -> None:
    found = spent([event], DELTA)
    beside = f"(Renyi DP, an upper bound: {found.rdp:.4g}; Opacus: {found.opacus:.4g})"
    assert f"Spent: **{found.epsilon:.4g}** {beside}" in page


@pytest.mark.parametrize(
    ("trainings", "line"),
    [
        (1, "the language model"),
        (2, "and the annotator, with the same settings"),
        (4, "and both once more a year later, for a second release"),
        (8, "and both twice more"),
    ],
)
def test_how_the_example_adds_up(page: str, event: PoissonGaussian, trainings: int, line: str) -> None:
    assert f"| {line} | {epsilon_by_pld([event] * trainings, DELTA):.4g} |" in page


def test_where_the_budget_of_the_example_ends(page: str, event: PoissonGaussian) -> None:
    """Within 10 stand five trainings and not six: the second of the third release."""
    assert "With a budget of epsilon 10, the first two releases are made" in page
    assert "refuses to begin the second training of the third" in page
    assert epsilon_by_pld([event] * 5, DELTA) <= 10 < epsilon_by_pld([event] * 6, DELTA)


@pytest.mark.parametrize(("epsilon", "shown"), [(0.5, "62"), (1, "73"), (2, "88"), (4, "98"), (8, "99.97")])
def test_what_the_sizes_mean(page: str, epsilon: float, shown: str) -> None:
    assert f"| {epsilon:g} | {shown} % |" in page
    assert float(shown) == pytest.approx(100 * certainty(epsilon), abs=0.5 if epsilon < 8 else 0.005)


def test_what_anna_can_be_told_of(page: str, event: PoissonGaussian) -> None:
    both = certainty(epsilon_by_pld([event] * 2, DELTA))
    assert f"with more than {both:.1%} certainty".replace("%", " %") in page
    assert f"with the language model alone, {certainty(epsilon_by_pld([event], DELTA)):.0%}.".replace("%", " %") in page


@pytest.mark.slow
def test_what_a_patient_with_three_notes_has(page: str, event: PoissonGaussian) -> None:
    three, one = epsilon_by_pld([event], DELTA, 3), epsilon_by_pld([event], DELTA)
    assert f"a note would have the {one:.4g}, and that patient **{three:.3g}**: more than three times" in page
    assert three > 3 * one
