"""Each mutant of DP-SGD that looks like training is caught while it runs, by a check that has a name."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("opacus", reason="the extra dp is not installed")

from deidrelease.errors import PrivacyError
from deidrelease.models.private.noise import NoiseStream
from deidrelease.models.private.optimizer import PrivateOptimizer
from deidrelease.models.private.plan import Plan
from deidrelease.models.private.witness import SamplingCounts, SamplingWitness
from deidrelease.privacy.poisson import Coins, PoissonBatches

Make = Any


def test_without_a_mutant_it_trains(make_trainer: Make) -> None:
    assert make_trainer().fit("training").steps == 30


@pytest.mark.parametrize("factor", [0.0, 0.8, 1.25])
def test_noise_of_another_size_is_caught(make_trainer: Make, monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    sound = NoiseStream.normal
    monkeypatch.setattr(NoiseStream, "normal", lambda self, shape, std: sound(self, shape, std * factor))
    with pytest.raises(PrivacyError, match="check of noise"):
        make_trainer().fit("training")


def test_noise_left_out_of_one_tensor_is_caught(make_trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = PrivateOptimizer.add_noise

    def all_but_one(self: PrivateOptimizer) -> None:
        sound(self)
        self.params[-1].grad = self.params[-1].summed_grad.clone()

    monkeypatch.setattr(PrivateOptimizer, "add_noise", all_but_one)
    with pytest.raises(PrivacyError, match="check of noise"):
        make_trainer().fit("training")


def test_the_same_noise_in_every_step_is_caught(make_trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(_: NoiseStream, shape: Sequence[int], std: float) -> Any:
        return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64) * std

    monkeypatch.setattr(NoiseStream, "normal", again)
    with pytest.raises(PrivacyError, match="noise of one step is that of another"):
        make_trainer().fit("training")


def test_less_noise_in_the_optimiser_than_in_the_plan_is_caught(make_trainer: Make) -> None:
    trainer = make_trainer()
    trainer._optimizer.noise_multiplier = 0.3
    with pytest.raises(PrivacyError, match="check of noise"):
        trainer.fit("training")


@pytest.mark.parametrize("clip", [0.05, "automatic"])
def test_clipping_turned_off_is_caught(make_trainer: Make, monkeypatch: pytest.MonkeyPatch, clip: Any) -> None:
    monkeypatch.setattr(PrivateOptimizer, "_clip_factors", lambda _, norms: torch.ones(len(norms)))
    with pytest.raises(PrivacyError, match="check of clipping"):
        make_trainer(clip=clip).fit("training")


def test_clipping_of_the_sum_rather_than_of_each_is_caught(make_trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def of_the_sum(self: PrivateOptimizer, norms: Any) -> Any:
        return torch.ones(len(norms)) * min(1.0, self.max_grad_norm / (float(norms.norm()) + 1e-6))

    monkeypatch.setattr(PrivateOptimizer, "_clip_factors", of_the_sum)
    with pytest.raises(PrivacyError, match="check of clipping"):
        make_trainer(clip=0.05).fit("training")


class Shuffled(PoissonBatches):
    """Goes through all units in a random order, a fixed number a step."""

    def batch(self, step: int) -> Any:
        return shuffled(self, step)


def shuffled(self: PoissonBatches, step: int) -> Any:
    size = round(self.units * self.rate)
    a_pass, place = divmod(step, self.units // size)
    return np.random.default_rng(a_pass).permutation(self.units)[place * size : (place + 1) * size]


def fixed_size(self: PoissonBatches, step: int) -> Any:
    return np.random.default_rng(step).choice(self.units, round(self.units * self.rate), replace=False)


def too_often(self: PoissonBatches, step: int) -> Any:
    return np.flatnonzero(np.random.default_rng(step).random(self.units) < 1.5 * self.rate)


def test_a_loader_that_is_not_poisson_gets_no_epsilon(make_trainer: Make) -> None:
    trainer = make_trainer()
    trainer._batches = Shuffled(Coins.fresh(), 40, 0.25)
    with pytest.raises(PrivacyError, match="the loader is not Poisson"):
        trainer.fit("training")


def test_a_loader_of_other_units_or_another_rate_gets_no_epsilon(make_trainer: Make) -> None:
    for units, rate in ((41, 0.25), (40, 0.2)):
        trainer = make_trainer()
        trainer._batches = PoissonBatches(Coins.fresh(), units, rate)
        with pytest.raises(PrivacyError, match="other units or another rate"):
            trainer.fit("training")


@pytest.mark.parametrize("mutant", [shuffled, fixed_size, too_often])
def test_a_loader_that_only_says_it_is_poisson_is_caught(
    make_trainer: Make, monkeypatch: pytest.MonkeyPatch, mutant: Any
) -> None:
    monkeypatch.setattr(PoissonBatches, "batch", mutant)
    with pytest.raises(PrivacyError, match="check of sampling"):
        make_trainer(steps=80).fit("training")


@pytest.mark.parametrize("batch", [[1, 1], [40], [-1, 3]])
def test_a_unit_drawn_twice_or_not_there_is_caught(plan: Plan, batch: list[int]) -> None:
    with pytest.raises(PrivacyError, match="twice, or one that is not there"):
        SamplingWitness(plan, SamplingCounts()).step(batch)


@pytest.mark.parametrize(("units", "rate"), [(40, 0.25), (1000, 0.05), (10, 0.01), (25, 1.0), (300, 0.9)])
def test_real_coins_are_never_caught(plan: Plan, units: int, rate: float) -> None:
    for _ in range(20):
        batches = PoissonBatches(Coins.fresh(), units, rate)
        witness = SamplingWitness(replace(plan, units=units, sampling_rate=rate), SamplingCounts())
        for step in range(60):
            witness.step([int(unit) for unit in batches.batch(step)])
        witness.judge()


def test_units_are_included_as_often_as_their_coins_say() -> None:
    from scipy.stats import chisquare

    units, rate, steps = 50, 0.2, 2000
    batches = PoissonBatches(Coins.fresh(), units, rate)
    counts = np.zeros(units)
    for step in range(steps):
        counts[batches.batch(step)] += 1
    spread = ((counts - steps * rate) ** 2 / (steps * rate * (1 - rate))).sum()
    from scipy.stats import chi2

    assert 1e-6 < chi2.cdf(spread, units) < 1 - 1e-6
    assert (
        chisquare(
            [counts.sum(), units * steps - counts.sum()], [units * steps * rate, units * steps * (1 - rate)]
        ).pvalue
        > 1e-6
    )


def test_a_unit_that_gives_two_examples_is_caught(make_trainer: Make) -> None:
    trainer = make_trainer()
    draw = trainer._draw
    trainer._draw = lambda step, units: 2 * draw(step, units)
    with pytest.raises(PrivacyError, match="check of units"):
        trainer.fit("training")
