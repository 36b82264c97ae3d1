"""The project's tagger as one more recognizer of Presidio."""

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from deidrelease.detection.detector import TAGGER_SCORE
from deidrelease.models.tagging.tagger import Tagger


class TaggerRecognizer(EntityRecognizer):
    """Finds in a text what the tagger tags; entities are the tagger's labels.

    For an analyzer of one's own (`engine.registry.add_recognizer`), which asks it text by text. For a corpus take the
    `Detector`, which hands the tagger many texts at once.

    Args:
        tagger: As `load_tagger` gives it.
        language: Under which Presidio files it; the tagger does not look at it.
    """

    def __init__(self, tagger: Tagger, language: str) -> None:
        self._tagger = tagger
        super().__init__(list(tagger.labels), name="deidrelease tagger", supported_language=language)

    def load(self) -> None:
        """Nothing: the tagger is loaded."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """The tagger's spans of those `entities`, all with the same score."""
        (spans,) = self._tagger.tag([text])
        return [
            RecognizerResult(entity_type=span.label, start=span.start, end=span.end, score=TAGGER_SCORE)
            for span in spans
            if span.label in entities
        ]
