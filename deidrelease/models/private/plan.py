"""What a training with a guarantee is going to do, fixed before its first step."""

import logging
import math
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from deidrelease.errors import ConfigError, Problem
from deidrelease.privacy.accountant import auto_delta, noise_for
from deidrelease.privacy.events import PoissonGaussian
from deidrelease.settings import DpSettings

logger = logging.getLogger(__name__)
_FEWEST_UNITS = 10
_MOST_BY_DEFAULT = 256


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the guarantee depends on, and how the steps are taken.

    Attributes:
        units: Patients, or notes, to draw from.
        batch: Units a step on average; what the noisy sum is divided by.
        sampling_rate: Chance of each unit to be in a step.
        steps: Fixed beforehand: when to stop is not read off private data.
        noise_multiplier: Standard deviation of the noise in units of the clipping norm.
        delta: The guarantee's.
        epsilon: The target.
        clip: As in `DpSettings`.
        learning_rate: Peak.
        warmup: Share of the steps over which the rate rises.
        physical_batch: Most units in memory at once.
    """

    units: int
    batch: int
    sampling_rate: float
    steps: int
    noise_multiplier: float
    delta: float
    epsilon: float
    clip: float | Literal["automatic"]
    learning_rate: float
    warmup: float
    physical_batch: int

    @property
    def bound(self) -> float:
        """The most that one unit can add to the sum of a step, as a norm."""
        return 1.0 if self.clip == "automatic" else self.clip

    @property
    def event(self) -> PoissonGaussian:
        """What will have happened if every step is taken."""
        return PoissonGaussian(self.sampling_rate, self.noise_multiplier, self.steps)


def plan_of(settings: DpSettings, units: int, warmup: float) -> Plan:
    """Calibrates the noise to the target.

    Raises:
        ConfigError: There are too few units for a guarantee to be worth its name, or the extra `dp` is missing.
        PrivacyError: No noise reaches the target.
    """
    _require_extra()
    if units < _FEWEST_UNITS:
        what = f"only {units} units ({settings.unit}s) to train on"
        remedy = f"at least {_FEWEST_UNITS} are needed, and thousands before the noise stops drowning what is learnt"
        raise ConfigError("Too few for a guarantee.", [Problem("dp", what, remedy)])
    batch = min(units, settings.batch or max(1, min(_MOST_BY_DEFAULT, units // 4)))
    rate = batch / units
    steps = settings.steps or max(1, math.ceil(settings.epochs / rate))
    delta = auto_delta(units) if settings.delta == "auto" else settings.delta
    plan = Plan(
        units=units,
        batch=batch,
        sampling_rate=rate,
        steps=steps,
        noise_multiplier=noise_for(settings.epsilon, delta, rate, steps),
        delta=delta,
        epsilon=settings.epsilon,
        clip=settings.clip,
        learning_rate=settings.learning_rate,
        warmup=warmup,
        physical_batch=settings.physical_batch,
    )
    logger.info(
        "epsilon %g at delta %g: %d steps, noise multiplier %g", plan.epsilon, delta, steps, plan.noise_multiplier
    )
    return plan


def _require_extra() -> None:
    missing = [name for name in ("opacus", "dp_accounting") if find_spec(name) is None]
    if missing:
        problem = Problem(", ".join(missing), "is not installed", "pip install 'deidrelease[dp]'")
        raise ConfigError("Differential privacy needs what is not installed.", [problem])
