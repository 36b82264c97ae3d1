"""What a training spent, by three accountants that have to agree.

The number is that of privacy loss distributions (Koskela et al. 2020; Doroshenko et al. 2022) as dp-accounting computes
them, rounded to the safe side. Renyi DP (Mironov et al. 2019) stands beside it as an upper bound, and Opacus's own
accountant (Gopi et al. 2021) as a second opinion. Where they contradict one another no epsilon is stated.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal, localcontext
from typing import Any

from deidrelease.errors import ConfigError, PrivacyError, Problem
from deidrelease.privacy.events import PoissonGaussian, merged

TOLERANCE = 0.05
"""By how much, as a share, accountants may differ."""
LARGEST_EPSILON = 1000.0
"""Beyond it nothing is promised, and no accountant is precise: epsilon is infinite."""
Part = tuple[PoissonGaussian, int]
"""An event, and how many units one patient is in it."""

_FINE = 1e-4
_GROUP_INTERVAL = 1e-3
_OPACUS_ERROR = 0.01
_SEARCHING = 5e-4
_SEARCH_ERROR = 1e-5
_BEYOND = 1e9
_SIGMA_DIGITS = 4
_SMALLEST_SIGMA, _LARGEST_SIGMA = 0.05, 1e6
_DELTA_POWER = Decimal("1.1")


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent at `delta`.

    Attributes:
        epsilon: By privacy loss distributions; what is reported. Infinite where nothing is promised.
        rdp: By Renyi DP.
        opacus: By Opacus.
        delta: For which they hold.
    """

    epsilon: float
    rdp: float
    opacus: float
    delta: float


def spent(events: Sequence[PoissonGaussian], delta: float) -> Spent:
    """What `events` together spend of the privacy of one unit, added or removed.

    Raises:
        PrivacyError: The accountants contradict one another by more than `TOLERANCE`, or one gives no number.
        ConfigError: The extra `dp` is not installed.
    """
    epsilon, rdp = epsilon_by_pld(events, delta), epsilon_by_rdp(events, delta)
    if not merged(events):
        return Spent(0.0, 0.0, 0.0, delta)
    if math.isinf(epsilon):
        return Spent(math.inf, math.inf, math.inf, delta)
    opacus = epsilon_by_opacus(events, delta, epsilon)
    require_agreement(epsilon, rdp, opacus)
    return Spent(epsilon, rdp, opacus, delta)


def require_agreement(epsilon: float, rdp: float, opacus: float) -> None:
    """Holds the three numbers to one another.

    Raises:
        PrivacyError: Opacus's differs from that of PLD, or Renyi DP's lies below it, by more than `TOLERANCE`.
    """
    problems = []
    if not rdp >= epsilon * (1 - TOLERANCE):
        problems.append(_contradiction("RDP", rdp, epsilon, "an upper bound lies below what it bounds"))
    if not abs(opacus - epsilon) <= TOLERANCE * epsilon:
        problems.append(_contradiction("Opacus", opacus, epsilon, "two accountants of one training differ"))
    if problems:
        raise PrivacyError("The accountants contradict one another, so no epsilon is stated.", problems)


def epsilon_by_pld(events: Sequence[PoissonGaussian], delta: float, group: int = 1) -> float:
    """Epsilon by privacy loss distributions; every rounding is to the safe side.

    Args:
        events: What ran.
        delta: Between 0 and 1.
        group: How many units are added or removed together. Each is sampled by a coin of its own, so the contribution
            of a group is a mixture of Gaussians (Ganesh 2024). At one delta that is more than `group` times epsilon;
            the textbook's `group` times holds at a far larger delta only.
    """
    return epsilon_of_parts([(event, group) for event in events], delta)


def epsilon_of_parts(parts: Sequence[Part], delta: float) -> float:
    """Epsilon by privacy loss distributions of events that each come with their group, all composed."""
    return _pld(parts, delta, _FINE)


def _pld(parts: Sequence[Part], delta: float, finest: float) -> float:
    _require_delta(delta)
    groups = {group: merged(event for event, size in parts if size == group) for group in {size for _, size in parts}}
    if any(event.noise_multiplier == 0 for events in groups.values() for event in events):
        return math.inf
    # Renyi DP is quick: where it is beyond all reason, nothing finer is asked. A group of k is noise / k at most.
    rough = sum(epsilon_by_rdp(events, delta) * group**2 for group, events in groups.items())
    if not rough <= 10 * LARGEST_EPSILON:
        return math.inf
    interval = max(finest, _interval(rough), *(_GROUP_INTERVAL for group in groups if group > 1), 0.0)
    accountant = _library("dp_accounting.pld").PLDAccountant(value_discretization_interval=interval)
    for group, events in sorted(groups.items()):
        for event in events:
            accountant.compose(_dp_event(event, group), event.steps)
    epsilon = float(accountant.get_epsilon(delta))
    return epsilon if epsilon <= LARGEST_EPSILON else math.inf


def epsilon_by_rdp(events: Sequence[PoissonGaussian], delta: float) -> float:
    """Epsilon by Renyi DP."""
    _require_delta(delta)
    accountant = _library("dp_accounting.rdp").RdpAccountant()
    with _quiet_libraries():
        for event in merged(events):
            accountant.compose(_dp_event(event), event.steps)
        return float(accountant.get_epsilon(delta))


