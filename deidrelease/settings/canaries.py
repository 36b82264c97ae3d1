"""Canaries: made-up notes by which the language model's memory is measured."""

from typing import Annotated, Literal

from pydantic import Field

from deidrelease.settings.base import Count, Section


class CanarySettings(Section):
    """Made-up notes, each a patient of its own; a coin puts about half of them among the notes that are learnt from.

    Which ones is known to nobody but a private file of the run, and cannot be told from the seed. So a run with
    canaries does not come out again bit for bit.
    """

    count: Annotated[int, Field(ge=20, le=100_000)] = Field(
        200, description="Made up; about half go in. More can refute a larger epsilon: 200 up to 3.5, 1000 up to 5."
    )
    words: Annotated[int, Field(ge=2, le=50)] = Field(6, description="Made-up words of a canary's secret.")
    prefix: Literal["auto", "form", "public"] = Field(
        "auto",
        description="What stands before the secret: `form`, phrases that many train patients share; `public`, phrases "
        "that come with deidrelease. `auto`: public where `adapt.dp` is set, as it must be there, else form.",
    )
    form_patients: Count = Field(20, description="A phrase is the form's, and nobody's, if so many patients have it.")
    language: Literal["es", "sv", "en"] | None = Field(None, description="Of public phrases; all three by default.")
