"""What a private corpus may spend over all runs, and where it is written down."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from deidrelease.settings.base import Positive, Section


class BudgetSettings(Section):
    """What all private steps on one corpus may spend together, of any run and any release, per patient."""

    epsilon: Positive = Field(description="The most, by composition over everything that the ledger holds.")
    delta: Annotated[float, Field(gt=0, lt=1)] = Field(description="At which epsilon is added up.")


class PrivacySettings(Section):
    """The ledger of private steps; changes no fingerprint, since it decides no result."""

    ledger: Path | None = Field(
        None,
        description="Folder of the ledgers, for all runs of a site; `$XDG_STATE_HOME/deidrelease/ledgers` by default. "
        "Where it is set, trainings without differential privacy are recorded too, as unbounded.",
    )
    budget: BudgetSettings | None = Field(
        None, description="`run` refuses to start a step that would pass it; a step without a bound always would."
    )
