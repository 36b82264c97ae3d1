"""What the tests of detection share: one analyzer a language, and a small tagger that tags at random."""

from collections.abc import Callable, Iterator

import pytest
import torch

from deidrelease.demo import hospital
from deidrelease.detection.detector import MIN_SCORE
from deidrelease.models.devices import Place
from deidrelease.models.tagging.encoder import make_encoder
from deidrelease.models.tagging.tagger import Tagger
from deidrelease.notes import Note
from deidrelease.settings import ScratchEncoder, TaggerSettings

pytest.importorskip("presidio_analyzer", reason="the extra presidio is not installed")

Found = set[tuple[str, str]]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def find() -> Callable[[str, str], Found]:
    """Language and text to the (entity, value) of all findings."""
    from deidrelease.detection.analyzer import PatternDetector

    made = {language: PatternDetector(language, MIN_SCORE) for language in ("es", "sv", "en")}

    def found(language: str, text: str) -> Found:
        return {(finding.label, text[finding.start : finding.end]) for finding in made[language].find(text)}

    return found


@pytest.fixture(scope="session")
def notes() -> list[Note]:
    return list(hospital.notes(2, seed=5))


@pytest.fixture(scope="session")
def tagger(notes: list[Note]) -> Tagger:
    """Untrained; its head is spread so that all tags occur."""
    scratch = ScratchEncoder(layers=2, hidden=32, heads=2, vocabulary=320, local_attention=8, dropout=0.0)
    settings = TaggerSettings(scratch=scratch, window=34, overlap=10)
    encoder = make_encoder(settings, ("CITY", "NAME"), (note.text for note in notes), seed=1, download=False)
    with torch.no_grad():
        encoder.model.classifier.weight.mul_(20)
    encoder.model.eval()
    return Tagger(encoder, Place("cpu", bf16=False, checkpoint_seconds=3600.0), settings.window, settings.overlap)
