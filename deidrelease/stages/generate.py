"""generate: samples synthetic notes from the adapted language model."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease.artifacts import CHECKPOINT, write_text
from deidrelease.formats import jsonl, open_corpus
from deidrelease.models.causal.generation import generate
from deidrelease.models.causal.language_model import load_language_model
from deidrelease.models.devices import find_place
from deidrelease.settings import ComputeSettings, GenerateSettings


@dataclass(frozen=True, slots=True)
class Generate:
    """Takes lengths, and prompts where asked for, from gold train; never from dev or the hold-out."""

    generate: GenerateSettings
    compute: ComputeSettings
    pseudonymised: bool = False

    name: ClassVar[str] = "generate"
    version: ClassVar[int] = 2
    releasable: ClassVar[frozenset[str]] = frozenset()

    @property
    def after(self) -> tuple[str, ...]:
        """The language model, and the train notes that it learnt from."""
        return "adapt", f"{'pseudonymise' if self.pseudonymised else 'split'}/train.jsonl"

    def settings(self) -> Mapping[str, object]:
        """Those of the sampling."""
        return self.generate.model_dump(mode="json")

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes `notes.jsonl`, without spans, and `generation.json`."""
        place = find_place(self.compute)
        language_model = load_language_model(inputs["adapt"] / "model", place, self.compute.download)
        train = open_corpus(inputs[self.after[1]], "jsonl")
        generation = generate(language_model, self.generate, train, place, seed, out / CHECKPOINT)
        jsonl.write(generation.notes(), out / "notes.jsonl")
        write_text(out / "generation.json", json.dumps(asdict(generation.counts), indent=1) + "\n")
