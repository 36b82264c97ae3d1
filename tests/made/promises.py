"""Guarantees of trainings that never ran, by the accountant that would have counted them."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from deidrelease.bundle.layout import RELEASE
from deidrelease.privacy.events import PoissonGaussian
from deidrelease.privacy.guarantee import guarantee, guarantee_document
from deidrelease.privacy.stated import PRIVACY
from deidrelease.results import DpGuarantee, PrivacyUnit
from made.bundles import Plan, make_bundle

OUTSIDE = ("dev patients were looked at", "the annotator learnt without privacy")


@cache
def promise(noise: float, unit: PrivacyUnit = "patient", delta: float = 1e-4, most_notes: int = 1) -> DpGuarantee:
    """Of a hundred steps in which one unit in ten takes part."""
    pytest.importorskip("dp_accounting", reason="needs the extra dp")
    pytest.importorskip("opacus", reason="needs the extra dp")
    return guarantee([PoissonGaussian(0.1, noise, 100)], delta, unit, 1000, 1.0, most_notes, OUTSIDE)


def promising(bundle: Path, told: object) -> None:
    """Puts a release document into the folder `bundle` that promises `told` of differential privacy."""
    plan = Plan(release={"privacy": {"differential_privacy": told, "statement": "As told."}})
    with TemporaryDirectory() as place:
        document = (make_bundle(Path(place) / "b", plan) / RELEASE).read_bytes()
    (bundle / RELEASE).parent.mkdir(exist_ok=True)
    (bundle / RELEASE).write_bytes(document)


def guarantee_folder(folder: Path, noise: float, unit: PrivacyUnit = "patient", most_notes: int = 1) -> Path:
    """`folder`, as a training with such noise leaves it behind."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"guarantee": guarantee_document(promise(noise, unit, most_notes=most_notes))}
    (folder / PRIVACY).write_text(json.dumps(document))
    return folder
