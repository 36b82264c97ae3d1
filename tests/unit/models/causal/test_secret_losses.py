"""The loss of a secret is that of its own tokens behind its prefix, with the adapter and without."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from deidrelease.errors import ModelError
from deidrelease.models.causal.language_model import LanguageModel, make_language_model, save_language_model
from deidrelease.models.causal.secret_losses import secret_losses
from deidrelease.models.devices import Place
from deidrelease.settings import AdaptSettings, LoraSettings

TEXTS = [
    ("Name: ", "Wokjit Zokpav, 9FR6-7S26."),
    ("One line:\nRecord number: ", "Gatfov, 6403 3577."),
    ("A longer beginning that says little ", "x"),
]


def by_hand(made: LanguageModel, prefix: str, secret: str) -> tuple[float, int]:
    """Token by token, each from all that stands before it; tokens that reach beyond the prefix are the secret's."""
    ids = made.token_ids(prefix + secret)
    first = next(n for n in range(len(ids)) if len(made.tokenizer.decode(ids[: n + 1])) > len(prefix))
    row = [made.opening, *ids, made.closing]
    total = 0.0
    for place in range(first + 1, len(row)):
        with torch.no_grad():
            scores = made.model(input_ids=torch.tensor([row[:place]])).logits[0, -1]
        total -= float(torch.log_softmax(scores.float(), -1)[row[place]])
    count = len(row) - first - 1
    return total / count, count


def test_equal_to_single_steps(language_model: LanguageModel, cpu: Place) -> None:
    measured = secret_losses(language_model, TEXTS, cpu)
    for (adapted, base, tokens), (prefix, secret) in zip(measured, TEXTS, strict=True):
        loss, count = by_hand(language_model, prefix, secret)
        assert (base, tokens) == (None, count)
        assert adapted == pytest.approx(loss, rel=1e-4)


def test_the_model_is_left_as_it_was(language_model: LanguageModel, cpu: Place) -> None:
    for training in (True, False):
        language_model.model.train(training)
        secret_losses(language_model, TEXTS[:1], cpu)
        assert language_model.model.training is training
    language_model.model.eval()


@pytest.fixture
def lora(scratch_settings: AdaptSettings, language_model: LanguageModel, cpu: Place, tmp_path: Path) -> LanguageModel:
    save_language_model(language_model, scratch_settings, cpu, tmp_path / "base")
    settings = AdaptSettings(model=str(tmp_path / "base"), lora=LoraSettings(rank=4, alpha=8, dropout=0.1))
    return make_language_model(settings, (), cpu, 1, download=False)


def changed(made: LanguageModel) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in made.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.5)


def test_without_its_adapter_a_model_is_its_base(
    lora: LanguageModel, language_model: LanguageModel, cpu: Place
) -> None:
    fresh = secret_losses(lora, TEXTS, cpu)
    assert all(adapted == pytest.approx(base) for adapted, base, _ in fresh)
    changed(lora)
    measured = secret_losses(lora, TEXTS, cpu)
    plain = secret_losses(language_model, TEXTS, cpu)
    for (adapted, base, tokens), (of_base, _, same_tokens) in zip(measured, plain, strict=True):
        assert base == pytest.approx(of_base, rel=1e-4)
        assert abs(adapted - of_base) > 1e-3
        assert tokens == same_tokens
    # and the adapter is in place again afterwards
    assert secret_losses(lora, TEXTS, cpu)[0][0] == pytest.approx(measured[0][0])


def test_a_loss_that_is_no_number_is_an_error_without_the_secret(lora: LanguageModel, cpu: Place) -> None:
    changed(lora)
    with torch.no_grad():
        next(p for n, p in lora.model.named_parameters() if "lora_B" in n).fill_(float("nan"))
    with pytest.raises(ModelError) as caught:
        secret_losses(lora, TEXTS, cpu)
    assert "Wokjit" not in str(caught.value)


@pytest.mark.parametrize("tokenizer", ["byte_fallback"])
def test_tokens_that_join_the_border_are_the_secrets(tokenizer: str) -> None:
    from made import tokenizers

    from deidrelease.models.causal.secret_losses import _row

    maker: Callable[[], object] = getattr(tokenizers, tokenizer)
    made = LanguageModel(maker(), None, 2, 1)  # type: ignore[arg-type]
    for prefix, secret in TEXTS:
        ids, first = _row(made, prefix, secret)
        assert (ids[0], ids[-1]) == (2, 1)
        rest = made.tokenizer.decode(ids[first:-1])
        assert secret in rest
        assert len(rest) <= len(secret) + 1
