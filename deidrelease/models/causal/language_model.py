"""A causal language model with its tokenizer: loaded with a LoRA adapter, or small and made from nothing."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.errors import ModelError, Problem
from deidrelease.models.bpe import train_bpe
from deidrelease.models.devices import Place, recompute_activations
from deidrelease.models.loading import SCRATCH, identity, load, resolve
from deidrelease.settings import AdaptSettings, PublicVocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_BASE = "base.json"


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A model, its tokenizer, and the tokens that open and close a note.

    Attributes:
        tokenizer: Any Hugging Face tokenizer.
        model: A causal language model, wrapped by PEFT where it is adapted with LoRA.
        opening: Token id in front of every note.
        closing: Token id behind it.
    """

    tokenizer: "PreTrainedTokenizerFast"
    model: Any
    opening: int
    closing: int

    @property
    def plain(self) -> Any:
        """The transformers model itself, adapters inside it."""
        return self.model.get_base_model() if hasattr(self.model, "peft_config") else self.model

    def token_ids(self, text: str) -> list[int]:
        """Ids of `text` alone, nothing added."""
        return self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]  # type: ignore[no-any-return]


def make_language_model(
    settings: AdaptSettings, texts: Iterable[str], place: Place, seed: int, download: bool
) -> LanguageModel:
    """A model ready to be adapted: only what is to be trained requires gradients.

    Args:
        settings: Of the adaptation.
        texts: Training notes; read only where a tokenizer must be made from nothing.
        place: Where it runs; the base moves there before PEFT wraps it.
        seed: Of new weights.
        download: Whether a hub id may be fetched.

    Raises:
        ModelError: The model cannot be loaded, or its tokenizer has no token that ends a text.
    """
    import torch

    torch.manual_seed(seed)
    if settings.model == SCRATCH:
        tokenizer = train_bpe(texts, settings.scratch.vocabulary, causal=True)
        return _with_edges(tokenizer, _scratch(settings, len(tokenizer)).to(place.device), SCRATCH)
    source = resolve(settings.model, settings.revision, settings.vocabulary)
    base = _load_base(source, settings.revision, place, four_bits(settings, place), download)
    tokenizer = _load_tokenizer(source, settings.revision, download)
    return _with_edges(tokenizer, _with_lora(base, settings), settings.model)


def save_language_model(language_model: LanguageModel, settings: AdaptSettings, place: Place, folder: Path) -> None:
    """Saves the adapter, or the whole of a model made from nothing, with its tokenizer and a note of its base."""
    language_model.model.save_pretrained(folder)
    language_model.tokenizer.save_pretrained(folder)
    base = {
        "model": settings.model,
        "revision": settings.revision,
        "vocabulary": settings.vocabulary and settings.vocabulary.model_dump(mode="json"),
        "weights": None if settings.model == SCRATCH else identity(settings.model, settings.revision),
        "four_bits": settings.model != SCRATCH and four_bits(settings, place),
    }
    (folder / _BASE).write_text(json.dumps(base, indent=1) + "\n", encoding="utf-8")


def load_language_model(folder: Path, place: Place, download: bool) -> LanguageModel:
    """Loads what `save_language_model` wrote, adapters merged where that is exact.

    Raises:
        ModelError: The base, or the adapter, cannot be loaded.
    """
    from transformers import AutoModelForCausalLM

    base = json.loads((folder / _BASE).read_text(encoding="utf-8"))
    tokenizer = _load_tokenizer(str(folder), None, False)
    if base["model"] == SCRATCH:
        model = load(AutoModelForCausalLM.from_pretrained, str(folder), None, False)
        return _with_edges(tokenizer, model.to(place.device), SCRATCH)
    from peft import PeftModel

    loaded = _load_base(_source_of(base), base["revision"], place, base["four_bits"], download)
    model = PeftModel.from_pretrained(loaded, folder)
    return _with_edges(tokenizer, model if base["four_bits"] else model.merge_and_unload(), base["model"])


def _source_of(base: dict[str, Any]) -> str:
    """The weights that an adapter was trained on, cut as they were."""
    model, revision, cut = base["model"], base["revision"], base.get("vocabulary")
    if base.get("weights") not in (None, identity(model, revision)):
        problem = Problem(model, "has other weights now than when it was adapted", "run the adapt stage again")
        raise ModelError("This adapter does not fit its base.", [problem])
    return resolve(model, revision, cut and PublicVocabulary(**cut))


def four_bits(settings: AdaptSettings, place: Place) -> bool:
    """Whether the base is to be loaded in 4 bits."""
    if settings.quantization == "auto":
        # Nobody has shown yet that Opacus's hooks and 4-bit layers go together.
        return settings.dp is None and place.device == "cuda" and can_quantize()
    return settings.quantization == "4bit"


def can_quantize() -> bool:
    """Whether bitsandbytes is installed."""
    from importlib.util import find_spec

    return find_spec("bitsandbytes") is not None


def _load_tokenizer(model: str, revision: str | None, download: bool) -> Any:
    from transformers import AutoTokenizer

    return load(AutoTokenizer.from_pretrained, model, revision, download)


def _load_base(model: str, revision: str | None, place: Place, quantized: bool, download: bool) -> Any:
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    dtype = torch.bfloat16 if place.bf16 else torch.float32
    options: dict[str, Any] = {"dtype": dtype}
    if quantized:
        options["device_map"] = {"": place.device}
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    loaded = load(AutoModelForCausalLM.from_pretrained, model, revision, download, **options)
    return loaded if quantized else loaded.to(place.device)


def _with_lora(base: Any, settings: AdaptSettings) -> Any:
    from peft import LoraConfig, TaskType, get_peft_model, prepare_model_for_kbit_training

    if getattr(base, "is_quantized", False):
        base = prepare_model_for_kbit_training(base, use_gradient_checkpointing=settings.gradient_checkpointing)
    lora = settings.lora
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear" if lora.targets == "auto" else lora.targets,
    )
    try:
        model = get_peft_model(base, config, autocast_adapter_dtype=True)
    except ValueError as error:
        problem = Problem("adapt.lora.targets", str(error).split("\n")[0][:200], "use auto")
        raise ModelError("LoRA finds nothing to adapt.", [problem]) from None
    if settings.gradient_checkpointing:
        # Frozen inputs carry no gradient; without this nothing behind a checkpoint would be trained.
        model.enable_input_require_grads()
        recompute_activations(base, reentrant=settings.dp is not None)
    return model


def _scratch(settings: AdaptSettings, vocabulary: int) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    scratch = settings.scratch
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=scratch.hidden,
        intermediate_size=3 * scratch.hidden,
        num_hidden_layers=scratch.layers,
        num_attention_heads=scratch.heads,
        num_key_value_heads=scratch.heads,
        max_position_embeddings=max(4096, settings.context),
        attention_dropout=scratch.dropout,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = LlamaForCausalLM(config)
    if settings.gradient_checkpointing:
        recompute_activations(model)
    return model


def _with_edges(tokenizer: Any, model: Any, name: str) -> LanguageModel:
    closing = tokenizer.eos_token_id
    if closing is None:
        problem = Problem(name, "its tokenizer has no end-of-text token", "choose another causal model")
        raise ModelError("This model cannot end a note.", [problem])
    opening = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else closing
    return LanguageModel(tokenizer, model, opening, closing)
