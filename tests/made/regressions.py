"""A tiny regression to train privately, with a plan, and a worker that can be killed in the middle of it."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from deidrelease.models.devices import Place
from deidrelease.models.private.noise import NoiseStream
from deidrelease.models.private.plan import Plan
from deidrelease.models.private.training import PrivateTrainer
from deidrelease.privacy.poisson import Coins, PoissonBatches

UNITS, WIDTH = 40, 30
PLAN = Plan(
    units=UNITS,
    batch=10,
    sampling_rate=0.25,
    steps=30,
    noise_multiplier=1.0,
    delta=0.01,
    epsilon=8.0,
    clip=0.5,
    learning_rate=0.05,
    warmup=0.0,
    physical_batch=4,
)
Example = tuple[list[float], float]


class Regression(nn.Module):
    """Two linear layers; the loss of an example is its squared error."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.first, self.second = nn.Linear(WIDTH, 8), nn.Linear(8, 1)

    def losses(self, examples: list[Example]) -> torch.Tensor:
        """Shape `(n_examples,)`."""
        inputs = torch.tensor([x for x, _ in examples])
        wanted = torch.tensor([y for _, y in examples])
        return (self.second(torch.tanh(self.first(inputs))).squeeze(1) - wanted) ** 2


def data(count: int, seed: int = 5) -> list[Example]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, WIDTH, generator=generator)
    return [(row.tolist(), float(row[0])) for row in inputs]


def trainer_in(
    folder: Path, model: Regression | None = None, noise: NoiseStream | None = None, every: float = 1e9, **changes: Any
) -> PrivateTrainer[Example]:
    """A trainer whose checkpoint lies in `folder`; `changes` are those of the plan."""
    model = model or Regression()
    plan = replace(PLAN, **changes)
    examples = data(plan.units)

    def draw(_: int, units: Sequence[int]) -> list[Example]:
        return [examples[unit] for unit in units]

    return PrivateTrainer(
        model,
        Place("cpu", False, every),
        plan,
        PoissonBatches(Coins.fresh(), plan.units, plan.sampling_rate),
        draw,
        model.losses,
        data(3, seed=1),
        folder,
        noise=noise,
    )


def attempt(folder: Path, kept: Path) -> None:
    """Trains with a checkpoint every few steps; tells each step on stdout before it is taken, and keeps its noise."""
    trainer = trainer_in(folder)
    take = trainer._take_step

    def telling() -> None:
        print(trainer._step, flush=True)
        take()
        if trainer._step % 4 == 0:
            trainer._save()
        with kept.open("a") as stream:
            stream.write(json.dumps([trainer._step, trainer._noises._sketches[-1].tolist()]) + "\n")

    trainer._take_step = telling  # type: ignore[method-assign]
    fit = trainer.fit("training")
    print(json.dumps([[event.document() for event in fit.events], fit.steps, fit.attempts]), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    attempt(Path(sys.argv[1]), Path(sys.argv[2]))
