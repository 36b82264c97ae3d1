"""What an ablation's folder says of it: its settings, for whoever reads the results without the YAML."""

import json
from pathlib import Path

from pydantic import ValidationError

from deidrelease.artifacts import write_text
from deidrelease.errors import ArtifactError, Problem
from deidrelease.settings.ablation import AblationSettings

RECORD = "config.json"


def write_record(out: Path, settings: AblationSettings) -> None:
    """Writes the settings into the folder `out`, which is there."""
    write_text(out / RECORD, json.dumps(settings.model_dump(mode="json"), indent=1) + "\n")


def read_record(out: Path) -> AblationSettings:
    """The settings of the ablation in `out`.

    Raises:
        ArtifactError: There are none, or they cannot be understood.
    """
    try:
        return AblationSettings.model_validate_json((out / RECORD).read_bytes())
    except (OSError, ValidationError):
        problem = Problem(str(out / RECORD), "is missing or no record of an ablation", "run `deidrelease ablate` first")
        raise ArtifactError("There is no ablation.", [problem]) from None
