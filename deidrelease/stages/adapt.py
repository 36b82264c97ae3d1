"""adapt: a causal language model learns the text of the gold train notes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease.artifacts import CHECKPOINT, write_text
from deidrelease.formats import open_corpus
from deidrelease.models.causal.adaptation import adapt
from deidrelease.models.causal.language_model import make_language_model, save_language_model
from deidrelease.models.devices import find_place
from deidrelease.models.loading import identity
from deidrelease.settings import AdaptSettings, ComputeSettings


@dataclass(frozen=True, slots=True)
class Adapt:
    """Trains on gold train, keeps the weights with the lowest loss on gold dev."""

    adapt: AdaptSettings
    compute: ComputeSettings

    name: ClassVar[str] = "adapt"
    version: ClassVar[int] = 1
    releasable: ClassVar[frozenset[str]] = frozenset()

    @property
    def after(self) -> tuple[str, ...]:
        """Gold train and dev, with surrogates where the settings ask for them."""
        folder = "pseudonymise" if self.adapt.pseudonymise else "split"
        return f"{folder}/train.jsonl", f"{folder}/dev.jsonl"

    def settings(self) -> Mapping[str, object]:
        """Those of the adaptation, and which weights it starts from; which notes it reads shows in its inputs."""
        weights = identity(self.adapt.model, self.adapt.revision)
        return {**self.adapt.model_dump(mode="json", exclude={"pseudonymise"}), "weights": weights}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes `model/` (an adapter, or the whole of a model made from nothing) and `adaptation.json`."""
        train, dev = (open_corpus(inputs[name], "jsonl") for name in self.after)
        place = find_place(self.compute)
        texts = (note.text for note in train)
        language_model = make_language_model(self.adapt, texts, place, seed, self.compute.download)
        adaptation = adapt(language_model, self.adapt, train, dev, place, seed, out / CHECKPOINT)
        save_language_model(language_model, self.adapt, place, out / "model")
        write_text(out / "adaptation.json", json.dumps(asdict(adaptation), indent=1) + "\n")
