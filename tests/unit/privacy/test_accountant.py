"""The accountant against published values, closed forms and an implementation of its own."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp
from scipy.stats import norm

pytest.importorskip("dp_accounting", reason="needs deidrelease[dp]")
pytest.importorskip("opacus", reason="needs deidrelease[dp]")

from deidrelease.errors import PrivacyError
from deidrelease.privacy.accountant import (
    LARGEST_EPSILON,
    auto_delta,
    epsilon_by_pld,
    epsilon_by_rdp,
    noise_for,
    require_agreement,
    spent,
)
from deidrelease.privacy.events import PoissonGaussian

pytestmark = pytest.mark.slow


def classic_rdp_epsilon(q: float, sigma: float, steps: int, delta: float) -> float:
    """Mironov et al. 2019, section 3.3, for whole orders, with the conversion of Mironov 2017, proposition 3."""

    def divergence(order: int) -> float:
        k = np.arange(order + 1)
        binomial = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
        terms = binomial + k * np.log(q) + (order - k) * np.log1p(-q) + (k * k - k) / (2 * sigma**2)
        return float(logsumexp(terms)) / (order - 1)

    return min(steps * divergence(order) + math.log(1 / delta) / (order - 1) for order in range(2, 256))


def gaussian_epsilon(mu: float, delta: float) -> float:
    """Balle and Wang 2018, theorem 8, solved for epsilon: the Gaussian mechanism, exactly."""

    def excess(epsilon: float) -> float:
        tails = norm.cdf(mu / 2 - epsilon / mu) - math.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu)
        return float(tails - delta)

    return float(brentq(excess, 0, 100))


def one_step_epsilon(q: float, sigma: float, delta: float) -> float:
    """One step, exactly: the hockey-stick divergence of (1-q)N(0,s²) + qN(1,s²) from N(0,s²), solved for epsilon."""

    def excess(epsilon: float) -> float:
        # Above this point the mixture outweighs e^epsilon times the other.
        point = 0.5 + sigma**2 * math.log((math.exp(epsilon) - 1 + q) / q)
        there, here = norm.sf(point, 1, sigma), norm.sf(point, 0, sigma)
        return float(q * there + (1 - q - math.exp(epsilon)) * here - delta)

    return float(brentq(excess, 1e-9, 50))


@pytest.mark.parametrize(
    ("q", "sigma", "steps", "published"),
    [
        # tensorflow/privacy, tutorials/README.md, "Select Parameters": MNIST, batch 256, delta 1e-5.
        (256 / 60000, 1.12, 60 * 60000 // 256, 2.92),
        (256 / 60000, 0.6, 30 * 60000 // 256, 9.74),
        (256 / 60000, 1.2, 10 * 60000 // 256, 1.20),
        # Abadi et al. 2016, section 5.1 and figure 2: q 0.01, sigma 4, 100 epochs.
        (0.01, 4.0, 10000, 1.26),
    ],
)
def test_published_values(q: float, sigma: float, steps: int, published: float) -> None:
    event = [PoissonGaussian(q, sigma, steps)]
    # Whole orders alone; the published ones are from fractions too, so a little lower.
    assert classic_rdp_epsilon(q, sigma, steps, 1e-5) == pytest.approx(published, rel=0.005)
    # Newer conversions and PLD are tighter than what was published, and never looser; not absurdly so either.
    tight, renyi = epsilon_by_pld(event, 1e-5), epsilon_by_rdp(event, 1e-5)
    assert published * 0.6 < tight <= renyi <= published + 0.01


@pytest.mark.parametrize(
    ("steps", "q", "published"),
    # google/differential-privacy, dp_accounting/pld/accountant_test.py, get_smallest_subsampled_gaussian_noise.
    [(1, 0.01, 0.67379294682), (25, 0.001, 3.20956502598 / 6)],
)
def test_published_noise(steps: int, q: float, published: float) -> None:
    sigma = noise_for(1.0, 1e-5, q, steps)
    assert published - 1e-6 <= sigma <= published * 1.001
    assert epsilon_by_pld([PoissonGaussian(q, sigma, steps)], 1e-5) <= 1.0


@pytest.mark.parametrize(("sigma", "steps"), [(1.0, 1), (5.0, 10), (2.0, 3), (20.0, 100)])
def test_without_sampling_it_is_the_gaussian_mechanism(sigma: float, steps: int) -> None:
    exact = gaussian_epsilon(math.sqrt(steps) / sigma, 1e-5)
    assert exact - 1e-9 <= epsilon_by_pld([PoissonGaussian(1.0, sigma, steps)], 1e-5) <= exact * 1.001 + 1e-4


@pytest.mark.parametrize(("q", "sigma"), [(0.01, 0.7), (0.2, 0.5), (0.25, 1.5), (0.9, 1.0)])
def test_one_step_is_never_below_the_exact_value(q: float, sigma: float) -> None:
    exact = one_step_epsilon(q, sigma, 1e-5)
    found = epsilon_by_pld([PoissonGaussian(q, sigma, 1)], 1e-5)
    # The larger of both directions; removing never costs less than a unit's presence tells.
    assert exact - 1e-6 <= found <= exact * 1.01 + 1e-3


def test_the_three_accountants_stand_side_by_side() -> None:
    found = spent([PoissonGaussian(0.25, 4.484, 100)], 1e-4)
    assert found.epsilon == pytest.approx(1.9998, abs=1e-3)
    assert found.epsilon <= found.rdp
    assert found.opacus == pytest.approx(found.epsilon, rel=0.05)


@pytest.mark.parametrize("epsilon", [0.01, 0.5, 2.0, 8.0, 90.0])
def test_noise_reaches_its_target_and_does_not_pass_it(epsilon: float) -> None:
    sigma = noise_for(epsilon, 1e-4, 0.25, 50)
    assert float(f"{sigma:.4g}") == sigma
    assert epsilon * 0.99 < epsilon_by_pld([PoissonGaussian(0.25, sigma, 50)], 1e-4) <= epsilon


def test_where_delta_alone_would_do_there_is_noise_all_the_same() -> None:
    """One unit in 1,000 for one step: even without noise only a share of 0.001 is told of, less than delta."""
    assert noise_for(1.0, 0.01, 0.001, 1) == pytest.approx(0.05, rel=1e-3)


def test_the_exact_value_of_a_rare_step_is_zero() -> None:
    assert epsilon_by_pld([PoissonGaussian(0.001, 1.0, 1)], 0.01) == 0


@pytest.mark.parametrize(
    ("epsilon", "rdp", "opacus", "named"),
    [
        (2.0, 1.8, 2.0, "RDP"),
        (2.0, 2.5, 2.2, "Opacus"),
        (2.0, 2.5, 1.8, "Opacus"),
        (2.0, math.nan, 2.0, "RDP"),
        (2.0, 2.5, math.nan, "Opacus"),
        (2.0, 2.5, math.inf, "Opacus"),
    ],
)
def test_accountants_that_contradict_one_another_state_nothing(
    epsilon: float, rdp: float, opacus: float, named: str
) -> None:
    with pytest.raises(PrivacyError) as error:
        require_agreement(epsilon, rdp, opacus)
    assert [problem.where for problem in error.value.problems] == [named]


def test_a_loose_upper_bound_is_no_contradiction() -> None:
    require_agreement(2.0, 5.0, 2.0)
    require_agreement(2.0, 1.91, 2.09)


def test_without_noise_nothing_is_promised() -> None:
    assert epsilon_by_pld([PoissonGaussian(0.1, 0.0, 1)], 1e-5) == math.inf
    assert spent([PoissonGaussian(0.1, 1.0, 5), PoissonGaussian(0.1, 0.0, 1)], 1e-5).epsilon == math.inf


def test_beyond_all_reason_is_infinite_and_quick() -> None:
    assert epsilon_by_pld([PoissonGaussian(0.5, 0.1, 10**6)], 1e-5) == math.inf
    assert LARGEST_EPSILON < 10**4


def test_nothing_done_is_nothing_spent() -> None:
    assert spent([], 1e-5).epsilon == 0
    assert spent([PoissonGaussian(0.1, 1.0, 0)], 1e-5).epsilon == 0


@pytest.mark.parametrize("delta", [0.0, 1.0, -1e-5, math.nan])
def test_a_delta_that_is_none(delta: float) -> None:
    with pytest.raises(ValueError, match="delta"):
        epsilon_by_pld([PoissonGaussian(0.1, 1.0, 1)], delta)


@pytest.mark.parametrize(
    ("units", "wanted"), [(1, 0.01), (50, 0.01), (100, 0.0063), (375, 0.0014), (10**4, 3.9e-5), (10**10, 9.9e-12)]
)
def test_auto_delta_by_hand(units: int, wanted: float) -> None:
    # 100^-1.1 = 0.00631, 375^-1.1 = 0.001474, 10^-4.4 = 3.98e-5; 10^-11 is not below itself.
    assert auto_delta(units) == wanted


def test_auto_delta_is_strictly_below_its_limit() -> None:
    assert all(auto_delta(units) < units**-1.1 for units in (*range(2, 3000), 10**5, 10**10, 10**20))


@pytest.mark.slow
@pytest.mark.parametrize("group", [2, 3])
def test_a_group_without_sampling_is_as_much_less_noise(group: int) -> None:
    exact = gaussian_epsilon(group * math.sqrt(10) / 8.0, 1e-5)
    found = epsilon_by_pld([PoissonGaussian(1.0, 8.0, 10)], 1e-5, group)
    assert exact - 1e-9 <= found <= exact * 1.01


@pytest.mark.slow
def test_a_group_costs_more_than_one_and_no_more_than_all_of_it_at_once() -> None:
    event = [PoissonGaussian(0.1, 4.0, 20)]
    one, two = epsilon_by_pld(event, 1e-5), epsilon_by_pld(event, 1e-5, 2)
    # Two units with coins of their own tell less than one that is twice as large.
    twice_as_large = epsilon_by_pld([PoissonGaussian(0.1 * 2, 2.0, 20)], 1e-5)
    assert one < two < twice_as_large
