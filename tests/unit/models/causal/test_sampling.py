"""Many texts in one batch, against each text alone and without a cache."""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from deidrelease.errors import ModelError
from deidrelease.models.causal.choosing import Choosing
from deidrelease.models.causal.sampling import Sampled, Sampler, loops
from deidrelease.models.devices import Place

OPENING, CLOSING, CAP, SEED = 1, 2, 24, 7
CHOOSING = Choosing(temperature=1.2, top_k=40, top_p=0.9, repetition_penalty=1.1)
FAMILIES = ["Llama", "GPT2", "Bloom", "Gemma2", "Gemma3", "Qwen3", "Mistral"]
MakeModel = Callable[[str], Any]


BFLOAT16 = Place("cpu", bf16=True, checkpoint_seconds=3600.0)


def prompt(index: int) -> list[int]:
    return [5 + index] * (index % 4)


def alone(model: Any, index: int, followed: Sequence[int], closing: int = CLOSING) -> Sampled:
    """One text, each token from a pass over all before it.

    A draw within rounding of the edge between two tokens may go either way; there, and there only, it goes the way of
    the text that it is compared with.
    """
    rng = np.random.default_rng([SEED, index])
    tokens: list[int] = []
    while len(tokens) < CAP:
        if len(tokens) < len(prompt(index)):
            tokens.append(prompt(index)[len(tokens)])
            continue
        with torch.no_grad():
            scores = model(input_ids=torch.tensor([[OPENING, *tokens]])).logits[:, -1].float()
        draw = rng.random()
        near = [CHOOSING.choose(scores.clone(), [tokens], [draw + shift])[0] for shift in (0, -1e-5, 1e-5)]
        other = followed[len(tokens)] if len(tokens) < len(followed) else closing
        token = other if other in near else near[0]
        if token == closing:
            return Sampled(index, tuple(tokens), "closed")
        tokens.append(token)
    return Sampled(index, tuple(tokens), "truncated")


def each_alone(model: Any, texts: dict[int, Sampled], closing: int = CLOSING) -> dict[int, Sampled]:
    return {index: alone(model, index, texts[index].tokens, closing) for index in sorted(texts)}


def sample(model: Any, cpu: Place, count: int, rows: int, closing: int = CLOSING) -> dict[int, Sampled]:
    indices = itertools.chain(range(count), itertools.repeat(None))
    sampler = Sampler(model, cpu, OPENING, closing, CHOOSING, CAP, rows, SEED)
    return {s.index: s for s in sampler.sample(lambda: next(indices), prompt)}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_gives_what_each_text_alone_would(make_model: MakeModel, cpu: Place, family: str) -> None:
    model = make_model(family)
    texts = sample(model, cpu, 7, rows=3)
    assert sorted(texts) == list(range(7))
    assert texts == each_alone(model, texts)


def test_texts_end_in_different_ways_and_at_different_times(make_model: MakeModel, cpu: Place) -> None:
    model = make_model("Llama")
    # A token that the model likes closes texts, so that rows are refilled all the time.
    counts = torch.bincount(torch.tensor([t for s in sample(model, cpu, 12, 4).values() for t in s.tokens]))
    closing = int(counts[20:].argmax()) + 20
    got = sample(model, cpu, 12, rows=4, closing=closing)
    assert sorted(got) == list(range(12))
    assert got == each_alone(model, got, closing)
    assert {s.ending for s in got.values()} == {"closed", "truncated"}
    assert len({len(s.tokens) for s in got.values()}) >= 4


@pytest.mark.parametrize("rows", [1, 2, 5, 40])
def test_the_number_of_rows_decides_nothing(make_model: MakeModel, cpu: Place, rows: int) -> None:
    model = make_model("Llama")
    texts = sample(model, cpu, 9, rows)
    assert sorted(texts) == list(range(9))
    assert texts == each_alone(model, texts)


