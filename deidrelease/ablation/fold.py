"""fold: holds out one part of the patients, and takes dev out of the others."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease.ablation.dividing import FOLD, sides_of
from deidrelease.artifacts import write_text
from deidrelease.formats import open_corpus
from deidrelease.settings import CorpusSettings
from deidrelease.stages.split import check_overlaps, write_sides


@dataclass(frozen=True, slots=True)
class Fold:
    """Writes what `split` writes, by rank in the place of coins.

    Attributes:
        corpus: How the corpus is read.
        folds: How many there are.
        fold: Which, from 0.
        dev: Share of the patients not held out.
    """

    corpus: CorpusSettings
    folds: int
    fold: int
    dev: float

    name: ClassVar[str] = FOLD
    version: ClassVar[int] = 1
    after: ClassVar[tuple[str, ...]] = ("corpus",)
    releasable: ClassVar[frozenset[str]] = frozenset()

    def settings(self) -> Mapping[str, object]:
        """Which fold of how many; the corpus counts by its content, not by its path."""
        return {"folds": self.folds, "fold": self.fold, "dev": self.dev}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes `train.jsonl`, `dev.jsonl`, `holdout.jsonl` and their counts.

        Raises:
            CorpusError: The corpus has defects or overlapping spans, or a side has too few patients.
        """
        corpus = open_corpus(inputs["corpus"], self.corpus.format, self.corpus.reading())
        check_overlaps(corpus)
        sides = sides_of({note.patient_id for note in corpus}, self.folds, self.fold, self.dev, seed)
        summary = write_sides(corpus, sides.__getitem__, out)
        write_text(out / "fold.json", json.dumps(summary, indent=1) + "\n")
