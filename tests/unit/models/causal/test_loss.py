"""The loss on real positions only, against the one that transformers computes with padding ignored."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from deidrelease.models.causal import loss as module
from deidrelease.models.causal.loss import NextTokenLoss

ROWS = [[1, 40, 41, 42, 2], [1, 7], [1, *range(50, 75), 2], [9, 2, 2, 2]]
PAD = 2  # a token that also occurs in the rows: only the mask may tell
MakeModel = Callable[[str], Any]
FAMILIES = ["Llama", "GPT2", "Bloom", "Gemma2", "Gemma3", "Qwen3", "Mistral"]


def reference(model: Any, rows: list[list[int]]) -> torch.Tensor:
    longest = max(map(len, rows))
    inputs = torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    loss: torch.Tensor = model(input_ids=inputs, attention_mask=mask, labels=inputs.masked_fill(mask == 0, -100)).loss
    return loss


def gradients(model: Any, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def check(model: Any) -> None:
    expected = reference(model, ROWS)
    wanted = gradients(model, expected)
    loss = NextTokenLoss(model, PAD, "cpu")(ROWS)
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    got = gradients(model, loss)
    assert got.keys() == wanted.keys()
    for name in wanted:
        torch.testing.assert_close(got[name], wanted[name], rtol=1e-3, atol=1e-5, msg=name)


@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_are_those_of_transformers(make_model: MakeModel, family: str) -> None:
    check(make_model(family))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("positions", [1, 3, 7])
def test_in_chunks_too(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch, family: str, positions: int) -> None:
    model = make_model(family)
    monkeypatch.setattr(module, "_MOST_SCORES", positions * model.config.vocab_size)
    check(model)


def test_a_cap_on_the_scores_is_not_left_out(make_model: MakeModel) -> None:
    model = make_model("Gemma2")
    capped = NextTokenLoss(model, PAD, "cpu")(ROWS).item()
    model.config.final_logit_softcapping = None
    assert abs(reference(model, ROWS).item() - capped) > 0.1


def test_the_head_never_sees_padding_nor_more_than_a_chunk(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model("Llama")
    loss = NextTokenLoss(model, PAD, "cpu")
    loss(ROWS)  # so that the comparison of heads, made once, is not counted below
    seen: list[int] = []
    model.lm_head.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape[:-1].numel()))
    monkeypatch.setattr(module, "_MOST_SCORES", 5 * model.config.vocab_size)
    with torch.no_grad():
        total, count = loss.total(ROWS)
    assert count == sum(len(row) - 1 for row in ROWS) == sum(seen)
    assert max(seen) == 5
    assert total.item() / count == pytest.approx(reference(model, ROWS).item(), rel=1e-5)


def test_rows_weigh_by_their_tokens(make_model: MakeModel) -> None:
    loss = NextTokenLoss(make_model("Llama"), PAD, "cpu")
    parts = [loss.total([row]) for row in ROWS]
    expected = sum(total.item() for total, _ in parts) / sum(count for _, count in parts)
    assert loss(ROWS).item() == pytest.approx(expected, rel=1e-5)
