"""annotator: a tagger trained on the gold train notes; it tags the synthetic ones, and is the gold tagger too."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease.artifacts import CHECKPOINT
from deidrelease.formats import open_corpus
from deidrelease.models.devices import find_place
from deidrelease.models.loading import identity
from deidrelease.models.tagging.store import save_tagger
from deidrelease.models.tagging.training import train_tagger
from deidrelease.settings import ComputeSettings, TaggerSettings


@dataclass(frozen=True, slots=True)
class Annotator:
    """Trains on gold train, stops early on gold dev."""

    tagger: TaggerSettings
    compute: ComputeSettings

    name: ClassVar[str] = "annotator"
    version: ClassVar[int] = 1
    after: ClassVar[tuple[str, ...]] = ("split/train.jsonl", "split/dev.jsonl")
    releasable: ClassVar[frozenset[str]] = frozenset()

    def settings(self) -> Mapping[str, object]:
        """Those of the tagger, and which weights it starts from."""
        weights = identity(self.tagger.model, self.tagger.revision)
        return {**self.tagger.model_dump(mode="json"), "weights": weights}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes `model/` and `training.json`."""
        train, dev = (open_corpus(inputs[name], "jsonl") for name in self.after)
        place = find_place(self.compute)
        training = train_tagger(self.tagger, train, list(dev), place, seed, out / CHECKPOINT, self.compute.download)
        save_tagger(training, self.tagger, out)
