"""The loop: steps, counters, empty batches, resuming."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from made.regressions import Regression

pytest.importorskip("opacus", reason="the extra dp is not installed")

from deidrelease.errors import ModelError, PrivacyError
from deidrelease.models.private.noise import NoiseStream
from deidrelease.models.private.plan import plan_of
from deidrelease.privacy.accountant import spent
from deidrelease.privacy.events import PoissonGaussian
from deidrelease.settings import DpSettings

Make = Any


def weights(model: Any) -> Any:
    return torch.cat([p.detach().flatten().clone() for p in model.parameters()])


def test_what_ran_is_what_is_counted(make_trainer: Make) -> None:
    fit = make_trainer(steps=7).fit("training")
    assert fit.events == (PoissonGaussian(0.25, 1.0, 7),)
    assert (fit.steps, fit.attempts) == (7, 1)


def test_empty_batches_are_steps_of_noise_alone(make_trainer: Make) -> None:
    trainer = make_trainer(units=10, batch=1, sampling_rate=1e-6, steps=5)
    before = weights(trainer._model)
    fit = trainer.fit("training")
    assert fit.events == (PoissonGaussian(1e-6, 1.0, 5),)
    assert trainer._sampling.counts.drawn == 0
    assert bool((weights(trainer._model) != before).all())


def test_all_units_in_every_step(make_trainer: Make) -> None:
    fit = make_trainer(batch=40, sampling_rate=1.0, steps=3).fit("training")
    assert fit.events == (PoissonGaussian(1.0, 1.0, 3),)


@pytest.mark.parametrize("physical", [1, 3, 40, 1000])
def test_the_physical_batch_changes_nothing(make_trainer: Make, monkeypatch: pytest.MonkeyPatch, physical: int) -> None:
    """With the same coins and the same noise the weights are the same."""
    from deidrelease.privacy.poisson import Coins

    monkeypatch.setattr(Coins, "fresh", classmethod(lambda cls: cls(bytes(32))))

    def trained(size: int, folder: str) -> Any:
        trainer = make_trainer(folder=folder, physical_batch=size, steps=4, noise=NoiseStream(bytes(32)))
        trainer.fit("training")
        return weights(trainer._model)

    torch.testing.assert_close(trained(physical, "parts"), trained(7, "other"), rtol=1e-4, atol=1e-5)


def test_the_plan_keeps_to_its_target_and_fixes_the_steps() -> None:
    plan = plan_of(DpSettings(epsilon=2.0, epochs=3.0), units=200, warmup=0.1)
    assert (plan.batch, plan.sampling_rate, plan.steps) == (50, 0.25, 12)
    assert plan.delta < 200**-1.1
    assert 1.9 < spent([plan.event], plan.delta).epsilon <= 2.0
    assert plan_of(DpSettings(epsilon=2.0, steps=5, batch=900, clip="automatic"), 200, 0).batch == 200


def test_too_few_units_are_refused() -> None:
    with pytest.raises(Exception, match="Too few for a guarantee"):
        plan_of(DpSettings(epsilon=2.0), units=9, warmup=0)


def test_a_killed_attempt_goes_on_with_fresh_keys_and_counts_each_step_once(make_trainer: Make) -> None:
    first = make_trainer(steps=20)
    take = first._take_step

    def killing() -> None:
        if first._step == 5:
            first._save()
        if first._step == 8:
            raise KeyboardInterrupt
        take()

    first._take_step = killing
    with pytest.raises(KeyboardInterrupt):
        first.fit("training")
    second = make_trainer(steps=20)
    steps_taken = []
    again = second._draw
    second._draw = lambda step, units: steps_taken.append(step) or again(step, units)
    fit = second.fit("training")
    assert steps_taken == list(range(5, 20))
    assert fit.events == (PoissonGaussian(0.25, 1.0, 20),)
    assert (fit.steps, fit.attempts) == (20, 2)
    assert second._sampling.counts.steps == 20


def test_a_finished_training_that_was_not_published_takes_no_step_more(make_trainer: Make) -> None:
    first = make_trainer(steps=6)
    first.fit("training")
    second = make_trainer(steps=6)
    second._draw = lambda *_: pytest.fail("a step was taken")
    fit = second.fit("training")
    assert fit.events == (PoissonGaussian(0.25, 1.0, 6),)
    assert torch.equal(weights(first._model), weights(second._model))


def test_a_key_is_never_used_by_two_attempts(make_trainer: Make) -> None:
    make_trainer(steps=2, noise=NoiseStream(bytes(32))).fit("training")
    with pytest.raises(PrivacyError, match="used by an earlier attempt"):
        make_trainer(steps=2, noise=NoiseStream(bytes(32))).fit("training")


def test_a_checkpoint_of_another_plan_is_refused(make_trainer: Make) -> None:
    make_trainer(steps=4).fit("training")
    with pytest.raises(PrivacyError, match="another plan"):
        make_trainer(steps=4, noise_multiplier=2.0).fit("training")


def test_no_key_and_no_noise_stands_in_the_checkpoint(make_trainer: Make, tmp_path: Path) -> None:
    key = bytes(range(32))
    make_trainer(steps=2, noise=NoiseStream(key)).fit("training")
    for path in (tmp_path / "fit").iterdir():
        assert key not in path.read_bytes() and key.hex().encode() not in path.read_bytes()
    state = torch.load(tmp_path / "fit" / "state.pt", weights_only=True)
    assert state.keys() == {"plan", "weights", "optimizer", "step", "events", "sampling"}
    assert len(json.loads((tmp_path / "fit" / "keys.json").read_text())) == 1


def test_gradients_that_are_no_numbers_count_as_nothing(make_trainer: Make) -> None:
    trainer = make_trainer(steps=3)
    draw = trainer._draw
    trainer._draw = lambda step, units: [([float("nan")] * 30, 0.0), *draw(step, units)[1:]]
    trainer.fit("training")
    assert bool(torch.isfinite(weights(trainer._model)).all())


def test_weights_that_are_no_numbers_are_an_error(make_trainer: Make) -> None:
    trainer = make_trainer(steps=2, learning_rate=float("inf"))
    with pytest.raises((ModelError, PrivacyError)):
        trainer.fit("training")


def test_nothing_is_dropped_out_since_a_mask_would_let_one_unit_change_the_gradients_of_others(
    make_trainer: Make,
) -> None:
    class Dropping(Regression):
        def __init__(self) -> None:
            super().__init__()
            self.drop = torch.nn.Dropout(0.5)
            self.seen: list[float] = []

        def losses(self, examples: Any) -> Any:
            self.seen.append(self.drop.p)
            return super().losses(examples) * self.drop(torch.ones(len(examples)))

    model = Dropping()
    make_trainer(model=model, steps=3).fit("training")
    assert set(model.seen) == {0.0} and model.drop.p == 0.5


def test_the_steps_do_not_depend_on_the_seed_of_torch(make_trainer: Make) -> None:
    first, second = make_trainer(folder="a", steps=3), make_trainer(folder="b", steps=3)
    for trainer in (first, second):
        torch.manual_seed(0)
        trainer.fit("training")
    assert not torch.equal(weights(first._model), weights(second._model))
