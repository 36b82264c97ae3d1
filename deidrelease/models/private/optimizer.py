"""Clips every unit's gradient, adds them up, adds noise once a step: Abadi et al. (2016), algorithm 1.

Imports torch and Opacus when it is imported; import it inside functions.
"""

from typing import Literal

import torch
from opacus.optimizers import DPOptimizer

from deidrelease.models.private.noise import NoiseStream

AUTOMATIC_STABILITY = 0.01
"""What automatic clipping adds to a norm (Bu et al. 2023, gamma)."""
LARGEST_NORM = 1e30
"""A gradient from here on, of a model gone astray, counts as nothing: scaled down it would be rounding alone."""
Clip = float | Literal["automatic"]


class PrivateOptimizer(DPOptimizer):  # type: ignore[misc]
    """Opacus's optimiser with norms in double precision, automatic clipping, and noise of our own.

    Opacus takes norms in the gradients' own precision: in bfloat16 they are off by up to 0.4%, and so would be the
    bound that the noise is made for.

    Args:
        optimizer: That takes the step.
        noise: Of this attempt.
        noise_multiplier: Standard deviation of the noise in units of the clipping norm.
        clip: Largest norm of one example's gradient, or `automatic`: every gradient is scaled to just below norm 1.
        expected_batch: Examples a step on average; the noisy sum is divided by it.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        noise: NoiseStream,
        noise_multiplier: float,
        clip: Clip,
        expected_batch: float,
    ) -> None:
        super().__init__(
            optimizer,
            noise_multiplier=noise_multiplier,
            max_grad_norm=1.0 if clip == "automatic" else clip,
            expected_batch_size=expected_batch,
        )
        self._noise = noise
        self._automatic = clip == "automatic"

    def clip_and_accumulate(self) -> None:
        """Adds the clipped gradients of a physical batch to the sum, and drops them: none is used twice."""
        samples = [sample.to(torch.float32) for sample in self.grad_samples]
        factors = self._clip_factors(per_sample_norms(samples))
        for parameter, sample in zip(self.params, samples, strict=True):
            # A gradient that is no number may not enter: its norm has no bound. It counts as zero.
            total = torch.einsum("i,i...", factors, torch.where(_rows(factors > 0, sample), sample, 0.0))
            before = parameter.summed_grad
            parameter.summed_grad = total if before is None else before + total
            parameter.grad_sample = None

    def _clip_factors(self, norms: torch.Tensor) -> torch.Tensor:
        """What each gradient is multiplied with, shape `(n_examples,)`; 0 for one that has no norm."""
        if self._automatic:
            factors = self.max_grad_norm / (norms + AUTOMATIC_STABILITY)
        else:
            factors = (self.max_grad_norm / (norms + 1e-6)).clamp(max=1.0)
        return torch.where(norms < LARGEST_NORM, factors, 0.0).to(torch.float32)

    def add_noise(self) -> None:
        """Puts the noisy sum into every gradient."""
        std = self.noise_multiplier * self.max_grad_norm
        for parameter in self.params:
            noise = self._noise.normal(parameter.shape, std).to(parameter.summed_grad.device)
            parameter.grad = (parameter.summed_grad.double() + noise).to(parameter.dtype)

    def scale_grad(self) -> None:
        """Divides by the number of examples that a step has on average, never by the number that it had."""
        for parameter in self.params:
            parameter.grad /= self.expected_batch_size


def per_sample_norms(samples: list[torch.Tensor]) -> torch.Tensor:
    """Norm of each example's whole gradient, in double precision, shape `(n_examples,)`."""
    squares = [torch.linalg.vector_norm(s.flatten(1), dim=1, dtype=torch.float64).square() for s in samples]
    return torch.stack(squares).sum(0).sqrt()


def _rows(chosen: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return chosen.reshape(-1, *[1] * (like.ndim - 1))
