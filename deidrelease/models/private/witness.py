"""Measures while training runs whether clipping, noise and sampling are what the guarantee says.

A witness computes again, from what is in memory, and by code that shares nothing with the optimiser. What it finds
ends the training before an epsilon is stated. The tests of noise and sampling are exact or nearly so, at a level of one
in a billion: a sound training is not stopped in a lifetime, an unsound one within a few steps.

Imports torch and scipy when it is imported; import it inside functions.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from scipy import stats

from deidrelease.errors import PrivacyError, Problem
from deidrelease.models.private.optimizer import AUTOMATIC_STABILITY, LARGEST_NORM
from deidrelease.models.private.plan import Plan

_LEVEL = 1e-9
_SKETCH = 256
_SLACK = 1e-3


class ClippingWitness:
    """Holds what was added to the sum to the gradients that were there: each scaled, none longer than the bound."""

    def __init__(self, parameters: Sequence[torch.nn.Parameter], plan: Plan) -> None:
        self._parameters = list(parameters)
        self._plan = plan
        self._expected: list[torch.Tensor] = []
        self._examples = 0
        self.largest = 0.0
        """Largest norm of a gradient after it was scaled."""

    def before(self, examples: int) -> None:
        """To be called when the gradients of a physical batch are there and the optimiser has not seen them.

        Raises:
            PrivacyError: A parameter has no gradient for each example.
        """
        samples = [self._samples(parameter, examples) for parameter in self._parameters]
        self._examples = examples
        norms = torch.stack([(sample.double() ** 2).sum(1) for sample in samples]).sum(0).sqrt()
        scales = torch.where(norms < LARGEST_NORM, self._scales(norms), 0.0)
        if examples:
            self.largest = max(self.largest, float(torch.where(scales > 0, norms * scales, 0.0).max()))
        self._expected = [
            _plus(parameter, scales, sample) for parameter, sample in zip(self._parameters, samples, strict=True)
        ]

    def after(self) -> None:
        """To be called when the optimiser has clipped and added.

        Raises:
            PrivacyError: The sum is another: something was not clipped, or was added that is no example's gradient.
        """
        pairs = zip(self._parameters, self._expected, strict=True)
        off = math.sqrt(sum(_squared_distance(parameter, expected) for parameter, expected in pairs))
        bound = self._plan.bound
        if not off <= _SLACK * bound * max(1, self._examples) or self.largest > bound * (1 + _SLACK):
            raise _unsound("clipping", "the sum of a step is not that of gradients clipped one by one")
        self._expected = []

    def _samples(self, parameter: Any, examples: int) -> torch.Tensor:
        sample = parameter.grad_sample
        if not isinstance(sample, torch.Tensor) or len(sample) != examples:
            raise _unsound("per-sample gradients", "a parameter has no gradient for each example of the batch")
        return sample.float().flatten(1)

    def _scales(self, norms: torch.Tensor) -> torch.Tensor:
        if self._plan.clip == "automatic":
            return 1 / (norms + AUTOMATIC_STABILITY)
        return torch.minimum(torch.ones_like(norms), self._plan.clip / norms.clamp(min=1e-30))


def _squared_distance(parameter: Any, expected: torch.Tensor) -> float:
    return float((parameter.summed_grad.flatten() - expected).double().square().sum())


def _plus(parameter: Any, scales: torch.Tensor, sample: torch.Tensor) -> torch.Tensor:
    finite = torch.where((scales > 0)[:, None], sample, 0.0)
    added = scales.to(finite.dtype) @ finite
    return added if parameter.summed_grad is None else parameter.summed_grad.flatten() + added


class NoiseWitness:
    """Holds the noise of every step, tensor by tensor and over all steps, to its standard deviation, and no two alike.

    The squared norm of d normal numbers has a chi-square distribution; two independent draws do not correlate.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._sketches: list[torch.Tensor] = []
        self._squares = 0.0
        self._count = 0

    def step(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """To be called after the noise was added, while the sum without it is still there.

        Raises:
            PrivacyError: The noise is too small, too large, or was there before.
        """
        std = self._plan.noise_multiplier * self._plan.bound
        if not std > 0:
            raise _unsound("noise", "there is none")
        noises = [self._noise(parameter) for parameter in parameters]
        for noise in noises:
            squares = float((noise / std).square().sum())
            _judge(squares, noise.numel())
            self._squares, self._count = self._squares + squares, self._count + noise.numel()
        # Over many steps even a few per cent too little show.
        _judge(self._squares, self._count)
        sketch = torch.cat([noise.flatten()[:_SKETCH] for noise in noises])[: 2 * _SKETCH].float()
        self._compare(sketch / sketch.norm())

    def _noise(self, parameter: Any) -> torch.Tensor:
        noisy: torch.Tensor = parameter.grad.double() * self._plan.batch
        noise: torch.Tensor = noisy - parameter.summed_grad.double()
        return noise.cpu()

    def _compare(self, sketch: torch.Tensor) -> None:
        limit = 8 / len(sketch) ** 0.5
        if self._sketches and limit < 1:
            alike = torch.stack(self._sketches) @ sketch
            if float(alike.abs().max()) > limit:
                raise _unsound("noise", "the noise of one step is that of another")
        self._sketches.append(sketch)


def _judge(squares: float, count: int) -> None:
    low, high = _chi_square_range(count)
    # Single precision of the noisy sum blurs the noise a little where that sum is large.
    if not low * (1 - _SLACK) <= squares <= high * (1 + _SLACK):
        raise _unsound("noise", "the noise that was added has not the standard deviation that is accounted for")


@lru_cache(maxsize=4096)
def _chi_square_range(count: int) -> tuple[float, float]:
    # A training has a test for every parameter and step, a million perhaps: so the level is lower here.
    return float(stats.chi2.ppf(_LEVEL / 1e6, count)), float(stats.chi2.isf(_LEVEL / 1e6, count))


@dataclass(slots=True)
class SamplingCounts:
    """What sampling has come to; adds up over the attempts of one training.

    Attributes:
        steps: Steps seen.
        drawn: Units drawn, over all steps.
        pairs: Pairs of steps that followed each other, each step in one pair.
        shared: Units that were in both steps of a pair, over all pairs.
        equal: Pairs of steps of the same size.
    """

    steps: int = 0
    drawn: int = 0
    pairs: int = 0
    shared: int = 0
    equal: int = 0


class SamplingWitness:
    """Holds the batches that came to what coins give: shuffled or fixed-size batches have too little in common.

    With a coin for each unit and step, the units drawn are binomial in (N·steps, q); those in both of two steps in
    (N·pairs, q²), and none under shuffling; and two steps seldom have the same size, but always under a fixed one.
    Few steps say little, so this stands beside the check of what draws the batches, and not in its place.
    """

    def __init__(self, plan: Plan, counts: SamplingCounts) -> None:
        self._plan = plan
        self.counts = counts
        self._waiting: set[int] | None = None

    def step(self, batch: Sequence[int]) -> None:
        """Takes note of a step.

        Raises:
            PrivacyError: A unit was drawn twice in one step, or one that is not there.
        """
        drawn = {int(unit) for unit in batch}
        if len(drawn) != len(batch) or (drawn and (min(drawn) < 0 or max(drawn) >= self._plan.units)):
            raise _unsound("sampling", "a step draws a unit twice, or one that is not there")
        counts = self.counts
        counts.steps += 1
        counts.drawn += len(drawn)
        if self._waiting is None:
            self._waiting = drawn
            return
        counts.pairs += 1
        counts.shared += len(drawn & self._waiting)
        counts.equal += len(drawn) == len(self._waiting)
        self._waiting = None

    def judge(self) -> None:
        """To be called after the last step.

        Raises:
            PrivacyError: The batches are not what Poisson sampling gives.
        """
        counts, units, rate = self.counts, self._plan.units, self._plan.sampling_rate
        if rate == 1:
            sound = counts.drawn == units * counts.steps
        else:
            # The chance of equal sizes, exactly, from the distribution of one size.
            same = float((stats.binom.pmf(range(units + 1), units, rate) ** 2).sum())
            sound = (
                _likely(counts.drawn, units * counts.steps, rate)
                and _likely(counts.shared, units * counts.pairs, rate**2)
                and stats.binom.sf(counts.equal - 1, counts.pairs, same) > _LEVEL
            )
        if not sound:
            raise _unsound("sampling", "the batches are not what a coin for each unit and step gives")


def _likely(found: int, tries: int, chance: float) -> bool:
    """Whether a binomial count is not absurd; both tails."""
    distribution: Any = stats.binom(tries, chance)
    return bool(min(distribution.cdf(found), distribution.sf(found - 1)) > _LEVEL / 2)


def _unsound(check: str, what: str) -> PrivacyError:
    remedy = "report this: it is a fault of the program or of a library; nothing was promised"
    return PrivacyError("No epsilon is stated.", [Problem(f"check of {check}", what, remedy)])
