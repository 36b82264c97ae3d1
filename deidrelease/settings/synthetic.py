"""The synthetic notes: how they are sampled, tagged, given surrogates, compared and audited."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from deidrelease.settings.base import Count, Positive, PositiveShare, Section, Share


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
    structure: Share = Field(
        0.0,
        description="Drop samples with less than this share of the line heads that half of the patients' training "
        "notes have; 0 drops none.",
    )
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
    workers: Count = Field(
        1, description="Processes: audits run side by side, each with its own copy of the notes that fit into memory."
    )

    @model_validator(mode="before")
    @classmethod
    def _never_had_a_policy(cls, values: Any) -> Any:
        """Run folders of the time before the gate recorded `policy: null` here."""
        if isinstance(values, dict) and "policy" in values and values["policy"] is None:
            return {name: value for name, value in values.items() if name != "policy"}
        return values
