"""The models of a run: taggers, and the language model that learns the notes."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from deidrelease.settings.base import Count, Positive, Section, Share
from deidrelease.settings.canaries import CanarySettings
from deidrelease.settings.dp import DpSettings

_OWN_TOKENIZER = (
    "with {0}.dp a model cannot be made from nothing: its tokenizer would be trained on the private notes, outside any "
    "epsilon. Set {0}.model to a starter or to a folder"
)


class ScratchEncoder(Section):
    """A small ModernBERT trained from nothing, with a byte-level BPE of its own."""

    layers: Count = 4
    hidden: Annotated[int, Field(ge=16, multiple_of=2)] = 256
    heads: Count = 4
    vocabulary: Annotated[int, Field(ge=300)] = 4000
    local_attention: Annotated[int, Field(ge=2, multiple_of=2)] = Field(
        64, description="Tokens in reach of the layers that look nearby; every third layer sees all."
    )
    dropout: Share = 0.2

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.hidden % (2 * self.heads):
            raise ValueError("hidden must be an even multiple of heads")
        return self


class PublicVocabulary(Section):
    """Cuts a vocabulary to what public word lists need (wordfreq); no private note is ever looked at."""

    languages: Annotated[list[str], Field(min_length=1)] = Field(description="Codes of those to keep: es, sv, en.")
    words: Count = Field(30_000, description="Most frequent words of each language; all else is spelt in pieces.")


class TaggerSettings(Section):
    """An encoder that tags PII: the annotator, and the tagger trained on synthetic notes."""

    model: str = Field(
        "scratch", description="`scratch`, `starter:NAME`, a local folder, or a hub id found in the local cache."
    )
    revision: str | None = Field(None, description="Hub commit or tag; pin it.")
    layers: Count | None = Field(None, description="Keep only so many first layers of a pretrained encoder.")
    vocabulary: PublicVocabulary | None = Field(
        None, description="Cut the vocabulary of a pretrained encoder; all of it by default."
    )
    line_ends: Literal["token", "space"] = Field(
        "token", description="A token of its own for line ends, where a pretrained tokenizer takes them for spaces."
    )
    punctuation: Literal["cut", "joined"] = Field(
        "cut", description="Cut a pretrained tokenizer's tokens at punctuation: where spans end, a token must end."
    )
    scratch: ScratchEncoder = ScratchEncoder()
    window: Annotated[int, Field(ge=16)] = Field(256, description="Tokens a window, special tokens included.")
    overlap: Annotated[int, Field(ge=0)] = Field(32, description="Tokens that neighbouring windows share when tagging.")
    epochs: Count = 6
    patience: Count = Field(3, description="Epochs without a better dev F1 that end training, once it is above 0.")
    batch_size: Count = 16
    learning_rate: Positive = 5e-5
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup: Share = Field(0.06, description="Share of all steps over which the rate rises.")
    empty_windows: Share = Field(0.3, description="Share of the windows without PII that each epoch keeps.")
    class_weights: Literal["none", "sqrt"] = Field(
        "none", description="`sqrt` weighs a tag by the root of its inverse frequency, at most tenfold."
    )
    freeze_embeddings: bool = False
    gradient_checkpointing: bool = False

    @model_validator(mode="after")
    def _overlap_fits(self) -> Self:
        if self.overlap * 2 > self.window:
            raise ValueError("overlap may be at most half of window")
        return self


class AnnotatorSettings(TaggerSettings):
    """The tagger that learns from private notes, and so the one that may need a guarantee."""

    dp: DpSettings | None = Field(None, description="Train with differential privacy; none by default.")

    @model_validator(mode="after")
    def _nothing_is_learnt_beside_dp(self) -> Self:
        if self.dp is None:
            return self
        if self.model == "scratch":
            raise ValueError(_OWN_TOKENIZER.format("annotator"))
        if self.class_weights != "none":
            raise ValueError("with annotator.dp, class_weights would tell how often each type occurs: set it to none")
        return self


class ScratchCausal(Section):
    """A small Llama trained from nothing, with a byte-level BPE of its own."""

    layers: Count = 6
    hidden: Annotated[int, Field(ge=16, multiple_of=2)] = 256
    heads: Count = 4
    vocabulary: Annotated[int, Field(ge=300)] = 4000
    dropout: Share = Field(0.1, description="On attention weights; the architecture has no other.")

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.hidden % (2 * self.heads):
            raise ValueError("hidden must be an even multiple of heads")
        return self


class LoraSettings(Section):
    """Low-rank adapters (Hu et al. 2022); the defaults are the rank and alpha reported for the paper."""

    rank: Count = 8
    alpha: Positive = 32
    dropout: Share = 0.05
    targets: Literal["auto"] | list[str] = Field(
        "auto", description="`auto` finds every linear layer but the output; or name the modules."
    )


class AdaptSettings(Section):
    """How the causal language model learns the private notes."""

    model: str = Field(
        "scratch", description="`scratch`, `starter:NAME`, a local folder, or a hub id found in the local cache."
    )
    revision: str | None = Field(None, description="Hub commit or tag; pin it.")
    vocabulary: PublicVocabulary | None = Field(
        None, description="Cut the vocabulary of a pretrained model; on a CPU that doubles a multilingual one's speed."
    )
    scratch: ScratchCausal = ScratchCausal()
    lora: LoraSettings = LoraSettings()
    quantization: Literal["auto", "none", "4bit"] = Field(
        "auto", description="`auto` loads the base in 4 bits where CUDA and bitsandbytes are there (QLoRA)."
    )
    context: Annotated[int, Field(ge=16)] = Field(1024, description="Tokens a training row.")
    grouping: Literal["pack", "length"] = Field(
        "pack", description="`pack` fills rows with whole and cut notes; `length` puts notes of like length together."
    )
    epochs: Count = 3
    patience: Count = Field(2, description="Epochs without a lower dev loss after which training stops.")
    keep: Literal["best", "last"] = Field(
        "best", description="Which epoch's weights: those with the lowest dev loss, or, every epoch run, the last ones."
    )
    batch_size: Count = 4
    accumulation: Count = Field(1, description="Batches an optimiser step.")
    learning_rate: Positive = 2e-4
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup: Share = 0.06
    gradient_checkpointing: bool = False
    pseudonymise: bool = Field(
        False, description="Learn from notes whose gold PII gave way to surrogates, as `substitute` says."
    )
    dp: DpSettings | None = Field(None, description="Train with differential privacy; none by default.")
    canaries: CanarySettings | None = Field(
        None, description="Plant made-up notes to measure what is remembered of one; none by default."
    )

    @model_validator(mode="after")
    def _nothing_is_learnt_beside_dp(self) -> Self:
        if self.dp is None:
            return self
        if self.model == "scratch":
            raise ValueError(_OWN_TOKENIZER.format("adapt"))
        if self.quantization == "4bit":
            raise ValueError("with adapt.dp the base is not loaded in 4 bits: set adapt.quantization to auto or none")
        return self

    @model_validator(mode="after")
    def _canaries_are_one_unit(self) -> Self:
        if self.dp is not None and self.canaries is not None and self.canaries.prefix == "form":
            raise ValueError(
                "with dp a canary may hold nothing that a patient's note decided: set canaries.prefix to public or auto"
            )
        return self
