"""What a private corpus may spend over all runs, and where it is written down."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from deidrelease.settings.base import Positive, Section


class BudgetSettings(Section):
    """What all private steps on one corpus may spend together, of any run and any release, per patient."""

    epsilon: Positive = Field(description="The most, by composition over everything that the ledger holds.")
    delta: Annotated[float, Field(gt=0, lt=1)] = Field(description="At which epsilon is added up.")


class PrivacySettings(Section):
    """The ledger of private steps; changes no fingerprint, since it decides no result."""

    ledger: Path | None = Field(
        None,
        description="Folder of the ledgers of a site, absolute; `$XDG_STATE_HOME/deidrelease/ledgers` by default. "
        "Where it is set, trainings without differential privacy are recorded too, as unbounded.",
    )
    budget: BudgetSettings | None = Field(
        None, description="`run` refuses to start a step that would pass it; a step without a bound always would."
    )

    @field_validator("ledger")
    @classmethod
    def _stays_where_it_is(cls, value: Path | None) -> Path | None:
        """A folder that went with the working directory would be another ledger, with nothing spent."""
        if value is not None and not value.expanduser().is_absolute():
            raise ValueError("must be an absolute path, the same for every run")
        return value
