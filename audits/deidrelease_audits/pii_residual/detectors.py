"""The detectors that look at the synthetic text: loaded once a process, and in the classes of HIPAA."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from deidrelease.contracts import Corpora, Language
from deidrelease.detection.detector import Detector, load_detector
from deidrelease.labels import HIPAA_CLASSES, LabelMap, load_label_map

CLASSES = tuple(HIPAA_CLASSES)
OTHER = CLASSES.index("R")
NOT_LISTED = -1

FAMILIES: Mapping[str, str] = {
    "names": "A",
    "places": "B",
    "dates": "C",
    "contacts": "DEFNO",
    "numbers": "GHIJKLM",
    "others": "PQR",
}
"""Classes that detectors take for one another: a fax number for a telephone number, one number for another."""


@dataclass(frozen=True, slots=True)
class DetectorChoice:
    """Which detectors are to look, small enough to travel to another process.

    Attributes:
        language: Of the patterns; None for none of them.
        tagger: Folder of a tagger; None for none.
        min_score: Least score of a pattern's match.
    """

    language: Language | None
    tagger: Path | None
    min_score: float

    @classmethod
    def of(cls, corpora: Corpora, patterns: bool, min_score: float) -> "DetectorChoice":
        """What `corpora` offers: the patterns of its language, if they are wanted, and its tagger."""
        return cls(corpora.language if patterns else None, corpora.tagger, min_score)

    def missing(self) -> str:
        """Why these detectors cannot look, and what would help; empty where they can."""
        if self.language is None and self.tagger is None:
            return "Nothing can detect: say the language of the notes (--language), or name a tagger (--tagger)."
        if self.language is not None and find_spec("presidio_analyzer") is None:
            return "Presidio is not installed, whose patterns are to look: pip install 'deidrelease[presidio]'."
        return ""

    def in_words(self) -> str:
        """Which they are, without a path."""
        patterns = [] if self.language is None else [f"Presidio's patterns and the project's own for '{self.language}'"]
        return " and ".join([*patterns, *([] if self.tagger is None else ["a tagger"])])


@lru_cache(maxsize=1)
def loaded(choice: DetectorChoice) -> Detector:
    """The detectors of `choice`.

    Kept for the life of the process: an index must travel to workers, compiled patterns and weights cannot, and to
    load them for every shard would take longer than the shard. The choice decides all about them, so the memory
    changes no result.

    Raises:
        ModelError: Presidio is not installed, or the tagger cannot be loaded.
    """
    return load_detector(
        choice.language or "en",
        patterns=choice.language is not None,
        min_score=choice.min_score,
        tagger=choice.tagger,
    )


def class_numbers(label_map: LabelMap | None) -> dict[str, int]:
    """Label of a detector or annotation to its place in `CLASSES`, `NOT_LISTED` where Safe Harbor lists no such thing.

    The corpus's own map has the first word, Presidio's the second.
    """
    maps = [load_label_map("presidio"), *([] if label_map is None else [label_map])]
    return {
        label: NOT_LISTED if meaning.hipaa is None else CLASSES.index(meaning.hipaa)
        for known in maps
        for label, meaning in known.labels.items()
    }


def family_of(class_number: int) -> int:
    """The place in `FAMILIES` of a class."""
    letter = CLASSES[class_number]
    return next(place for place, letters in enumerate(FAMILIES.values()) if letter in letters)