def epsilon_by_opacus(events: Sequence[PoissonGaussian], delta: float, near: float) -> float:
    """Epsilon by Opacus's accountant of privacy loss random variables; an upper bound, as it gives it.

    Args:
        events: What ran, none without noise.
        delta: Between 0 and 1.
        near: About what is expected; the error that the accountant may make is a hundredth of it.

    Raises:
        PrivacyError: It gives no number.
    """
    _require_delta(delta)
    accountant = _library("opacus.accountants").PRVAccountant()
    accountant.history = [(e.noise_multiplier, e.sampling_rate, e.steps) for e in merged(events)]
    error = max(min(_OPACUS_ERROR, _OPACUS_ERROR * near), 1e-5) if near <= 1 else _OPACUS_ERROR * near
    try:
        return float(accountant.get_epsilon(delta, eps_error=error))
    except (ValueError, ArithmeticError, MemoryError) as failure:
        problem = Problem(
            "opacus", f"gives no epsilon ({type(failure).__name__})", "use a larger delta, or fewer steps"
        )
        raise PrivacyError("One of the accountants gives no number, so no epsilon is stated.", [problem]) from None


def noise_for(epsilon: float, delta: float, sampling_rate: float, steps: int) -> float:
    """The noise multiplier, rounded up to four digits, whose training spends nearly `epsilon` by PLD, and never more.

    At least 0.05: where delta alone covers so rare a sampling, no noise at all would do, and that is not offered.

    Raises:
        PrivacyError: No noise is enough: the target is too low.
    """
    if not epsilon > 0:
        raise ValueError("a target epsilon lies above 0")

    def excess(log_sigma: float) -> float:
        event = PoissonGaussian(sampling_rate, math.exp(log_sigma), steps)
        found = _pld([(event, 1)], delta, searching)
        return math.log(min(max(found, 1 / _BEYOND), _BEYOND) / epsilon)

    def enough(sigma: float) -> bool:
        return epsilon_by_pld([PoissonGaussian(sampling_rate, sigma, steps)], delta) <= epsilon

    searching = _SEARCHING if epsilon >= 1 else _FINE
    low, high = _bracket(excess)
    if low < math.log(_SMALLEST_SIGMA):
        return _rounded_up(_SMALLEST_SIGMA, enough)
    from scipy.optimize import brentq

    return _rounded_up(math.exp(brentq(excess, low, high, xtol=_SEARCH_ERROR)), enough)


def _bracket(excess: Callable[[float], float]) -> tuple[float, float]:
    """Logarithms of a noise that is too small and of one that is enough, a factor of two apart."""
    high = 0.0
    while excess(high) > 0:
        high += math.log(2)
        if high > math.log(_LARGEST_SIGMA):
            problem = Problem("epsilon", "cannot be reached with any noise", "ask for more, or take fewer steps")
            raise PrivacyError("There is no training with this guarantee.", [problem])
    low = high - math.log(2)
    while low >= math.log(_SMALLEST_SIGMA) and excess(low) <= 0:
        low -= math.log(2)
    return low, low + math.log(2)


def auto_delta(units: int) -> float:
    """The largest number of two digits strictly below 1 / units^1.1; at most 0.01, whatever `units` is."""
    if units < 1:
        raise ValueError("there is no unit")
    with localcontext(Context(prec=40)):
        limit = min(Decimal(units) ** -_DELTA_POWER, Decimal("0.01"))
        unit = Decimal(1).scaleb(limit.adjusted() - 1)
        delta = limit.quantize(unit, rounding=ROUND_DOWN)
        return float(delta if delta < Decimal(units) ** -_DELTA_POWER else _next_below(delta))


def _next_below(delta: Decimal) -> Decimal:
    """The number of two digits below one of two digits: below 1.0e-5 comes 9.9e-6."""
    below = delta - Decimal(1).scaleb(delta.adjusted() - 1)
    return below if below.adjusted() == delta.adjusted() else Decimal("9.9").scaleb(delta.adjusted() - 1)


def _rounded_up(sigma: float, enough: Callable[[float], bool]) -> float:
    step = Decimal(1).scaleb(Decimal(sigma).adjusted() - _SIGMA_DIGITS + 1)
    number = Decimal(sigma).quantize(step, rounding=ROUND_UP)
    while not enough(float(number)):
        number += step
    return float(number)


def _dp_event(event: PoissonGaussian, group: int = 1) -> Any:
    dp = _library("dp_accounting.dp_event")
    if group == 1:
        return dp.PoissonSampledDpEvent(event.sampling_rate, dp.GaussianDpEvent(event.noise_multiplier))
    if event.sampling_rate == 1:
        return dp.GaussianDpEvent(event.noise_multiplier / group)
    from scipy.stats import binom

    sizes = range(group + 1)
    chances = [float(binom.pmf(size, group, event.sampling_rate)) for size in sizes]
    return dp.MixtureOfGaussiansDpEvent(event.noise_multiplier, [float(size) for size in sizes], chances)


def _interval(rough: float) -> float:
    """How finely privacy loss is cut: finely where epsilon may count, coarsely where it says nothing any more."""
    return next((_FINE * factor for factor, most in ((1, 50), (10, 500), (100, 5000)) if rough <= most), _FINE * 1000)


def _contradiction(name: str, number: float, epsilon: float, what: str) -> Problem:
    said = f"says {number:.4g} where PLD says {epsilon:.4g}: {what}"
    return Problem(name, said, "report this with the number of steps, the sampling rate and the noise")


def _require_delta(delta: float) -> None:
    if not 0 < delta < 1:
        raise ValueError("a delta lies between 0 and 1")


def _library(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        problem = Problem(name.partition(".")[0], "is not installed", "pip install 'deidrelease[dp]'")
        raise ConfigError("Differential privacy needs what is not installed.", [problem]) from None


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keeps absl from telling of orders that Renyi DP leaves out: leaving one out only makes its bound larger."""
    logger = logging.getLogger("absl")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