def test_positions_count_from_a_texts_own_beginning(make_model: MakeModel, cpu: Place) -> None:
    # GPT-2 has a learned vector for each position: with room for one text only, later rows would fall off the table.
    model = make_model("GPT2")
    model.transformer.wpe.weight.data[CAP + 1 :] = float("nan")
    texts = sample(model, cpu, 8, rows=2)
    assert sorted(texts) == list(range(8))
    assert texts == each_alone(model, texts)


def test_a_model_without_a_key_value_cache_is_refused(make_model: MakeModel, cpu: Place) -> None:
    with pytest.raises(ModelError, match="Mamba"):
        sample(make_model("Mamba"), cpu, 3, rows=2)


def test_nothing_wanted(make_model: MakeModel, cpu: Place) -> None:
    assert sample(make_model("Llama"), cpu, 0, rows=3) == {}


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([], False),
        ([7] * 31, False),  # below 32 tokens
        ([7] * 32, True),
        ([1, 2, 3] + [7] * 32, True),
        ([7] * 32 + [8], False),  # over: the end is no loop any more
        ([1, 2] * 16, True),
        (list(range(10)) * 3, False),  # three times
        (list(range(10)) * 4, True),
        ([99, *list(range(10)) * 4], True),
        ([*list(range(10)) * 4, 0, 1, 2], True),  # a loop may be left anywhere
        (list(range(64)) * 4, True),
        (list(range(65)) * 4, False),  # longer than is looked for
        (list(range(65)) * 8, False),
        (list(range(40)), False),
        (([1] * 9 + [2]) * 3, False),
        (([1] * 9 + [2]) * 4, True),
    ],
)
def test_loops(tokens: list[int], expected: bool) -> None:
    assert loops(tokens) is expected


def test_a_looping_text_is_given_up(make_model: MakeModel, cpu: Place) -> None:
    greedy = Choosing(temperature=1e-6, top_k=1, top_p=1.0, repetition_penalty=1.0)
    model = make_model("Llama")
    with torch.no_grad():  # whatever it has read, it likes token 9 best
        model.model.norm.weight.fill_(0)
    model.lm_head = torch.nn.Linear(32, model.config.vocab_size)
    with torch.no_grad():
        model.lm_head.bias[9] = 50
    indices = itertools.chain(range(2), itertools.repeat(None))
    sampler = Sampler(model, cpu, OPENING, CLOSING, greedy, 200, 2, SEED)
    texts = list(sampler.sample(lambda: next(indices), lambda _: ()))
    assert [(s.tokens, s.ending) for s in texts] == [((9,) * 32, "looped")] * 2


@pytest.mark.parametrize("bf16", [False, True])
def test_rounding_is_forgiven_in_bfloat16_alone(make_model: MakeModel, bf16: bool) -> None:
    model = make_model("Llama")
    forward = model.forward

    def rounded(input_ids: torch.Tensor, **inputs: Any) -> Any:
        """Scores off by tenths, other ones in another shape, as those of a large model are."""
        output = forward(input_ids=input_ids, **inputs)
        generator = torch.Generator().manual_seed(input_ids.shape[0] * 100 + input_ids.shape[1])
        output.logits = output.logits + 0.1 * torch.rand(output.logits.shape, generator=generator)
        return output

    model.forward = functools.wraps(forward)(rounded)
    if bf16:
        assert len(sample(model, BFLOAT16, 3, rows=2)) == 3
    else:
        with pytest.raises(ModelError, match="scores differ"):
            sample(model, Place("cpu", bf16=False, checkpoint_seconds=3600.0), 3, rows=2)


@pytest.mark.parametrize(("family", "bf16"), [("Llama", False), ("Bloom", False), ("Llama", True), ("Gemma3", True)])
def test_a_model_that_looks_behind_its_mask_is_refused(make_model: MakeModel, family: str, bf16: bool) -> None:
    model = make_model(family)
    forward = model.forward

    def unmasked(attention_mask: torch.Tensor | None = None, **inputs: Any) -> Any:
        seen = None if attention_mask is None else torch.ones_like(attention_mask)
        return forward(attention_mask=seen, **inputs)

    model.forward = unmasked
    with pytest.raises(ModelError, match="scores differ"):
        sample(model, Place("cpu", bf16, 3600.0), 3, rows=2)
