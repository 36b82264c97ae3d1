"""Tiny causal models, random but made to have opinions: untrained ones score all tokens nearly alike."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from deidrelease.models.causal.language_model import LanguageModel, make_language_model
from deidrelease.models.devices import Place
from deidrelease.notes import Note
from deidrelease.settings import AdaptSettings, ScratchCausal

VOCABULARY = 120
MakeModel = Callable[[str], Any]


def tiny(name: str) -> Any:
    import transformers

    common = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    gpt = {"vocab_size": VOCABULARY, "n_layer": 2, "n_head": 4}
    gemma = {"intermediate_size": 64, "num_key_value_heads": 1, "head_dim": 16, "sliding_window": 8}
    own: dict[str, tuple[str, str, dict[str, Any]]] = {
        "Llama": ("LlamaConfig", "LlamaForCausalLM", {**common, "intermediate_size": 64, "num_key_value_heads": 2}),
        "GPT2": ("GPT2Config", "GPT2LMHeadModel", {**gpt, "n_embd": 32}),
        "Bloom": ("BloomConfig", "BloomForCausalLM", {**gpt, "hidden_size": 32}),
        "Gemma2": ("Gemma2Config", "Gemma2ForCausalLM", {**common, **gemma, "final_logit_softcapping": 5.0}),
        "Gemma3": ("Gemma3TextConfig", "Gemma3ForCausalLM", {**common, **gemma, "max_position_embeddings": 256}),
        "Qwen3": (
            "Qwen3Config",
            "Qwen3ForCausalLM",
            {**common, "intermediate_size": 64, "num_key_value_heads": 2, "head_dim": 8},
        ),
        "Mistral": (
            "MistralConfig",
            "MistralForCausalLM",
            {**common, "intermediate_size": 64, "num_key_value_heads": 2, "sliding_window": 8},
        ),
        "Mamba": (
            "MambaConfig", "MambaForCausalLM", {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2},
        ),
    }  # fmt: skip
    config, model, options = own[name]
    torch.manual_seed(3)
    made = getattr(transformers, model)(getattr(transformers, config)(**options)).eval()
    with torch.no_grad():
        made.get_output_embeddings().weight.mul_(12)
    return made


@pytest.fixture(scope="session")
def make_model() -> MakeModel:
    return tiny


@pytest.fixture(scope="session")
def scratch_settings() -> AdaptSettings:
    return AdaptSettings(
        scratch=ScratchCausal(layers=1, hidden=32, heads=2, vocabulary=330, dropout=0.1),
        context=48,
        epochs=1,
        batch_size=4,
        learning_rate=3e-3,
    )


@pytest.fixture(scope="session")
def language_model(scratch_settings: AdaptSettings, notes: list[Note], cpu: Place) -> LanguageModel:
    made = make_language_model(scratch_settings, (note.text for note in notes), cpu, seed=2, download=False)
    made.model.eval()
    return made
