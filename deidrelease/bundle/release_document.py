"""`metadata/release.json`: what the release is, as a document that is read as strictly as it is written."""

from typing import Any, Literal

from pydantic import Field

from deidrelease.bundle.documents import Count, Digest, ReleaseId, Sequence, Slug, Strict
from deidrelease.bundle.moments import Moment


class DataFacts(Strict):
    """The released notes in numbers."""

    digest: Digest = Field(description="SHA-256 of all shards one after the other: of the notes' canonical lines.")
    notes: Count
    characters: Count = Field(description="Code points of all texts.")
    shards: list[str] = Field(description="Paths, in order.")
    copies: list[str] = Field(description="`brat`, `parquet`: the same notes once more.")
    spans: dict[str, str] = Field(description="Label to count, as text: counts under ten are told as `1-9`.")


class ToolFacts(Strict):
    """What made the bundle."""

    name: Literal["deidrelease"] = "deidrelease"
    version: str
    lock_sha256: Digest = Field(description="Of metadata/lock.txt.")


class ModelFacts(Strict):
    """Models that the audits rested on."""

    detector_sha256: Digest | None = Field(description="Of the tagger that served as detector; null without one.")


class PrivacyFacts(Strict):
    """What is promised, beyond what was measured."""

    differential_privacy: dict[str, Any] | None = Field(
        description="By training (adapt, annotator) its guarantee or null; null where the notes come without."
    )
    statement: str


class ReleaseDocument(Strict):
    """What a release is, who it is for, and until when."""

    format: Literal["deidrelease.release/1"] = "deidrelease.release/1"
    release_id: ReleaseId
    dataset: Slug
    title: str
    description: str
    languages: list[str]
    licence: str = Field(description="SPDX identifier, or `proprietary`.")
    sequence: Sequence = Field(description="Counts the releases of a data set.")
    previous: Digest | None = Field(description="SHA-256 of the manifest of the release before.")
    created: Moment
    valid_until: Moment
    recipient: str
    publisher: str
    contact: str
    draft: bool = Field(description="A draft is not signed, and verifies nowhere.")
    data: DataFacts
    tool: ToolFacts
    models: ModelFacts
    seed: int
    privacy: PrivacyFacts
    report_format: Literal["deidrelease.report/1"] = "deidrelease.report/1"


def json_schema() -> dict[str, Any]:
    """The published schema of `metadata/release.json`."""
    schema = ReleaseDocument.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
