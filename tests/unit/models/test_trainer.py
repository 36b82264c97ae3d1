"""The training loop: killed anywhere, it ends with the same bits; early stopping keeps the best weights."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from deidrelease.errors import ModelError
from deidrelease.models.devices import Place
from deidrelease.models.training import Fit, Schedule, Trainer

Weights = dict[str, torch.Tensor]
Batch = tuple[torch.Tensor, torch.Tensor]
N_BATCHES = 5


class Killed(BaseException):
    """As abrupt as an exception can be: nothing catches it."""


def make_model() -> nn.Module:
    torch.manual_seed(11)
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Dropout(0.3), nn.Linear(16, 1))


def batches(epoch: int) -> list[Batch]:
    """Depends on the epoch alone, as the trainer asks for; the number of batches changes with it."""
    generator = torch.Generator().manual_seed(epoch)
    rows = [torch.randn(8, 6, generator=generator) for _ in range(N_BATCHES + epoch % 2)]
    return [(row, row.sum(1, keepdim=True).sin()) for row in rows]


class Work:
    """A model in training whose loss, or dev score, can end the process at a given call."""

    def __init__(
        self,
        folder: Path,
        *,
        seconds: float = 1e-9,
        accumulation: int = 1,
        epochs: int = 3,
        patience: int = 9,
        scores: list[float] | None = None,
        nothing_learnt: float = float("-inf"),
        keep_last: bool = False,
        kill_loss: int = -1,
        kill_score: int = -1,
    ) -> None:
        self.model = make_model()
        self.losses = self.scored = 0
        self.at_score: list[Weights] = []
        self._kill_loss, self._kill_score = kill_loss, kill_score
        self._scores = scores
        self.trainer = Trainer(
            self.model,
            Place("cpu", bf16=False, checkpoint_seconds=seconds),
            Schedule(epochs, patience, 0.05, 0.2, 0.01, accumulation, nothing_learnt, keep_last),
            batches,
            self._loss,
            self._dev_score,
            folder,
            seed=4,
        )

    def fit(self) -> Fit:
        return self.trainer.fit("training")

    def weights(self) -> Weights:
        return {name: p.detach().clone() for name, p in self.model.named_parameters()}

    def _loss(self, batch: Batch) -> torch.Tensor:
        if self.losses == self._kill_loss:
            raise Killed
        self.losses += 1
        return (self.model(batch[0]) - batch[1]).pow(2).mean()

    def _dev_score(self) -> float:
        if self.scored == self._kill_score:
            raise Killed
        self.at_score.append(self.weights())
        self.scored += 1
        if self._scores is not None:
            return self._scores[self.scored - 1]
        x, y = batches(1000)[0]
        with torch.no_grad():
            return -(self.model(x) - y).pow(2).mean().item()


def same(a: Weights, b: Weights) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(params=[1, 2, 4])
def accumulation(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.mark.parametrize("seconds", [1e-9, 3600.0], ids=["saves each step", "saves each epoch"])
def test_killed_at_any_batch_it_ends_with_the_same_bits(tmp_path: Path, seconds: float, accumulation: int) -> None:
    whole = Work(tmp_path / "whole", seconds=seconds, accumulation=accumulation)
    fit = whole.fit()
    assert whole.losses == 5 + 6 + 5
    for kill in range(whole.losses):
        folder = tmp_path / f"killed-{kill}"
        with pytest.raises(Killed):
            Work(folder, seconds=seconds, accumulation=accumulation, kill_loss=kill).fit()
        resumed = Work(folder, seconds=seconds, accumulation=accumulation)
        assert resumed.fit() == fit
        assert same(resumed.weights(), whole.weights()), f"killed at batch {kill}"


def test_killed_again_and_again_it_still_gets_there(tmp_path: Path) -> None:
    whole = Work(tmp_path / "whole")
    fit = whole.fit()
    kills = 0
    while True:
        work = Work(tmp_path / "killed", kill_loss=1)
        try:
            ended = work.fit()
        except Killed:
            kills += 1
            continue
        break
    # Each attempt gets one batch further; the end of an epoch is saved too, so no batch is done twice.
    assert kills == whole.losses - 1
    assert ended == fit
    assert same(work.weights(), whole.weights())


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_killed_while_scoring_dev_it_scores_again(tmp_path: Path, epoch: int) -> None:
    whole = Work(tmp_path / "whole")
    fit = whole.fit()
    with pytest.raises(Killed):
        Work(tmp_path / "killed", kill_score=epoch).fit()
    resumed = Work(tmp_path / "killed")
    assert resumed.fit() == fit
    assert same(resumed.weights(), whole.weights())


def test_a_resumed_attempt_does_only_what_is_left(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        Work(tmp_path, kill_loss=7).fit()
    resumed = Work(tmp_path)
    resumed.fit()
    # Batch 6 (the seventh) was done and saved before the kill came in the eighth.
    assert resumed.losses == 16 - 7


def test_a_finished_fit_is_not_trained_again(tmp_path: Path) -> None:
    first = Work(tmp_path)
    fit = first.fit()
    second = Work(tmp_path)
    assert second.fit() == fit
    assert second.losses == 0
    assert same(second.weights(), first.weights())


@pytest.mark.parametrize(
    ("scores", "patience", "best_epoch", "epochs_done"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 1, 6, 6),
        ([0.1, 0.5, 0.4, 0.3, 0.9, 0.9], 2, 2, 4),
        ([0.1, 0.5, 0.4, 0.6, 0.2, 0.2], 2, 4, 6),
        ([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], 3, 1, 4),
        ([0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 1, 1, 2),
    ],
)
def test_early_stopping_keeps_the_best_weights(
    tmp_path: Path, scores: list[float], patience: int, best_epoch: int, epochs_done: int
) -> None:
    work = Work(tmp_path, epochs=6, patience=patience, scores=scores)
    fit = work.fit()
    assert (fit.best_epoch, fit.best_score, len(fit.history)) == (best_epoch, scores[best_epoch - 1], epochs_done)
    assert same(work.weights(), work.at_score[best_epoch - 1])
    if best_epoch != epochs_done:
        assert not same(work.weights(), work.at_score[-1])


@pytest.mark.parametrize(
    ("scores", "best_epoch", "epochs_done"),
    [
        ([0, 0, 0, 0, 0.2, 0.1], 5, 6),  # nothing learnt for longer than the patience, then something
        ([0, 0, 0, 0.2, 0.1, 0], 4, 6),  # a fall back to nothing counts like any other fall
        ([0, 0.2, 0, 0, 0.3, 0.4], 2, 4),
        ([0, 0, 0, 0, 0, 0], 1, 6),
    ],
)
def test_patience_begins_with_the_first_thing_learnt(
    tmp_path: Path, scores: list[float], best_epoch: int, epochs_done: int
) -> None:
    fit = Work(tmp_path, epochs=6, patience=2, scores=scores, nothing_learnt=0.0).fit()
    assert (fit.best_epoch, len(fit.history)) == (best_epoch, epochs_done)


def test_the_last_weights_are_kept_where_that_is_asked(tmp_path: Path) -> None:
    scores = [0.1, 0.5, 0.4, 0.3, 0.2, 0.1]
    work = Work(tmp_path, epochs=6, patience=1, scores=scores, keep_last=True)
    fit = work.fit()
    assert (fit.best_epoch, fit.best_score, len(fit.history)) == (6, 0.1, 6)
    assert same(work.weights(), work.at_score[-1])


def test_the_rate_rises_and_falls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    step = torch.optim.AdamW.step

    def watched(self: torch.optim.AdamW, *args: object, **kwargs: object) -> object:
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    Work(tmp_path, epochs=2).fit()
    # 10 steps were planned from the first epoch, 20 % of them to rise; the second epoch has one batch more.
    expected = [0.5, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8, 0]
    assert rates == pytest.approx([0.05 * share for share in expected])


def test_frozen_parameters_stay_as_they_are(tmp_path: Path) -> None:
    before = make_model()
    work = Work(tmp_path)
    frozen: Callable[[], Iterator[nn.Parameter]] = work.model[0].parameters  # type: ignore[index]
    for parameter in frozen():
        parameter.requires_grad_(False)
    work.trainer = Trainer(
        work.model, Place("cpu", bf16=False, checkpoint_seconds=1e-9), Schedule(1, 1, 0.05, 0.2, 0.01), batches,
        work._loss, work._dev_score, tmp_path, seed=4,
    )  # fmt: skip
    work.fit()
    assert torch.equal(work.model[0].weight, before[0].weight)  # type: ignore[index]
    assert not torch.equal(work.model[3].weight, before[3].weight)  # type: ignore[index]


def test_a_loss_that_is_no_number_stops_training(tmp_path: Path) -> None:
    work = Work(tmp_path)
    with torch.no_grad():
        work.model[0].weight.fill_(float("nan"))  # type: ignore[index]
    with pytest.raises(ModelError, match="learning_rate"):
        work.fit()


def test_a_dev_score_that_is_no_number_stops_training_too(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="learning_rate"):
        Work(tmp_path, scores=[float("nan")] * 3).fit()
