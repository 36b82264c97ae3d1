"""LoRA on architectures with differing layers: it finds them, trains them alone, and is merged without a change."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from deidrelease.errors import ModelError
from deidrelease.models.bpe import train_bpe
from deidrelease.models.causal.adaptation import adapt
from deidrelease.models.causal.language_model import (
    LanguageModel,
    load_language_model,
    make_language_model,
    save_language_model,
)
from deidrelease.models.devices import Place
from deidrelease.notes import Note
from deidrelease.settings import AdaptSettings, LoraSettings

FAMILIES = ["Llama", "GPT2", "Gemma3", "Bloom"]
IDS = torch.tensor([[1, 40, 41, 42, 7, 99]])


@pytest.fixture
def pretrained(make_model: Callable[[str], Any], notes: list[Note], tmp_path: Path) -> Callable[[str], Path]:
    def save(family: str) -> Path:
        model = make_model(family)
        tokenizer = train_bpe((note.text for note in notes), 300, causal=True)
        model.resize_token_embeddings(len(tokenizer))
        model.save_pretrained(tmp_path / family)
        tokenizer.save_pretrained(tmp_path / family)
        return tmp_path / family

    return save


def lora_settings(folder: Path, **changes: Any) -> AdaptSettings:
    values = {
        "model": str(folder), "context": 48, "epochs": 1, "batch_size": 4, "learning_rate": 1e-2,
        "quantization": "none",
        "lora": LoraSettings(rank=4, alpha=8, dropout=0.1), **changes,
    }  # fmt: skip
    return AdaptSettings.model_validate(values)


def logits(language_model: LanguageModel) -> torch.Tensor:
    language_model.model.eval()
    with torch.no_grad():
        scores: torch.Tensor = language_model.model(input_ids=IDS).logits
    return scores


@pytest.mark.parametrize("family", FAMILIES)
def test_an_adapted_model_is_saved_merged_and_the_same(
    pretrained: Callable[[str], Path], notes: list[Note], cpu: Place, tmp_path: Path, family: str
) -> None:
    folder = pretrained(family)
    settings = lora_settings(folder)
    language_model = make_language_model(settings, (), cpu, seed=1, download=False)
    base_before = {n: p.clone() for n, p in language_model.model.named_parameters() if not p.requires_grad}
    before = logits(language_model)
    trainable = [name for name, p in language_model.model.named_parameters() if p.requires_grad]
    assert trainable
    assert all("lora_" in name for name in trainable)
    assert not any("lm_head" in name for name in trainable)
    # Every linear layer of both blocks is found, not only those of attention.
    assert len({name.rsplit(".lora_", 1)[0] for name in trainable}) == {
        "Llama": 14, "GPT2": 8, "Gemma3": 14, "Bloom": 8,
    }[family]  # fmt: skip

    result = adapt(language_model, settings, notes[:6], notes[6:8], cpu, 1, tmp_path / "checkpoint")

    after = logits(language_model)
    assert (after - before).abs().max() > 0.01
    assert result.trained_parameters < result.parameters
    assert result.fit.best_score < 0
    for name, parameter in language_model.model.named_parameters():
        if name in base_before:
            assert torch.equal(parameter, base_before[name]), name

    save_language_model(language_model, settings, cpu, tmp_path / "adapted")
    loaded = load_language_model(tmp_path / "adapted", cpu, download=False)
    assert not hasattr(loaded.model, "peft_config")
    assert (loaded.opening, loaded.closing) == (language_model.opening, language_model.closing) == (1, 2)
    assert loaded.token_ids(notes[0].text) == language_model.token_ids(notes[0].text)
    torch.testing.assert_close(logits(loaded), after, rtol=1e-4, atol=1e-4)
    assert (tmp_path / "adapted" / "adapter_model.safetensors").exists()
    assert not (tmp_path / "adapted" / "model.safetensors").exists()


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradient_checkpointing_changes_no_weight(
    pretrained: Callable[[str], Path], notes: list[Note], cpu: Place, tmp_path: Path, checkpointing: bool
) -> None:
    folder = pretrained("Llama")
    plain = lora_settings(folder, lora=LoraSettings(rank=4, alpha=8, dropout=0.0))
    scores = []
    for number, settings in enumerate((plain, plain.model_copy(update={"gradient_checkpointing": checkpointing}))):
        language_model = make_language_model(settings, (), cpu, seed=1, download=False)
        adapt(language_model, settings, notes[:4], notes[4:5], cpu, 1, tmp_path / str(number))
        scores.append(logits(language_model))
    torch.testing.assert_close(scores[0], scores[1], rtol=1e-4, atol=1e-4)


def test_a_model_from_nothing_is_saved_whole_and_the_same(
    language_model: LanguageModel, scratch_settings: AdaptSettings, cpu: Place, tmp_path: Path
) -> None:
    save_language_model(language_model, scratch_settings, cpu, tmp_path)
    loaded = load_language_model(tmp_path, cpu, download=False)
    assert torch.equal(logits(loaded), logits(language_model))
    assert loaded.plain is loaded.model


def test_named_targets_that_do_not_exist(pretrained: Callable[[str], Path], cpu: Place) -> None:
    settings = lora_settings(pretrained("Llama"), lora=LoraSettings(targets=["nowhere"]))
    with pytest.raises(ModelError, match=r"adapt\.lora\.targets"):
        make_language_model(settings, (), cpu, 1, download=False)


def test_a_folder_that_holds_no_model(cpu: Place, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        make_language_model(lora_settings(tmp_path), (), cpu, 1, download=False)


def test_a_tokenizer_that_cannot_end_a_text(pretrained: Callable[[str], Path], cpu: Place) -> None:
    folder = pretrained("Llama")
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        path = folder / name
        if path.exists():
            path.write_text(path.read_text().replace('"eos_token"', '"other_token"'))
    with pytest.raises(ModelError, match="end"):
        make_language_model(lora_settings(folder), (), cpu, 1, download=False)


def test_without_an_opening_token_the_closing_one_opens(language_model: LanguageModel) -> None:
    from deidrelease.models.causal.language_model import _with_edges

    tokenizer = language_model.tokenizer
    try:
        tokenizer.bos_token = None
        assert _with_edges(tokenizer, language_model.model, "name").opening == language_model.closing
    finally:
        tokenizer.bos_token = "<s>"
