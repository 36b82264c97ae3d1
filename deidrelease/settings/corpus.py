"""The private notes, and how their patients are divided."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from deidrelease.errors import ConfigError
from deidrelease.formats import formats
from deidrelease.formats.patients import compile_pattern
from deidrelease.formats.reading import PatientSource, ReadOptions
from deidrelease.settings.base import PositiveShare, Section


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
