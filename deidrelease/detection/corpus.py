"""Replaces the spans of a corpus by what a detector finds, note by note."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import tee

from deidrelease import progress
from deidrelease.detection.detector import Detector
from deidrelease.detection.recall import Detected
from deidrelease.errors import CorpusError, Problem
from deidrelease.labels import LabelMap
from deidrelease.notes import Note, Span

UNCLASSED = "none"


@dataclass(slots=True)
class Detection:
    """One pass of a detector over a corpus; what it counted may be read once `notes` is used up.

    Attributes:
        detector: Loaded.
        names: Label of the detector to the label to write; empty to write them as they are.
        score: Whether to compare with the spans that the notes had.
        spans: Spans written, by label.
        characters: Read.
        compared: With the spans that the notes had, if `score`.
    """

    detector: Detector
    names: Mapping[str, str] = field(default_factory=dict)
    score: bool = False
    spans: dict[str, int] = field(default_factory=dict)
    characters: int = 0
    compared: Detected = field(default_factory=Detected)

    def notes(self, corpus: Iterable[Note], total: int) -> Iterator[Note]:
        """The `total` notes with the detected spans in place of their own; reads ahead as the detector does."""
        kept, read = tee(corpus)
        with progress.step("detecting", total) as step:
            for note, spans in zip(kept, self.detector.detect(note.text for note in read), strict=True):
                yield self._counted(note, spans)
                step.advance(1)

    def _counted(self, note: Note, spans: Sequence[Span]) -> Note:
        if self.score:
            self.compared.add(note, spans)
        named = tuple(replace(span, label=self.names.get(span.label, span.label)) for span in spans)
        for span in named:
            self.spans[span.label] = self.spans.get(span.label, 0) + 1
        self.characters += len(note.text)
        return replace(note, spans=named)


def hipaa_names(labels: Sequence[str], maps: Sequence[LabelMap]) -> dict[str, str]:
    """The HIPAA class, `A` to `R`, of each label by the first map that knows it; `none` where that gives no class.

    Raises:
        CorpusError: Lists every label that no map knows.
    """
    known = {label: meaning for label_map in reversed(maps) for label, meaning in label_map.labels.items()}
    remedy = "add --map with a map that knows it, such as the one of the corpus the tagger was trained on"
    problems = [Problem("--map", f"{label} is in no label map", remedy) for label in labels if label not in known]
    if problems:
        raise CorpusError(f"{len(problems)} label(s) of the detectors have no meaning.", problems)
    return {label: known[label].hipaa or UNCLASSED for label in labels}
