"""Guarantees of trainings that never ran, by the accountant that would have counted them."""

import json
from functools import cache
from pathlib import Path

import pytest

from deidrelease.privacy.events import PoissonGaussian
from deidrelease.privacy.guarantee import guarantee, guarantee_document
from deidrelease.privacy.stated import PRIVACY
from deidrelease.results import DpGuarantee, PrivacyUnit

OUTSIDE = ("dev patients were looked at", "the annotator learnt without privacy")


@cache
def promise(noise: float, unit: PrivacyUnit = "patient", delta: float = 1e-4, most_notes: int = 1) -> DpGuarantee:
    """Of a hundred steps in which one unit in ten takes part."""
    pytest.importorskip("dp_accounting", reason="needs the extra dp")
    pytest.importorskip("opacus", reason="needs the extra dp")
    return guarantee([PoissonGaussian(0.1, noise, 100)], delta, unit, 1000, 1.0, most_notes, OUTSIDE)


def guarantee_folder(folder: Path, noise: float, unit: PrivacyUnit = "patient", most_notes: int = 1) -> Path:
    """`folder`, as a training with such noise leaves it behind."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"guarantee": guarantee_document(promise(noise, unit, most_notes=most_notes))}
    (folder / PRIVACY).write_text(json.dumps(document))
    return folder
