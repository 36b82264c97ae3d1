"""The gate: which policy judges what the audits found."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from deidrelease.settings.base import Section


class GateSettings(Section):
    """What decides whether the synthetic notes may be released; where it blocks, `run` exits with 4."""

    policy: Annotated[str, Field(min_length=1)] = Field(
        "research", description="A shipped policy's name (`deidrelease policy list`), or the path of a YAML file."
    )
    waivers: Path | None = Field(None, description="File of signed waivers; needs `gate.trust`.")
    trust: Path | None = Field(None, description="Trust policy (`trust.yaml`) whose keys may sign waivers.")

    @model_validator(mode="after")
    def _waivers_need_trust(self) -> Self:
        if self.waivers is not None and self.trust is None:
            raise ValueError("waivers count only when a trusted key signed them: set gate.trust")
        return self
