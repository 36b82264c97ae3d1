"""annotate: the annotator tags the synthetic notes."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from deidrelease import progress
from deidrelease.artifacts import write_text
from deidrelease.formats import brat, jsonl, open_corpus
from deidrelease.models.devices import find_place
from deidrelease.models.tagging.store import load_tagger
from deidrelease.notes import Corpus, Note
from deidrelease.settings import AnnotateSettings, ComputeSettings


@dataclass(frozen=True, slots=True)
class Annotate:
    """Whatever spans the notes had before are replaced by the annotator's."""

    annotate: AnnotateSettings
    compute: ComputeSettings
    substituted: bool = False

    name: ClassVar[str] = "annotate"
    version: ClassVar[int] = 1
    after: ClassVar[tuple[str, ...]] = ("annotator", "generate/notes.jsonl")

    @property
    def releasable(self) -> frozenset[str]:
        """The corpus, unless surrogates follow: then only what carries them may leave the site."""
        return frozenset() if self.substituted else frozenset({"notes.jsonl", "brat"})

    def settings(self) -> Mapping[str, object]:
        """The precision; how many tokens go through at once decides the speed and not the result."""
        settings: dict[str, object] = {"precision": self.annotate.precision}
        if self.substituted:  # a receipt that calls the tagged notes releasable must not be taken up
            settings["substituted"] = True
        return settings

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:  # noqa: ARG002
        """Writes the corpus as `notes.jsonl` and `brat/`, and `annotation.json` with the spans of each type."""
        synthetic = open_corpus(inputs["generate/notes.jsonl"], "jsonl")
        jsonl.write(self._tagged(synthetic, inputs["annotator"]), out / "notes.jsonl")
        corpus = open_corpus(out / "notes.jsonl", "jsonl")
        brat.write(corpus, out / "brat")
        spans = Counter(span.label for note in corpus for span in note.spans)
        write_text(out / "annotation.json", json.dumps({"spans": dict(sorted(spans.items()))}, indent=1) + "\n")

    def _tagged(self, synthetic: Corpus, annotator: Path) -> Iterator[Note]:
        place, settings = find_place(self.compute), self.annotate
        tagger = load_tagger(annotator, place, settings.batch_tokens, int8=settings.precision == "int8")
        with progress.step("tagging synthetic notes", sum(1 for _ in synthetic)) as step:
            for note, spans in zip(synthetic, tagger.tag(note.text for note in synthetic), strict=True):
                yield replace(note, spans=spans)
                step.advance(1)
