"""Clipping and noise, against what can be worked out by hand."""

from collections.abc import Sequence

import pytest
import torch
from torch import nn

pytest.importorskip("opacus", reason="the extra dp is not installed")

from deidrelease.models.private.noise import NoiseStream
from deidrelease.models.private.optimizer import AUTOMATIC_STABILITY, Clip, PrivateOptimizer, per_sample_norms


def summed(
    samples: Sequence[Sequence[float]], clip: Clip, parts: int = 1, dtype: torch.dtype = torch.float32
) -> list[float]:
    """The sum before noise when `samples` come in `parts` physical batches."""
    parameter = nn.Parameter(torch.zeros(len(samples[0])))
    optimizer = PrivateOptimizer(torch.optim.SGD([parameter], lr=1.0), NoiseStream(), 1.0, clip, expected_batch=4)
    for part in torch.tensor(samples).tensor_split(parts):
        parameter.grad_sample = part.to(dtype)
        optimizer.clip_and_accumulate()
    return list(map(float, parameter.summed_grad))


@pytest.mark.parametrize(
    ("samples", "clip", "expected"),
    [
        ([[3.0, 4.0]], 1.0, [0.6, 0.8]),
        ([[3.0, 4.0]], 10.0, [3.0, 4.0]),
        ([[3.0, 4.0], [0.0, 0.5]], 1.0, [0.6, 1.3]),
        ([[3.0, 4.0], [float("nan"), 1.0]], 1.0, [0.6, 0.8]),
        ([[3.0, 4.0], [float("inf"), 1.0]], 1.0, [0.6, 0.8]),
        ([[0.0, 0.0]], 1.0, [0.0, 0.0]),
    ],
)
def test_each_gradient_is_cut_by_itself(samples: list[list[float]], clip: float, expected: list[float]) -> None:
    assert summed(samples, clip) == pytest.approx(expected, abs=1e-5)


def test_automatic_clipping_scales_every_gradient_to_just_below_one() -> None:
    (total,) = summed([[5.0]], "automatic")
    assert total == pytest.approx(5 / (5 + AUTOMATIC_STABILITY)) and total < 1
    small = summed([[3e-3, 4e-3]], "automatic")
    assert small == pytest.approx([3e-3 / 0.015, 4e-3 / 0.015], rel=1e-4)


def test_norms_are_exact_where_gradients_are_coarse() -> None:
    # Summed in bfloat16 itself, ten thousand equal squares come out far too small, and clipping would let too much by.
    samples = torch.full((1, 10_000), 0.01, dtype=torch.bfloat16)
    exact = float(samples.double().norm())
    assert float(per_sample_norms([samples])) == pytest.approx(exact, rel=1e-5)
    assert float(torch.tensor(summed(samples.float().tolist(), 0.5, dtype=torch.bfloat16)).norm()) <= 0.5 * (1 + 1e-5)


@pytest.mark.parametrize("parts", [1, 2, 5, 7])
def test_physical_batches_give_the_sum_of_one_big_batch(parts: int) -> None:
    samples = torch.randn(7, 3, generator=torch.Generator().manual_seed(1)).tolist()
    assert summed(samples, 1.0, parts) == pytest.approx(summed(samples, 1.0), abs=1e-5)


def test_the_noise_has_the_standard_deviation_that_is_accounted_for() -> None:
    sigma, clip, batch, size = 0.7, 0.3, 8.0, 2000
    parameter = nn.Parameter(torch.zeros(size))
    optimizer = PrivateOptimizer(torch.optim.SGD([parameter], lr=1.0), NoiseStream(), sigma, clip, expected_batch=batch)
    squares = torch.zeros(size, dtype=torch.float64)
    steps = 200
    for _ in range(steps):
        before = parameter.detach().clone()
        parameter.grad_sample = torch.zeros(0, size)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        squares += (parameter.detach() - before).double() ** 2
    measured = float((squares.mean() / steps).sqrt())
    assert measured == pytest.approx(sigma * clip / batch, rel=0.02)


def test_what_a_step_divides_by_is_the_batch_expected_not_the_batch_that_came() -> None:
    def moved(examples: int) -> float:
        parameter = nn.Parameter(torch.zeros(1))
        optimizer = PrivateOptimizer(torch.optim.SGD([parameter], lr=1.0), NoiseStream(), 1e-9, 1.0, expected_batch=4)
        parameter.grad_sample = torch.ones(examples, 1)
        optimizer.step()
        return -float(parameter.detach())

    assert [moved(n) for n in (0, 1, 4, 9)] == pytest.approx([0, 0.25, 1.0, 2.25], abs=1e-5)


def test_no_gradient_is_used_twice() -> None:
    parameter = nn.Parameter(torch.zeros(2))
    optimizer = PrivateOptimizer(torch.optim.SGD([parameter], lr=1.0), NoiseStream(), 1.0, 1.0, expected_batch=1)
    parameter.grad_sample = torch.ones(1, 2)
    optimizer.clip_and_accumulate()
    with pytest.raises(ValueError, match="not initialized"):
        optimizer.clip_and_accumulate()
