"""A tiny regression whose gradients can be worked out by hand, and plans with chosen noise."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

pytest.importorskip("opacus", reason="the extra dp is not installed")
pytest.importorskip("dp_accounting", reason="the extra dp is not installed")

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
MakeTrainer = Callable[..., PrivateTrainer[Example]]


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


def data(count: int, seed: int = 5, size: float = 1.0) -> list[Example]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, WIDTH, generator=generator) * size
    return [(row.tolist(), float(row[0])) for row in inputs]


@pytest.fixture
def plan() -> Plan:
    return PLAN


@pytest.fixture
def make_trainer(tmp_path: Path) -> MakeTrainer:
    def make(
        model: Regression | None = None, folder: str = "fit", noise: NoiseStream | None = None, **changes: Any
    ) -> PrivateTrainer[Example]:
        model = model or Regression()
        changed = replace(PLAN, **changes)
        examples = data(changed.units)

        def draw(_: int, units: Sequence[int]) -> list[Example]:
            return [examples[unit] for unit in units]

        return PrivateTrainer(
            model,
            Place("cpu", False, 1e9),
            changed,
            PoissonBatches(Coins.fresh(), changed.units, changed.sampling_rate),
            draw,
            model.losses,
            data(3, seed=1),
            tmp_path / folder,
            seed=0,
            noise=noise,
        )

    return make
