"""The settings of a run: one section a stage, each key with its meaning, its default and its limits."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from deidrelease.errors import ConfigError
from deidrelease.formats import formats
from deidrelease.formats.patients import compile_pattern
from deidrelease.formats.reading import PatientSource, ReadOptions

Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Unknown keys are refused: a misspelt setting that is silently ignored changes what a report means."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CorpusSettings(Section):
    """The private, annotated notes."""

    path: Path = Field(description="File or folder; relative paths start at the working directory.")
    format: str = Field("auto", description="`auto`, or a name that `deidrelease corpus convert --help` lists.")
    patients: str = Field(
        "recorded",
        description="Where patient ids stand: `recorded` in the corpus; `note`, every note a patient of its own; "
        "`field:NAME` of the record or its meta; `file:PATTERN`, a regular expression on file names with one group "
        "or a group named patient; `table:CSV` with the columns note_id and patient_id.",
    )
    overlaps: Literal["error", "keep-longest"] = Field(
        "error", description="Spans that share characters: a tagger cannot carry them. `keep-longest` drops the others."
    )
    merge: bool = Field(
        False, description="Take discontinuous spans from first to last part, and annotators' remarks into meta."
    )
    labels: str | None = Field(
        None, description="What the labels mean: the name of a shipped label map, or the path of one; for surrogates."
    )

    @field_validator("format")
    @classmethod
    def _is_format(cls, value: str) -> str:
        readable = ["auto", *(name for name, form in formats().items() if form.read)]
        if value not in readable:
            raise ValueError(f"must be one of {', '.join(readable)}")
        return value

    @field_validator("patients")
    @classmethod
    def _is_patient_source(cls, value: str) -> str:
        try:
            compiled = PatientSource.parse(value)
            if compiled.kind == "file":
                compile_pattern(compiled.argument)
        except ConfigError as error:
            raise ValueError("; ".join(f"{problem.what}: {problem.remedy}" for problem in error.problems)) from None
        return value

    def reading(self) -> ReadOptions:
        """How the corpus is to be read."""
        return ReadOptions(PatientSource.parse(self.patients), self.overlaps, self.merge)


class SplitSettings(Section):
    """Shares of patients; a seeded coin sends each patient to one side."""

    train: PositiveShare = 0.65
    dev: PositiveShare = 0.1
    holdout: PositiveShare = Field(0.25, description="Gold test set and audit control; 0.2 to 0.3 gives audits power.")

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        if abs(self.train + self.dev + self.holdout - 1) > 1e-6:
            raise ValueError("train, dev and holdout must add up to 1")
        return self


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
    batch_size: Count = 4
    accumulation: Count = Field(1, description="Batches an optimiser step.")
    learning_rate: Positive = 2e-4
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup: Share = 0.06
    gradient_checkpointing: bool = False
    pseudonymise: bool = Field(
        False, description="Learn from notes whose gold PII gave way to surrogates, as `substitute` says."
    )


class GenerateSettings(Section):
    """How synthetic notes are sampled; temperature and top-p are those reported for the paper."""

    count: Count | None = Field(None, description="Notes to keep; overrides `multiple`.")
    multiple: Positive = Field(4.0, description="Notes to keep, as a multiple of the gold training notes.")
    temperature: Positive = 1.0
    top_p: PositiveShare = 0.95
    top_k: Annotated[int, Field(ge=0)] = Field(
        256, description="Candidates kept before top-p; 0 keeps all, which costs a sort of the vocabulary a token."
    )
    repetition_penalty: Annotated[float, Field(ge=1)] = 1.0
    prompt_words: Annotated[int, Field(ge=0)] = Field(
        0, description="First words of a random *training* note as prompt (the paper: 3). They may hold PII."
    )
    batch_size: Count = 16
    length_quantile: PositiveShare = Field(
        0.99, description="The length cap, in tokens, is this quantile of the training notes."
    )
    loops: Literal["drop", "keep"] = Field("drop", description="Notes that end up repeating themselves.")
    duplicates: Literal["drop", "keep"] = Field("drop", description="Synthetic notes equal to an earlier one.")
    truncated: Literal["drop", "keep"] = Field("keep", description="Notes that reach the length cap unfinished.")
    attempts: Positive = Field(3.0, description="Give up after this many samples for each note that is wanted.")


class AnnotateSettings(Section):
    """How the annotator tags the synthetic notes."""

    batch_tokens: Count | None = Field(
        None, description="Tokens the encoder sees at once; by default 1024 on a CPU, 16384 elsewhere."
    )
    precision: Literal["full", "int8"] = Field(
        "full",
        description="`int8` rounds the annotator's linear layers, on a CPU, for speed; compare recall first.",
    )


class SubstituteSettings(Section):
    """Surrogates in the place of tagged values: in synthetic notes, and in gold ones for `adapt.pseudonymise`."""

    enabled: bool = Field(False, description="Put surrogates into the synthetic notes, after they were tagged.")
    language: Literal["auto", "es", "sv", "en"] = Field(
        "auto", description="Of the surrogates; `auto` tells it by the function words of each note."
    )
    fallback_language: Literal["es", "sv", "en"] | None = Field(
        None, description="For notes that do not show theirs; without it such a note is an error."
    )
    ages: Literal["keep", "bucket"] = Field(
        "keep", description="`bucket` writes decades (`70-79`); 90 and above become `90+` either way."
    )
    private_dates: Literal["avoid", "allow"] = Field(
        "avoid", description="`allow` lets a new date be one that the private corpus has; a large one has them all."
    )


class EvaluateSettings(Section):
    """How the two taggers are compared on the hold-out."""

    resamples: Annotated[int, Field(ge=100)] = Field(1000, description="Bootstrap resamples over patients.")
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


class AuditSettings(Section):
    """How the synthetic notes are searched for the private ones."""

    enabled: bool = True
    only: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="Names of the audits to run; all by default, and a release needs all."
    )
    language: Literal["auto", "es", "sv", "en"] = Field(
        "auto", description="Decides the patterns; `auto`: `substitute.language`, else what most training notes show."
    )
    policy: Path | None = Field(None, description="YAML file of bounds; where one is not kept, `run` exits with 4.")
    workers: Count = Field(1, description="Processes; each holds the index of the synthetic notes.")


class ComputeSettings(Section):
    """Where the work is done; changes no fingerprint, so that a run may move to another machine."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    threads: Count | None = Field(None, description="CPU threads; all by default.")
    download: bool = Field(False, description="Allow fetching hub models. Off: nothing touches the network.")
    checkpoint_seconds: Annotated[float, Field(gt=0)] = Field(60.0, description="Least time between checkpoints.")


class ReleaseConfig(Section):
    """A whole run. `train` takes from `annotator` every key that it does not set itself."""

    run_dir: Path = Field(description="Folder that the run fills; private, never to be shared.")
    seed: Annotated[int, Field(ge=0)] = 0
    corpus: CorpusSettings
    split: SplitSettings = SplitSettings()
    annotator: TaggerSettings = TaggerSettings()
    adapt: AdaptSettings = AdaptSettings()
    generate: GenerateSettings = GenerateSettings()
    annotate: AnnotateSettings = AnnotateSettings()
    substitute: SubstituteSettings = SubstituteSettings()
    train: TaggerSettings = TaggerSettings()
    synthetic_dev: PositiveShare = Field(
        0.1, description="Share of the synthetic notes on which `train` stops early: it must need no private note."
    )
    evaluate: EvaluateSettings = EvaluateSettings()
    audit: AuditSettings = AuditSettings()
    compute: ComputeSettings = ComputeSettings()

    @model_validator(mode="after")
    def _labels_have_a_meaning(self) -> Self:
        if (self.substitute.enabled or self.adapt.pseudonymise) and self.corpus.labels is None:
            raise ValueError("surrogates need to know what the labels mean: set corpus.labels to a label map")
        return self
