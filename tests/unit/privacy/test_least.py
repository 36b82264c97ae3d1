"""The lower bound by which `verify` finds out an epsilon that is too small: never above the truth, and close to it."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deidrelease.privacy.events import PoissonGaussian
from deidrelease.privacy.least import is_too_small, least_delta

TRAINING = PoissonGaussian(0.085, 1.168, 118)


def normal(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def gaussian_delta(mu: float, epsilon: float) -> float:
    """Of one Gaussian mechanism with sensitivity over noise `mu`, exactly (Balle and Wang 2018, theorem 8)."""
    return normal(mu / 2 - epsilon / mu) - math.exp(epsilon) * normal(-mu / 2 - epsilon / mu)


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize(("sigma", "steps"), [(5.0, 50), (2.0, 1), (1.0, 2), (30.0, 900)])
def test_where_everybody_takes_part_it_is_the_gaussian_mechanism(sigma: float, steps: int, epsilon: float) -> None:
    exact = gaussian_delta(math.sqrt(steps) / sigma, epsilon)
    found = least_delta([PoissonGaussian(1.0, sigma, steps)], epsilon)
    assert found <= exact
    assert found == pytest.approx(exact, rel=1e-2, abs=3e-8)


@pytest.mark.parametrize("epsilon", [0.05, 0.5, 2.0])
@pytest.mark.parametrize(("rate", "sigma"), [(0.1, 0.7), (0.5, 1.5), (0.9, 1.0)])
def test_one_step_is_the_integral_over_its_outcomes(rate: float, sigma: float, epsilon: float) -> None:
    # Sums a fine grid, by densities: another way than that of the code.
    total, width = 0.0, 0.001
    for i in range(-12_000, 14_000):
        x = i * width
        out, inside = (math.exp(-((x - at) ** 2) / (2 * sigma**2)) for at in (0, 1))
        total += max(0.0, (1 - rate) * out + rate * inside - math.exp(epsilon) * out)
    exact = total * width / (sigma * math.sqrt(2 * math.pi))
    found = least_delta([PoissonGaussian(rate, sigma, 1)], epsilon)
    assert found <= exact * (1 + 1e-6) + 1e-12
    assert found == pytest.approx(exact, rel=1e-2, abs=1e-7)


@settings(max_examples=8, deadline=None)
@given(
    rate=st.floats(0.001, 1.0), sigma=st.floats(0.6, 20.0), steps=st.integers(1, 300),
    delta=st.sampled_from([1e-3, 1e-5, 1e-7]),
)  # fmt: skip
def test_what_an_accountant_states_is_never_refused(rate: float, sigma: float, steps: int, delta: float) -> None:
    pytest.importorskip("dp_accounting", reason="needs the extra dp")
    from deidrelease.privacy.accountant import epsilon_by_pld

    event = PoissonGaussian(rate, sigma, steps)
    epsilon = epsilon_by_pld([event], delta)
    if math.isfinite(epsilon):
        assert not is_too_small([event], epsilon, delta)


@pytest.mark.parametrize(
    ("event", "delta"),
    [
        (TRAINING, 1.4e-4),
        (PoissonGaussian(0.01, 1.0, 1000), 1e-5),
        (PoissonGaussian(0.25, 4.0, 200), 1e-5),
        (PoissonGaussian(0.3, 20.0, 500), 1e-7),
    ],
)
def test_a_hundredth_less_than_an_accountant_states_is_refused(event: PoissonGaussian, delta: float) -> None:
    pytest.importorskip("dp_accounting", reason="needs the extra dp")
    from deidrelease.privacy.accountant import epsilon_by_pld

    assert is_too_small([event], 0.99 * epsilon_by_pld([event], delta), delta)


def test_several_kinds_of_steps_add_up() -> None:
    whole = least_delta([TRAINING], 2.0)
    parts = [PoissonGaussian(0.085, 1.168, 59), PoissonGaussian(0.085, 1.168, 59)]
    assert least_delta(parts, 2.0) == whole
    both = least_delta([TRAINING, PoissonGaussian(0.2, 3.0, 60)], 2.0)
    assert both > whole
    assert least_delta([PoissonGaussian(0.2, 3.0, 60), TRAINING], 2.0) == pytest.approx(both, rel=1e-9)


@pytest.mark.parametrize(
    "event",
    [
        PoissonGaussian(1e-300, 1.0, 10**15),
        PoissonGaussian(1.0, 1e300, 1),
        PoissonGaussian(1e-9, 1e6, 1),
        PoissonGaussian(0.5, 1.0, 0),
        PoissonGaussian(1.0, 10**400, 3),
    ],
)
def test_what_tells_next_to_nothing_refuses_nothing(event: PoissonGaussian) -> None:
    assert least_delta([event], 0.1) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("sigma", [0.0, 5e-324, 1e-3, 0.1])
def test_next_to_no_noise_keeps_no_epsilon(sigma: float) -> None:
    # A unit takes part in one step of five, and whoever sees that step's sum knows it then.
    assert least_delta([PoissonGaussian(0.2, sigma, 5)], 3.0) > 0.19
    assert least_delta([PoissonGaussian(1.0, sigma, 10**12)], 3.0) > 0.9


def test_it_takes_a_moment() -> None:
    before = time.process_time()
    least_delta([TRAINING], 4.0)
    assert time.process_time() - before < 0.5
