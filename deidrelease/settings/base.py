"""What sections have in common, and the limits that their numbers share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Unknown keys are refused: a misspelt setting that is silently ignored changes what a report means."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
