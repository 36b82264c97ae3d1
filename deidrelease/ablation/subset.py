"""subset: keeps the train and dev notes of a share of a fold's patients, as a hospital with so many would have."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease.ablation.dividing import SUBSET, kept
from deidrelease.artifacts import write_text
from deidrelease.formats import jsonl, open_corpus
from deidrelease.stages.split import FEWEST

_SIDES = ("train", "dev")


@dataclass(frozen=True, slots=True)
class Subset:
    """Cuts dev by the same share as train: whoever has 25 notes has no 100 to stop early on."""

    share: float

    name: ClassVar[str] = SUBSET
    version: ClassVar[int] = 1
    after: ClassVar[tuple[str, ...]] = ("fold/train.jsonl", "fold/dev.jsonl")
    releasable: ClassVar[frozenset[str]] = frozenset()

    def settings(self) -> Mapping[str, object]:
        """The share."""
        return {"share": self.share}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes `train.jsonl`, `dev.jsonl` and how many patients each has."""
        counts = {}
        for side in _SIDES:
            corpus = open_corpus(inputs[f"fold/{side}.jsonl"], "jsonl")
            patients = kept({note.patient_id for note in corpus}, self.share, FEWEST[side], seed)
            jsonl.write((note for note in corpus if note.patient_id in patients), out / f"{side}.jsonl")
            counts[side] = len(patients)
        write_text(out / "subset.json", json.dumps({"patients": counts}, indent=1) + "\n")
