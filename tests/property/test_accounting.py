"""Epsilon never falls where more is told, and does not depend on the order in which it is added up."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("dp_accounting", reason="needs deidrelease[dp]")

from deidrelease.privacy.accountant import epsilon_by_pld, epsilon_by_rdp
from deidrelease.privacy.events import PoissonGaussian

pytestmark = pytest.mark.slow
DELTA = 1e-5
ROUNDING = 1e-3
"""By how much, as a share, rounding to a grid may hide that epsilon rose."""
rates = st.floats(0.001, 0.5)
noises = st.floats(0.8, 20)
counts = st.integers(1, 300)
events = st.builds(PoissonGaussian, rates, noises, counts)


def not_below(larger: float, smaller: float) -> bool:
    return larger >= smaller * (1 - ROUNDING) - 1e-6


def both(event: PoissonGaussian) -> tuple[float, float]:
    return epsilon_by_pld([event], DELTA), epsilon_by_rdp([event], DELTA)


@given(events, st.integers(1, 300))
@settings(max_examples=8, deadline=None)
def test_more_steps_never_lower_it(event: PoissonGaussian, more: int) -> None:
    longer = PoissonGaussian(event.sampling_rate, event.noise_multiplier, event.steps + more)
    assert all(map(not_below, both(longer), both(event)))


@given(events, st.floats(1, 2))
@settings(max_examples=8, deadline=None)
def test_a_larger_sampling_rate_never_lowers_it(event: PoissonGaussian, factor: float) -> None:
    oftener = PoissonGaussian(min(1.0, event.sampling_rate * factor), event.noise_multiplier, event.steps)
    assert all(map(not_below, both(oftener), both(event)))


@given(events, st.floats(0.6, 1))
@settings(max_examples=8, deadline=None)
def test_less_noise_never_lowers_it(event: PoissonGaussian, factor: float) -> None:
    clearer = PoissonGaussian(event.sampling_rate, event.noise_multiplier * factor, event.steps)
    assert all(map(not_below, both(clearer), both(event)))


@given(events, st.floats(0.1, 1))
@settings(max_examples=8, deadline=None)
def test_a_smaller_delta_never_lowers_it(event: PoissonGaussian, factor: float) -> None:
    assert not_below(epsilon_by_pld([event], DELTA * factor), epsilon_by_pld([event], DELTA))


@given(st.lists(events, min_size=2, max_size=3), st.randoms())
@settings(max_examples=5, deadline=None)
def test_the_order_of_composition_does_not_matter(several: Sequence[PoissonGaussian], random: object) -> None:
    shuffled = list(several)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert epsilon_by_pld(shuffled, DELTA) == epsilon_by_pld(several, DELTA)
    assert epsilon_by_rdp(shuffled, DELTA) == epsilon_by_rdp(several, DELTA)


@given(events, st.integers(1, 299))
@settings(max_examples=5, deadline=None)
def test_steps_in_two_parts_are_the_same_steps(event: PoissonGaussian, cut: int) -> None:
    first = PoissonGaussian(event.sampling_rate, event.noise_multiplier, min(cut, event.steps))
    rest = PoissonGaussian(event.sampling_rate, event.noise_multiplier, event.steps - first.steps)
    assert epsilon_by_pld([first, rest], DELTA) == epsilon_by_pld([event], DELTA)


@given(events, events)
@settings(max_examples=5, deadline=None)
def test_together_no_less_than_either_and_no_more_than_the_sum_at_half_delta(
    a: PoissonGaussian, b: PoissonGaussian
) -> None:
    together = epsilon_by_pld([a, b], DELTA)
    assert not_below(together, max(epsilon_by_pld([a], DELTA), epsilon_by_pld([b], DELTA)))
    # Basic composition (Dwork and Roth 2014, theorem 3.16) is an upper bound.
    assert not_below(epsilon_by_pld([a], DELTA / 2) + epsilon_by_pld([b], DELTA / 2), together)


@given(events)
@settings(max_examples=5, deadline=None)
def test_renyi_is_an_upper_bound(event: PoissonGaussian) -> None:
    tight, renyi = both(event)
    assert not_below(renyi, tight)
