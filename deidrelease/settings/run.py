"""A whole run, and the machine that it runs on."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from deidrelease.settings.base import Count, PositiveShare, Section
from deidrelease.settings.corpus import CorpusSettings, SplitSettings
from deidrelease.settings.gate import GateSettings
from deidrelease.settings.models import AdaptSettings, AnnotatorSettings, TaggerSettings
from deidrelease.settings.privacy import PrivacySettings
from deidrelease.settings.synthetic import (
    AnnotateSettings,
    AuditSettings,
    EvaluateSettings,
    GenerateSettings,
    SubstituteSettings,
)


class ComputeSettings(Section):
    """Where the work is done; changes no fingerprint, so that a run may move to another machine."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="Of matrix products. `auto`: bfloat16 on a GPU that has it, else float32. "
        "`bfloat16` nearly halves the time of large models on a CPU with AVX512-BF16 or AMX.",
    )
    threads: Count | None = Field(None, description="CPU threads; all by default.")
    download: bool = Field(False, description="Allow fetching hub models. Off: nothing touches the network.")
    checkpoint_seconds: Annotated[float, Field(gt=0)] = Field(60.0, description="Least time between checkpoints.")


class ReleaseConfig(Section):
    """A whole run. `train` takes from `annotator` every key that it does not set itself."""

    run_dir: Path = Field(description="Folder that the run fills; private, never to be shared.")
    # What every reader of a release's JSON holds exactly (RFC 8785): a larger one could be run with, and not released.
    seed: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0
    corpus: CorpusSettings
    split: SplitSettings = SplitSettings()
    annotator: AnnotatorSettings = AnnotatorSettings()
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
    gate: GateSettings = GateSettings()
    compute: ComputeSettings = ComputeSettings()
    privacy: PrivacySettings = PrivacySettings()

    @model_validator(mode="after")
    def _labels_have_a_meaning(self) -> Self:
        if (self.substitute.enabled or self.adapt.pseudonymise) and self.corpus.labels is None:
            raise ValueError("surrogates need to know what the labels mean: set corpus.labels to a label map")
        return self

    @model_validator(mode="after")
    def _nothing_is_copied_beside_dp(self) -> Self:
        if self.adapt.dp is not None and self.generate.prompt_words:
            raise ValueError(
                "with adapt.dp no synthetic note may begin with a training note's words: set generate.prompt_words to 0"
            )
        if self.adapt.dp is not None and self.generate.structure:
            raise ValueError(
                "with adapt.dp the training notes' line heads may not decide what is kept: set generate.structure to 0"
            )
        return self
