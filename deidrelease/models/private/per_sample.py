"""The gradient of every example by itself, through Opacus's hooks, and a proof that they are that.

Clipping bounds what one patient can do only if no gradient holds a part of another patient's. Architectures differ,
and Opacus cannot know them all: a layer that folds the batch into another dimension gives wrong gradients without a
word. So every model is tried on made-up tokens before it sees a note.

Imports torch and Opacus when it is imported; import it inside functions.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from opacus import GradSampleModule
from torch import nn

from deidrelease.errors import ModelError, Problem

E = TypeVar("E")
Losses = Callable[[list[E]], torch.Tensor]
"""Examples to the loss of each, shape `(n_examples,)`."""

_TOLERANCE = {False: 1e-3, True: 5e-2}
"""Largest error of a probe's gradient relative to its norm, in full precision and in bfloat16."""


def trained(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that learn, by name."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


@contextmanager
def per_sample_gradients(model: nn.Module) -> Iterator[None]:
    """Within, each backward pass of a sum of losses leaves `grad_sample`, `(n_examples, *shape)`, at each parameter.

    Raises:
        ModelError: A layer that learns keeps statistics of whole batches, so that there is no gradient of one example.
    """
    try:
        hooked = GradSampleModule(model, loss_reduction="sum")
    except NotImplementedError:
        what = "has a trained layer with buffers, such as batch normalisation"
        problem = Problem("model", what, "choose another model, or train it without dp")
        raise ModelError("This model has no gradient for one example.", [problem]) from None
    try:
        with warnings.catch_warnings():
            # The first layers read what no gradient goes back to; the probes show that theirs are right all the same.
            warnings.filterwarnings("ignore", message="Full backward hook is firing")
            yield
    finally:
        hooked.to_standard_module()


def check_per_sample_gradients(
    model: nn.Module, losses: "Losses[E]", probes: Sequence[E], autocast: Callable[[], Any], bf16: bool
) -> None:
    """Compares the gradients of `probes` in one batch with those of each probe alone, by autograd.

    Args:
        model: Inside `per_sample_gradients`.
        losses: Of the training.
        probes: Made-up examples of different lengths; no private text.
        autocast: A context for forward passes.
        bf16: Whether that context computes in bfloat16.

    Raises:
        ModelError: They differ, or a parameter has none.
    """
    with without_dropout(model), _shaken(model):
        together = _together(model, losses, list(probes), autocast)
        for number, probe in enumerate(probes):
            alone = _together(model, losses, [probe], autocast, summed=True)
            for name, expected in alone.items():
                _compare(name, together[name][number], expected, _TOLERANCE[bf16], _norm(alone.values()))
    clear_gradients(model)


def clear_gradients(model: nn.Module) -> None:
    """Forgets every gradient, of single examples and of batches."""
    for parameter in trained(model).values():
        parameter.grad = None
        parameter.grad_sample = None  # type: ignore[attr-defined]


def _together(
    model: nn.Module, losses: "Losses[E]", batch: list[E], autocast: Callable[[], Any], summed: bool = False
) -> dict[str, torch.Tensor]:
    clear_gradients(model)
    with autocast():
        total = losses(batch).sum()
    total.backward()  # type: ignore[no-untyped-call]
    found = {}
    for name, parameter in trained(model).items():
        gradient = parameter.grad if summed else parameter.grad_sample  # type: ignore[attr-defined]
        if gradient is None or (not summed and len(gradient) != len(batch)):
            raise _unfit(f"{name} gets no gradient for each example")
        found[name] = gradient.detach().float().clone()
    return found


def _compare(name: str, found: torch.Tensor, expected: torch.Tensor, tolerance: float, scale: float) -> None:
    if not torch.isfinite(expected).all():
        raise _unfit(f"{name} has a gradient that is no number")
    if float((found - expected).norm()) > tolerance * (scale + 1e-12):
        raise _unfit(f"the gradient of one example at {name} is not what autograd finds for it alone")


def _norm(tensors: Any) -> float:
    return float(torch.stack([t.norm() for t in tensors]).norm())


@contextmanager
def without_dropout(model: nn.Module) -> Iterator[None]:
    """Within, `model` trains and drops nothing.

    Masks come one after the other from one stream: with a patient more in a batch, all patients behind would get other
    masks, and so other gradients, and clipping would not bound what that patient changes. Only masks that nobody can
    foresee would do; none at all is simpler, and the noise keeps a model from learning by heart as it is.
    """
    # Opacus's hooks look only at modules that train, so the model may not be put into eval mode.
    model.train()
    rates: list[tuple[Any, str, float]] = [
        (module, name, rate)
        for module in model.modules()
        for name in ("p", "attention_dropout")
        if isinstance(rate := getattr(module, name, None), float)
    ]
    try:
        for module, name, _ in rates:
            setattr(module, name, 0.0)
        yield
    finally:
        for module, name, rate in rates:
            setattr(module, name, rate)


@contextmanager
def _shaken(model: nn.Module) -> Iterator[None]:
    # A fresh adapter's second matrix is zero, and so is every gradient of its first: there would be nothing to compare.
    generator = torch.Generator().manual_seed(0)
    before = {name: p.detach().clone() for name, p in trained(model).items()}
    try:
        with torch.no_grad():
            for parameter in trained(model).values():
                shift = torch.randn(parameter.shape, generator=generator) * 0.02
                parameter.add_(shift.to(parameter.device, parameter.dtype))
        yield
    finally:
        with torch.no_grad():
            for name, parameter in trained(model).items():
                parameter.copy_(before[name])


def _unfit(what: str) -> ModelError:
    remedy = "choose another model, or other modules in adapt.lora.targets, or train without dp"
    return ModelError("This model cannot be trained with a guarantee.", [Problem("model", what, remedy)])
