"""What a private training leaves behind: the guarantee, what was planned for it, and how it went."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from deidrelease.artifacts import write_text
from deidrelease.models.private.plan import Plan
from deidrelease.privacy.guarantee import guarantee, guarantee_document
from deidrelease.privacy.stated import PRIVACY
from deidrelease.privacy.units import Units
from deidrelease.results import DpGuarantee

if TYPE_CHECKING:
    from deidrelease.models.private.training import PrivateFit

FORMAT = "deidrelease.private-training/1"


def promised(plan: Plan, fit: "PrivateFit", units: Units, outside: Sequence[str]) -> DpGuarantee:
    """The guarantee of what ran, which is not what was planned unless it really ran.

    Raises:
        PrivacyError: The accountants contradict one another, or nothing can be promised.
    """
    return guarantee(fit.events, plan.delta, units.unit, units.count, plan.clip, units.most_notes_of_a_patient, outside)


def write_privacy(folder: Path, plan: Plan, fit: "PrivateFit", made: DpGuarantee) -> None:
    """Writes `privacy.json` into the stage's folder."""
    document = {
        "format": FORMAT,
        "guarantee": guarantee_document(made),
        "plan": asdict(plan),
        "fit": {"steps": fit.steps, "attempts": fit.attempts},
    }
    write_text(folder / PRIVACY, json.dumps(document, indent=1) + "\n")
