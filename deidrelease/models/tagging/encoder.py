"""Loads an encoder with a tagging head, or makes a small one from nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.errors import ModelError, Problem
from deidrelease.models.bpe import train_bpe
from deidrelease.models.loading import SCRATCH, load, resolve
from deidrelease.models.tagging.note_tokens import fit_to_notes
from deidrelease.models.tagging.tags import labels_of, tag_names
from deidrelease.settings import TaggerSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


@dataclass(frozen=True, slots=True)
class Encoder:
    """A tokenizer and a model that scores tags, with what a window looks like to it.

    Attributes:
        tokenizer: Fast, so that every token knows its characters.
        model: Token classification.
        labels: Sorted; fixes the tags.
        prefix: Token ids before every window.
        suffix: Token ids behind it.
    """

    tokenizer: "PreTrainedTokenizerFast"
    model: "PreTrainedModel"
    labels: tuple[str, ...]
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]

    def tokenize(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and character offsets of the tokens of a whole text, special tokens left out."""
        encoding = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return encoding["input_ids"], encoding["offset_mapping"]

    def save(self, folder: Path) -> None:
        """Saves weights and tokenizer so that any Hugging Face tool can load them."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def make_encoder(
    settings: TaggerSettings, labels: Sequence[str], texts: Iterable[str], seed: int, download: bool
) -> Encoder:
    """An encoder for `labels` with an untrained head.

    Args:
        settings: Of the tagger.
        labels: Sorted.
        texts: The training notes; read only where a tokenizer must be made from nothing.
        seed: Of the new weights.
        download: Whether a hub id may be fetched.

    Raises:
        ModelError: The model cannot be loaded, or its tokenizer cannot say where a token stands.
    """
    import torch

    torch.manual_seed(seed)
    names = tag_names(labels)
    maps = {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
    if settings.model == SCRATCH:
        tokenizer = train_bpe(texts, settings.scratch.vocabulary, causal=False)
        return _encoder(tokenizer, _scratch(settings, len(tokenizer), maps), labels)
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    source = resolve(settings.model, settings.revision, settings.vocabulary)
    tokenizer = load(AutoTokenizer.from_pretrained, source, settings.revision, download)
    model, report = load(
        AutoModelForTokenClassification.from_pretrained,
        source,
        settings.revision,
        download,
        ignore_mismatched_sizes=True,
        dtype=torch.float32,
        config=_config(settings, source, maps, download),
        output_loading_info=True,
    )
    _check_complete(settings.model, model.base_model_prefix, report)
    if tokenizer.is_fast:
        tokenizer = fit_to_notes(tokenizer, model, settings.line_ends == "token", settings.punctuation == "cut")
    return _encoder(tokenizer, model, labels)


def _check_complete(name: str, prefix: str, report: dict[str, Any]) -> None:
    """Only the head may start untrained: an encoder with a hole in it would train, badly, and nobody would know."""
    holes = [key for key in report["missing_keys"] if key.startswith(f"{prefix}.")]
    holes += [key for key, *_ in report["mismatched_keys"] if key.startswith(f"{prefix}.")]
    if holes:
        what = f"lacks {len(holes)} tensors, {min(holes)} the first"
        raise ModelError("This encoder is not whole.", [Problem(name, what, "save or fetch it again")])


def _config(settings: TaggerSettings, source: str, maps: dict[str, Any], download: bool) -> Any:
    """The model's own, for these tags, with as many layers as are wanted."""
    from transformers import AutoConfig

    config = load(AutoConfig.from_pretrained, source, settings.revision, download, **maps)
    if settings.layers is None:
        return config
    if settings.layers > config.num_hidden_layers:
        what = f"wants {settings.layers} layers of {settings.model}, which has {config.num_hidden_layers}"
        raise ModelError("This model has fewer layers.", [Problem("layers", what, "ask for fewer, or leave it out")])
    config.num_hidden_layers = settings.layers
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[: settings.layers]
    return config


def load_encoder(folder: Path) -> Encoder:
    """Loads what `Encoder.save` wrote, or any local tagger whose tags are in the order of `tag_names`.

    Raises:
        ModelError: It cannot be loaded or has other tags.
    """
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    tokenizer = load(AutoTokenizer.from_pretrained, str(folder), None, False)
    model = load(AutoModelForTokenClassification.from_pretrained, str(folder), None, False)
    try:
        labels = labels_of([model.config.id2label[i] for i in range(model.config.num_labels)])
    except ValueError as error:
        raise ModelError("This is no tagger.", [Problem(str(folder), str(error), "name one made here")]) from None
    return _encoder(tokenizer, model, labels)


def _encoder(tokenizer: Any, model: Any, labels: Sequence[str]) -> Encoder:
    if not tokenizer.is_fast:
        remedy = "choose a model with a fast tokenizer (tokenizer.json)"
        problem = Problem(str(tokenizer.name_or_path), "its tokenizer does not tell where a token stands", remedy)
        raise ModelError("This model cannot tag.", [problem])
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    framed = tokenizer("a")["input_ids"]
    at = next(i for i in range(len(framed)) if framed[i : i + len(plain)] == plain)
    return Encoder(tokenizer, model, tuple(labels), tuple(framed[:at]), tuple(framed[at + len(plain) :]))


def _scratch(settings: TaggerSettings, vocabulary: int, maps: dict[str, Any]) -> "PreTrainedModel":
    from transformers import ModernBertConfig, ModernBertForTokenClassification

    scratch = settings.scratch
    config = ModernBertConfig(
        vocab_size=vocabulary,
        hidden_size=scratch.hidden,
        intermediate_size=2 * scratch.hidden,
        num_hidden_layers=scratch.layers,
        num_attention_heads=scratch.heads,
        max_position_embeddings=max(1024, settings.window),
        local_attention=scratch.local_attention,
        global_attn_every_n_layers=3,
        embedding_dropout=scratch.dropout,
        mlp_dropout=scratch.dropout,
        classifier_dropout=scratch.dropout / 2,
        pad_token_id=0,
        cls_token_id=1,
        bos_token_id=1,
        sep_token_id=2,
        eos_token_id=2,
        **maps,
    )
    return ModernBertForTokenClassification._from_config(config, attn_implementation="sdpa")  # noqa: SLF001
