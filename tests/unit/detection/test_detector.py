"""Patterns and tagger together, many texts at a time, against Presidio's own engine, one text at a time."""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deidrelease.detection.detector import MIN_SCORE, Detector, load_detector
from deidrelease.detection.merging import Finding, merge
from deidrelease.errors import ConfigError, ModelError
from deidrelease.models.tagging.tagger import Tagger
from deidrelease.notes import Note


@pytest.mark.parametrize("language", ["es", "sv", "en"])
def test_many_at_once_find_what_presidio_finds_one_by_one(language: str, tagger: Tagger, notes: list[Note]) -> None:
    from deidrelease.detection.analyzer import PatternDetector, offline_engine
    from deidrelease.detection.tagger_recognizer import TaggerRecognizer

    engine = offline_engine(language)
    engine.registry.add_recognizer(TaggerRecognizer(tagger, language))
    texts = ["", *(note.text for note in notes), "Tel 912 345 678, ana@example.org"]
    expected = []
    for text in texts:
        results = engine.analyze(text, language, score_threshold=MIN_SCORE)
        expected.append(merge(Finding(r.start, r.end, r.entity_type, r.score) for r in results))
    detector = Detector(PatternDetector(language, MIN_SCORE), tagger)
    assert list(detector.detect(texts)) == expected
    labels = {span.label for spans in expected for span in spans}
    assert {"CITY", "NAME", "EMAIL_ADDRESS"} <= labels <= set(detector.labels)


def test_each_alone_finds_its_own(tagger: Tagger, notes: list[Note]) -> None:
    from deidrelease.detection.analyzer import PatternDetector

    texts = [note.text for note in notes]
    assert list(Detector(tagger=tagger).detect(texts)) == list(tagger.tag(texts))
    patterns = PatternDetector("es", MIN_SCORE)
    assert list(Detector(patterns).detect(texts)) == [merge(patterns.find(text)) for text in texts]


def test_the_tagger_answers_for_the_entities_asked_for(tagger: Tagger, notes: list[Note]) -> None:
    from deidrelease.detection.tagger_recognizer import TaggerRecognizer

    recognizer = TaggerRecognizer(tagger, "es")
    assert recognizer.get_supported_entities() == ["CITY", "NAME"]
    results = recognizer.analyze(notes[0].text, ["CITY"])
    (spans,) = tagger.tag([notes[0].text])
    assert [(r.start, r.end) for r in results] == [(span.start, span.end) for span in spans if span.label == "CITY"]
    assert results


@pytest.mark.parametrize("with_tagger", [True, False])
def test_reads_ahead_by_a_bounded_amount(tagger: Tagger, with_tagger: bool) -> None:
    from deidrelease.detection.analyzer import PatternDetector

    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield "Eva en Vigo"

    detector = Detector(PatternDetector("es", MIN_SCORE), tagger if with_tagger else None)
    assert len(list(itertools.islice(detector.detect(endless()), 3))) == 3
    assert read <= 65


def test_nothing_to_detect_with_is_refused() -> None:
    with pytest.raises(ConfigError, match="nothing to detect with"):
        load_detector("es", patterns=False)


def test_a_folder_without_a_tagger_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"training\.json"):
        load_detector("es", patterns=False, tagger=tmp_path)


def test_a_missing_extra_names_the_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(ModelError, match=r"pip install 'deidrelease\[presidio\]'"):
        load_detector("es")
