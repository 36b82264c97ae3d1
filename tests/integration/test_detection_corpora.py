"""Detection on corpora that nobody here wrote, read from the folder that DEIDRELEASE_CORPORA names."""

import os
from pathlib import Path

import pytest

from deidrelease.detection.detector import load_detector
from deidrelease.detection.recall import Detected, recall
from deidrelease.formats import PatientSource, ReadOptions, open_corpus

pytest.importorskip("presidio_analyzer", reason="the extra presidio is not installed")
CORPORA = os.environ.get("DEIDRELEASE_CORPORA", "")
NOTES = ReadOptions(PatientSource("note"), mend=True)


def counted(path: str, language: str) -> Detected:
    if not CORPORA:
        pytest.skip("DEIDRELEASE_CORPORA is not set; it names the folder that holds the real corpora")
    folder = Path(CORPORA) / path
    if not folder.exists():
        pytest.skip(f"there is no {folder}")
    notes = list(open_corpus(folder, options=NOTES))
    return recall(zip(notes, load_detector(language).detect(note.text for note in notes), strict=True))


def test_spanish_numbers_are_found_in_meddocan() -> None:
    found = counted("meddocan/dev", "es")
    for label in (
        "ID_ASEGURAMIENTO",
        "ID_TITULACION_PERSONAL_SANITARIO",
        "CORREO_ELECTRONICO",
        "ID_CONTACTO_ASISTENCIAL",
    ):
        assert found.by_type[label].whole.estimate().value > 0.97, label
    assert found.over_redaction.estimate().high < 0.001
    # What the documents say of patterns: no names.
    assert found.by_type["NOMBRE_SUJETO_ASISTENCIA"].whole.hits == 0


def test_queries_without_phi_are_left_alone() -> None:
    found = counted("asq-phi/synthetic_clinical_queries.txt", "en")
    assert found.struck.units == 219
    assert found.struck.estimate().value < 0.02
    assert found.by_type["DATE"].whole.estimate().value > 0.95
    assert found.by_type["NAME"].touched.hits == 0


def test_addresses_are_found_in_generated_sentences() -> None:
    found = counted("presidio-synthetic/synth_dataset_v2.json", "en")
    for label in ("EMAIL_ADDRESS", "IP_ADDRESS", "DOMAIN_NAME", "US_SSN"):
        assert found.by_type[label].whole.hits == found.by_type[label].whole.units, label
