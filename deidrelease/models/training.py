"""One training loop for every model here, resumable to the bit.

A checkpoint holds all that the next step depends on: trainable weights, optimiser, position, random state, history. So
a run that was killed ends with the same weights as one that was not (on the same machine with the same threads).
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from deidrelease import progress
from deidrelease.errors import ModelError, Problem
from deidrelease.models.devices import Place

if TYPE_CHECKING:
    import torch
    from torch import nn

logger = logging.getLogger(__name__)
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        epochs: At most.
        patience: Epochs without a better score after which training stops.
        learning_rate: Peak of a linear rise over `warmup` and a linear fall to zero.
        warmup: Share of all steps.
        weight_decay: Of AdamW, on matrices only.
        accumulation: Batches an optimiser step.
        nothing_learnt: The dev score of a model that has learnt nothing; patience begins with the first better one.
        keep_last: Run every epoch and keep the weights of the last, whatever the dev score says.
    """

    epochs: int
    patience: int
    learning_rate: float
    warmup: float
    weight_decay: float
    accumulation: int = 1
    nothing_learnt: float = float("-inf")
    keep_last: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """What training came to.

    Attributes:
        best_score: Dev score of the epoch that was kept: the highest, unless the schedule keeps the last.
        best_epoch: The epoch whose weights the model holds, counted from 1.
        history: A record an epoch: epoch, mean training loss, dev score.
        steps: Optimiser steps taken.
    """

    best_score: float
    best_epoch: int
    history: tuple[dict[str, float], ...]
    steps: int


@dataclass(slots=True)
class _State:
    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    best_score: float = float("-inf")
    best_epoch: int = 0
    history: tuple[dict[str, float], ...] = ()


