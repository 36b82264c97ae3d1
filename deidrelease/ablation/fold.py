"""fold: holds out one part of the patients, and takes dev out of the others."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease import progress
from deidrelease.ablation.dividing import FOLD, SIDES, sides_of
from deidrelease.artifacts import atomic_writer, write_text
from deidrelease.errors import CorpusError
from deidrelease.formats import open_corpus
from deidrelease.notes import note_to_json
from deidrelease.settings import CorpusSettings
from deidrelease.stages.split import check_overlaps, size_problems


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
        sizes = {side: sum(1 for each in sides.values() if each == side) for side in SIDES}
        if problems := size_problems(sizes):
            raise CorpusError("The corpus has too few patients for so many folds.", problems)
        counts = dict.fromkeys(SIDES, 0)
        with ExitStack() as stack, progress.step("dividing by patient") as step:
            streams = {side: stack.enter_context(atomic_writer(out / f"{side}.jsonl")) for side in SIDES}
            for note in corpus:
                side = sides[note.patient_id]
                streams[side].write(note_to_json(note).encode("utf-8") + b"\n")
                counts[side] += 1
                step.advance(1)
        summary = {side: {"patients": sizes[side], "notes": counts[side]} for side in SIDES}
        write_text(out / "fold.json", json.dumps(summary, indent=1) + "\n")
