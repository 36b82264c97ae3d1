"""Detects PII in many texts with patterns, with a tagger, or with both."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING

from deidrelease.detection.merging import Finding, merge
from deidrelease.errors import ConfigError, ModelError, Problem
from deidrelease.models.devices import find_place
from deidrelease.notes import Span
from deidrelease.settings import ComputeSettings

if TYPE_CHECKING:
    from deidrelease.detection.analyzer import PatternDetector
    from deidrelease.models.tagging.tagger import Tagger

LANGUAGES = ("es", "sv", "en")
# What Presidio gives to the entities of a language model; the tagger has no score of its own.
TAGGER_SCORE = 0.85
MIN_SCORE = 0.35


@dataclass(frozen=True, slots=True)
class Detector:
    """Patterns, a tagger, or both.

    Raises:
        ConfigError: Neither was given.
    """

    patterns: "PatternDetector | None" = None
    tagger: "Tagger | None" = None

    def __post_init__(self) -> None:
        if self.patterns is None and self.tagger is None:
            problem = Problem("detector", "has neither patterns nor a tagger", "allow the patterns, or name a tagger")
            raise ConfigError("There is nothing to detect with.", [problem])

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that a span may carry, sorted."""
        return tuple(sorted({label for part in (self.patterns, self.tagger) if part for label in part.labels}))

    def detect(self, texts: Iterable[str]) -> Iterator[tuple[Span, ...]]:
        """Yields the spans of each text, in order; reads ahead by what the tagger does (64 texts)."""
        for text, spans in self._tagged(texts):
            found = [Finding(span.start, span.end, span.label, TAGGER_SCORE) for span in spans]
            yield merge([*found, *(self.patterns.find(text) if self.patterns else ())])

    def _tagged(self, texts: Iterable[str]) -> Iterator[tuple[str, tuple[Span, ...]]]:
        if self.tagger is None:
            return ((text, ()) for text in texts)
        kept, read = tee(texts)
        return zip(kept, self.tagger.tag(read), strict=True)


def load_detector(
    language: str,
    *,
    patterns: bool = True,
    min_score: float = MIN_SCORE,
    tagger: Path | None = None,
    compute: ComputeSettings | None = None,
) -> Detector:
    """Loads what was asked for.

    Args:
        language: `es`, `sv` or `en`: decides the patterns.
        patterns: Whether to use Presidio's patterns.
        min_score: Least score of what a pattern finds; the tagger's spans are always kept.
        tagger: Folder of a trained tagger, such as `RUN/annotator`.
        compute: Where the tagger runs.

    Raises:
        ModelError: Presidio is not installed, or the tagger cannot be loaded.
        ConfigError: Neither patterns nor a tagger are wanted.
    """
    from deidrelease.models.loading import go_offline

    # Presidio imports transformers, which looks for this once, at its import.
    go_offline(download=False)
    return Detector(
        _load_patterns(language, min_score) if patterns else None,
        _load_tagger(tagger, compute or ComputeSettings()) if tagger else None,
    )


def _load_patterns(language: str, min_score: float) -> "PatternDetector":
    if find_spec("presidio_analyzer") is None:
        remedy = "pip install 'deidrelease[presidio]', or do without the patterns (--no-patterns)"
        raise ModelError("Presidio is missing.", [Problem("presidio-analyzer", "is not installed", remedy)])
    from deidrelease.detection.analyzer import PatternDetector

    return PatternDetector(language, min_score)


def _load_tagger(folder: Path, compute: ComputeSettings) -> "Tagger":
    if not (folder / "training.json").is_file():
        remedy = "name the folder of a finished stage, such as RUN/annotator or RUN/train"
        raise ModelError("There is no tagger.", [Problem(str(folder), "holds no training.json", remedy)])
    from deidrelease.models.tagging.store import load_tagger

    return load_tagger(folder, find_place(compute))
