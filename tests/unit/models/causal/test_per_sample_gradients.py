"""Gradients of single examples, on small models of the architectures that are used, against autograd's."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import nn

pytest.importorskip("opacus", reason="the extra dp is not installed")

from deidrelease.errors import ModelError
from deidrelease.models.causal.language_model import _with_lora
from deidrelease.models.causal.loss import NextTokenLoss
from deidrelease.models.private.per_sample import (
    check_per_sample_gradients,
    clear_gradients,
    per_sample_gradients,
    trained,
)
from deidrelease.settings import AdaptSettings, DpSettings, LoraSettings

VOCABULARY = 120
MakeModel = Callable[[str], Any]
ROWS = [torch.arange(3 + k, 12 + 5 * k).remainder(VOCABULARY).tolist() for k in (0, 3, 1)]
ARCHITECTURES = ["GPT2", "Llama", "Gemma3", "Gemma2", "Qwen3", "Mistral", "Bloom"]


def with_lora(base: Any, checkpointing: bool = False, dropout: float = 0.0) -> Any:
    settings = AdaptSettings(
        model="x",
        lora=LoraSettings(rank=3, dropout=dropout),
        gradient_checkpointing=checkpointing,
        dp=DpSettings(epsilon=8),
    )
    model = _with_lora(base, settings)
    # A fresh adapter's second matrices are zero, and so are all gradients of the first.
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in trained(model).values():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return model.train()


def without_dropout(model: Any) -> Any:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


def by_autograd(model: Any, losses: NextTokenLoss, row: list[int]) -> dict[str, torch.Tensor]:
    clear_gradients(model)
    losses.total([row])[0].div(len(row) - 1).backward()
    return {name: p.grad.clone() for name, p in trained(model).items()}


@pytest.mark.parametrize("checkpointing", [False, True], ids=["kept", "recomputed"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_they_are_what_autograd_finds_for_each_example_alone(
    make_model: MakeModel, architecture: str, checkpointing: bool
) -> None:
    model = without_dropout(with_lora(make_model(architecture), checkpointing))
    if architecture != "Gemma2":  # whose own masks overflow in double precision
        model = model.double()
    losses = NextTokenLoss(model.get_base_model(), 0, "cpu")
    expected = [by_autograd(model, losses, row) for row in ROWS]
    names = " ".join(trained(model))
    assert "mlp" in names and "attn" in names.replace("attention", "attn")
    clear_gradients(model)
    with per_sample_gradients(model):
        losses.means(ROWS).sum().backward()
        for name, parameter in trained(model).items():
            assert parameter.grad_sample.shape == (len(ROWS), *parameter.shape)
            for found, alone in zip(parameter.grad_sample, expected, strict=True):
                torch.testing.assert_close(found, alone[name], rtol=1e-5, atol=1e-5)
    assert not any(hasattr(p, "grad_sample") for p in model.parameters())


@pytest.mark.parametrize("checkpointing", [False, True], ids=["kept", "recomputed"])
@pytest.mark.parametrize("architecture", ["GPT2", "Llama", "Gemma3"])
def test_in_bfloat16_they_are_those_of_full_precision_but_for_its_rounding(
    make_model: MakeModel, architecture: str, checkpointing: bool
) -> None:
    model = without_dropout(with_lora(make_model(architecture), checkpointing))
    losses = NextTokenLoss(model.get_base_model(), 0, "cpu")
    expected = [by_autograd(model, losses, row) for row in ROWS]
    clear_gradients(model)
    with per_sample_gradients(model):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            total = losses.means(ROWS).sum()
        total.backward()
        for number, alone in enumerate(expected):
            apart = torch.stack([(p.grad_sample[number].float() - alone[n]).norm() for n, p in trained(model).items()])
            size = torch.stack([gradient.norm() for gradient in alone.values()]).norm()
            # Above 0: eight bits of precision, and not sixteen more that nobody asked for.
            assert 1e-4 < float(apart.norm() / size) < 5e-2


@pytest.mark.parametrize("checkpointing", [False, True], ids=["kept", "recomputed"])
@pytest.mark.parametrize("architecture", ["GPT2", "Llama", "Gemma3"])
def test_the_probe_passes_them_in_bfloat16_too(make_model: MakeModel, architecture: str, checkpointing: bool) -> None:
    model = with_lora(make_model(architecture), checkpointing, dropout=0.3)
    losses = NextTokenLoss(model.get_base_model(), 0, "cpu")
    before = {name: p.detach().clone() for name, p in trained(model).items()}

    def autocast() -> torch.autocast:
        return torch.autocast("cpu", dtype=torch.bfloat16)

    with per_sample_gradients(model):
        check_per_sample_gradients(model, losses.means, ROWS, autocast, bf16=True)
    assert all(torch.equal(before[name], p) for name, p in trained(model).items())
    assert {m.p for m in model.modules() if isinstance(m, nn.Dropout)} >= {0.3}


class Mixing(nn.Module):
    """Subtracts the batch's mean: the gradient of an example holds a part of every other."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def losses(self, rows: list[list[float]]) -> torch.Tensor:
        inputs = torch.tensor(rows)
        outputs = self.layer(inputs - inputs.mean(0))
        return (outputs.squeeze(1) - outputs.mean()) ** 2


class Folding(Mixing):
    """Folds the batch into another dimension."""

    def losses(self, rows: list[list[float]]) -> torch.Tensor:
        return self.layer(torch.tensor(rows).reshape(1, -1, 3)).reshape(-1) ** 2


@pytest.mark.parametrize("kind", [Mixing, Folding])
def test_a_model_that_mixes_examples_is_refused(kind: type[Mixing]) -> None:
    model = kind()
    with per_sample_gradients(model), pytest.raises(ModelError, match="cannot be trained with a guarantee"):
        check_per_sample_gradients(
            model, model.losses, [[1.0, 2.0, 3.0], [0.0, 1.0, 5.0], [2.0, 2.0, 0.0]], nullcontext, bf16=False
        )


def test_checkpointing_in_torchs_newer_way_is_refused_rather_than_wrong(make_model: MakeModel) -> None:
    base = make_model("Llama")
    model = with_lora(base)
    model.enable_input_require_grads()
    base.gradient_checkpointing_enable({"use_reentrant": False})
    losses = NextTokenLoss(model.get_base_model(), 0, "cpu")
    with per_sample_gradients(model), pytest.raises((ModelError, IndexError, RuntimeError)):
        check_per_sample_gradients(model, losses.means, ROWS, nullcontext, bf16=False)


def test_a_layer_with_statistics_of_batches_is_refused() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    with pytest.raises(ModelError, match="no gradient for one example"), per_sample_gradients(model):
        pass
