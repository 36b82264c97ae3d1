"""Presidio's analyzer, offline and failing closed, on texts of any length."""

import logging
from collections.abc import Iterator
from typing import Any

import regex
from presidio_analyzer import AnalyzerEngine, PatternRecognizer, RecognizerRegistry

from deidrelease.detection.merging import Finding
from deidrelease.detection.recognizers import recognizers
from deidrelease.detection.words import WordEngine
from deidrelease.errors import ModelError, Problem

# At DEBUG Presidio logs words of the notes.
logging.getLogger("presidio-analyzer").setLevel(logging.WARNING)

# Some of Presidio's patterns and its context rules take time that grows with the square of the text.
BLOCK = 20_000
OVERLAP = 1_000


class PatternDetector:
    """Finds what Presidio's patterns for one language find.

    Args:
        language: `es`, `sv` or `en`.
        min_score: Least score of a finding, after context words had their say.
    """

    def __init__(self, language: str, min_score: float) -> None:
        self._language, self._min_score = language, min_score
        self._engine = offline_engine(language)
        self.labels = tuple(sorted(self._engine.get_supported_entities(language)))

    def find(self, text: str) -> list[Finding]:
        """All findings in `text`, which may overlap.

        Raises:
            ModelError: A pattern could not be searched to its end; Presidio alone would leave it out.
        """
        return [
            Finding(start + result.start, start + result.end, result.entity_type, result.score)
            for start, end in blocks(text)
            for result in self._analyze(text[start:end])
        ]

    def _analyze(self, block: str) -> list[Any]:
        try:
            results: list[Any] = self._engine.analyze(block, self._language, score_threshold=self._min_score)
        except ValueError:
            # Presidio's own messages quote the text.
            problem = Problem("presidio", "refused a part of a note", "report this; nothing was written")
            raise ModelError("The patterns could not be searched.", [problem]) from None
        return results


def offline_engine(language: str) -> AnalyzerEngine:
    """An analyzer of Presidio's with all pattern recognizers of `language`, to which more can be added.

    It loads no language model and opens no socket, and a pattern that runs out of time is an error in it.
    """
    made = recognizers(language)
    for recognizer in made:
        if isinstance(recognizer, PatternRecognizer):
            _refuse_timeouts(recognizer)
    registry = RecognizerRegistry(made, supported_languages=[language])
    return AnalyzerEngine(registry, WordEngine(language), supported_languages=[language])


def blocks(text: str, size: int = BLOCK, overlap: int = OVERLAP) -> Iterator[tuple[int, int]]:
    """Cuts a long text into overlapping parts, at white space where there is some, each at most `size` long.

    What is no longer than a quarter of `overlap` stands whole, with as much before it, in at least one part.
    """
    start = 0
    while len(text) - start > size:
        end = _cut(text, start + size - overlap // 4, start + size)
        yield start, end
        start = _cut(text, end - overlap, end - overlap * 3 // 4)
    if text:
        yield start, len(text)


def _cut(text: str, low: int, high: int) -> int:
    return next((at for at in range(high, low, -1) if text[at - 1].isspace()), high)


class _Unskippable:
    """A compiled pattern whose time-out is an error of ours, as Presidio catches its own and goes on without."""

    def __init__(self, name: str, compiled: Any) -> None:
        self._name, self._compiled = name, compiled

    def finditer(self, text: str, timeout: float) -> Iterator[Any]:
        """As the pattern's own.

        Raises:
            ModelError: It took longer than `timeout` seconds.
        """
        try:
            yield from self._compiled.finditer(text, timeout=timeout)
        except TimeoutError:
            what = f"the pattern took longer than {timeout:.0f} s on one part of a note"
            remedy = "set REGEX_TIMEOUT_SECONDS higher; nothing was written"
            raise ModelError("The patterns could not be searched.", [Problem(self._name, what, remedy)]) from None


def _refuse_timeouts(recognizer: PatternRecognizer) -> None:
    flags = recognizer.global_regex_flags
    for pattern in recognizer.patterns:
        pattern.compiled_regex = _Unskippable(pattern.name, regex.compile(pattern.regex, flags=flags))
        pattern.compiled_with_flags = flags