class Trainer(Generic[B]):
    """Trains `model` in place.

    Args:
        model: Parameters that require gradients are trained and kept in checkpoints; the rest is left alone.
        place: Where it runs.
        schedule: How long and how fast.
        batches: Epoch to its batches; must depend on the epoch alone.
        loss: Loss of one batch.
        dev_score: Higher is better; called after each epoch.
        checkpoint: Folder for this loop's own files.
        seed: Of dropout and whatever else draws from torch.
    """

    def __init__(
        self,
        model: "nn.Module",
        place: Place,
        schedule: Schedule,
        batches: Callable[[int], Sequence[B]],
        loss: Callable[[B], "torch.Tensor"],
        dev_score: Callable[[], float],
        checkpoint: Path,
        seed: int,
    ) -> None:
        self._model = model
        self._place = place
        self._schedule = schedule
        self._batches = batches
        self._loss = loss
        self._dev_score = dev_score
        self._folder = checkpoint
        self._seed = seed
        self._saved_at = time.monotonic()
        self._parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._optimizer = adamw(self._parameters, schedule.learning_rate, schedule.weight_decay)
        self._state = _State()
        # The first epoch stands for all: windows shift from epoch to epoch, their number hardly does.
        self._total_steps = max(1, -(-len(batches(0)) // schedule.accumulation) * schedule.epochs)

    def fit(self, what: str) -> Fit:
        """Trains, or goes on where a killed attempt left off, and leaves the best weights in the model.

        Args:
            what: Names the work to whoever watches.

        Raises:
            ModelError: The loss or the dev score is no longer a number.
        """
        import torch

        torch.manual_seed(self._seed)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._resume()
        total = self._total_steps * self._schedule.accumulation
        done = self._state.step * self._schedule.accumulation
        with progress.step(what, total, done) as step:
            while self._state.epoch < self._schedule.epochs and not self._out_of_patience():
                self._run_epoch(step)
        self._load_weights("best.pt")
        state = self._state
        return Fit(state.best_score, state.best_epoch, state.history, state.step)

    def _run_epoch(self, step: progress.Step) -> None:
        batches = self._batches(self._state.epoch)
        self._model.train()
        for index in range(self._state.batch, len(batches)):
            with self._place.autocast():
                loss = self._loss(batches[index])
            (loss / self._schedule.accumulation).backward()  # type: ignore[no-untyped-call]
            value = loss.item()
            if value != value:
                raise _diverged("loss", self._state.step)
            self._state.loss_sum += value
            last = index + 1 == len(batches)
            if (index + 1) % self._schedule.accumulation == 0 or last:
                self._update()
                self._state.batch = index + 1
                if time.monotonic() - self._saved_at > self._place.checkpoint_seconds and not last:
                    self._save()
            step.advance(1, loss=value)
        self._end_epoch(len(batches))

    def _update(self) -> None:
        import torch

        rate = self._schedule.learning_rate * ramp(self._state.step, self._total_steps, self._schedule.warmup)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        torch.nn.utils.clip_grad_norm_(self._parameters.values(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._state.step += 1

    def _end_epoch(self, n_batches: int) -> None:
        self._model.eval()
        score = self._dev_score()
        if score != score:
            raise _diverged("dev score", self._state.step)
        state = self._state
        mean_loss = state.loss_sum / max(1, n_batches)
        state.history += ({"epoch": state.epoch + 1, "loss": round(mean_loss, 6), "dev_score": round(score, 6)},)
        logger.info("epoch %d: loss %.4f, dev score %.4f", state.epoch + 1, mean_loss, score)
        if self._schedule.keep_last or score > state.best_score:
            state.best_score, state.best_epoch = score, state.epoch + 1
            save_atomically({n: p.detach().cpu() for n, p in self._parameters.items()}, self._folder / "best.pt")
        state.epoch, state.batch, state.loss_sum = state.epoch + 1, 0, 0.0
        self._save()

    def _out_of_patience(self) -> bool:
        state = self._state
        if self._schedule.keep_last or state.best_score <= self._schedule.nothing_learnt:
            return False
        return state.epoch - state.best_epoch >= self._schedule.patience

    def _save(self) -> None:
        import torch

        state = self._state
        content = {
            "weights": {name: p.detach() for name, p in self._parameters.items()},
            "optimizer": self._optimizer.state_dict(),
            "state": {name: getattr(state, name) for name in _State.__slots__},
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if self._place.device == "cuda" else [],
        }
        save_atomically(content, self._folder / "state.pt")
        self._saved_at = time.monotonic()

    def _resume(self) -> None:
        import torch

        path = self._folder / "state.pt"
        if not path.exists():
            return
        content = torch.load(path, map_location="cpu", weights_only=True)
        self._copy(content["weights"])
        self._optimizer.load_state_dict(content["optimizer"])
        self._state = _State(**content["state"])
        torch.set_rng_state(content["rng"])
        if self._place.device == "cuda" and content["cuda_rng"]:
            torch.cuda.set_rng_state_all(content["cuda_rng"])
        logger.info("resumed at epoch %d, batch %d", self._state.epoch + 1, self._state.batch)

    def _load_weights(self, name: str) -> None:
        import torch

        self._copy(torch.load(self._folder / name, map_location="cpu", weights_only=True))

    def _copy(self, weights: "dict[str, torch.Tensor]") -> None:
        import torch

        with torch.no_grad():
            for name, parameter in self._parameters.items():
                parameter.copy_(weights[name])


def ramp(step: int, steps: int, warmup: float) -> float:
    """Share of the peak rate at `step` of `steps`: a linear rise over the share `warmup`, and a linear fall to zero."""
    warm = max(1, round(steps * warmup))
    rising = (step + 1) / warm
    falling = (steps - step) / max(1, steps - warm)
    return max(0.0, min(1.0, rising, falling))


def _diverged(what: str, step: int) -> ModelError:
    remedy = "lower learning_rate, or raise warmup, and run again"
    return ModelError("Training diverged.", [Problem(f"step {step}", f"the {what} is no longer a number", remedy)])


def adamw(parameters: "dict[str, nn.Parameter]", learning_rate: float, weight_decay: float) -> "torch.optim.AdamW":
    """AdamW that lets only matrices decay."""
    import torch

    matrices = [p for p in parameters.values() if p.ndim > 1]
    vectors = [p for p in parameters.values() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98))


def save_atomically(content: Any, path: Path) -> None:
    """Saves tensors and plain values, whole or not at all."""
    import torch

    partial = path.with_suffix(".partial")
    with partial.open("wb") as stream:
        torch.save(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.rename(path)
