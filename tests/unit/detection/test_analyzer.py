"""Long texts, patterns that run out of time, and what Presidio would say of a note."""

import pytest

from deidrelease.detection import analyzer
from deidrelease.detection.analyzer import PatternDetector, blocks
from deidrelease.errors import ModelError

MENTION = "NASS: 28 12345678 41"


def test_a_short_text_is_one_block() -> None:
    assert list(blocks("")) == []
    assert list(blocks("x" * 100, size=100, overlap=40)) == [(0, 100)]


def test_blocks_are_cut_at_white_space() -> None:
    text = "ten chars " * 20
    made = list(blocks(text, size=100, overlap=40))
    assert made[0] == (0, 100)
    assert all(text[end - 1].isspace() for _, end in made[:-1])
    assert all(start == 0 or text[start - 1].isspace() for start, _ in made)


def test_no_place_of_a_long_text_hides_a_mention() -> None:
    detector = PatternDetector("es", 0.35)
    edge = analyzer.BLOCK
    for before in range(edge - 1100, edge + 100, 37):
        text = ("palabra " * (before // 8 + 1))[:before] + f" {MENTION} " + "palabra " * 200
        found = {(f.label, text[f.start : f.end]) for f in detector.find(text)}
        assert ("ES_NASS", "28 12345678 41") in found, before


def test_long_text_without_a_space_is_searched_too() -> None:
    detector = PatternDetector("es", 0.35)
    text = "ñ" * (3 * analyzer.BLOCK) + " " + MENTION
    (found,) = detector.find(text)
    assert text[found.start : found.end] == "28 12345678 41"


def test_a_pattern_that_runs_out_of_time_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from presidio_analyzer import Pattern, PatternRecognizer, pattern_recognizer

    def slow(language: str) -> list[PatternRecognizer]:
        return [PatternRecognizer("X", supported_language=language, patterns=[Pattern("slow one", r"(?:a|aa)+$", 0.9)])]

    monkeypatch.setattr(analyzer, "recognizers", slow)
    monkeypatch.setattr(pattern_recognizer, "REGEX_TIMEOUT_SECONDS", 0.05)
    detector = PatternDetector("es", 0.35)
    with pytest.raises(ModelError, match="slow one: the pattern took longer") as caught:
        detector.find("a" * 80 + "b")
    assert "aaa" not in str(caught.value)


def test_an_error_of_presidio_quotes_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer

    def lost(*arguments: object) -> int:
        raise ValueError(f"Did not find word {arguments[0]!r}")

    detector = PatternDetector("es", 0.35)
    monkeypatch.setattr(LemmaContextAwareEnhancer, "_find_index_of_match_token", lost)
    with pytest.raises(ModelError) as caught:
        detector.find(f"x {MENTION}")
    assert "28" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_least_score_is_asked_for() -> None:
    text = "consta 28 28 35489"
    assert PatternDetector("es", 0.35).find(text) == []
    assert [finding.label for finding in PatternDetector("es", 0.05).find(text)].count("ES_COLEGIADO") == 1
