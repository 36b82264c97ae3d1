"""evaluate: the gold tagger and the synthetic tagger, side by side on the hold-out."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease import progress
from deidrelease.artifacts import write_text
from deidrelease.formats import open_corpus
from deidrelease.models.devices import Place, find_place
from deidrelease.models.tagging.store import load_tagger
from deidrelease.notes import Corpus, Note, Span
from deidrelease.report.comparison import draw_comparison
from deidrelease.scoring import (
    PatientTallies,
    Scorer,
    as_dict,
    compare,
    estimates_as_dict,
    summarise,
    tally_patients,
    training_values,
)
from deidrelease.scoring.tallies import Columns
from deidrelease.settings import ComputeSettings, EvaluateSettings

RESULT_FORMAT = "deidrelease.evaluation/1"
PATIENTS = "patients.private.json"
HITS = ("strict_tp", "strict_fp", "strict_fn")
_SAYS = (
    "How well each tagger finds the annotated PII of patients that no model, prompt, threshold or early stop has seen, "
    "and how far the tagger trained on synthetic notes stays behind the one trained on the private ones."
)
_DOES_NOT_SAY = (
    "Nothing about what the synthetic notes leak: that is the audits' part. The intervals cover the choice of hold-out "
    "patients, not the randomness of training, other hospitals, or mistakes in the gold annotation."
)


@dataclass(frozen=True, slots=True)
class Evaluate:
    """The first stage that opens the hold-out.

    Attributes:
        evaluate: The section.
        compute: Where it runs.
        by_patient: Write what each tagger found of each patient, private, in the place of the picture: what a
            comparison of several runs on the same hold-out is made from.
    """

    evaluate: EvaluateSettings
    compute: ComputeSettings
    by_patient: bool = False

    name: ClassVar[str] = "evaluate"
    version: ClassVar[int] = 1
    after: ClassVar[tuple[str, ...]] = ("annotator", "train", "split/train.jsonl", "split/holdout.jsonl")
    releasable: ClassVar[frozenset[str]] = frozenset({"result.json", "comparison.svg", "comparison.png"})

    def settings(self) -> Mapping[str, object]:
        """Those of the intervals, and what is written beside them."""
        # Runs of the time before there was a choice stay what they are.
        return {**self.evaluate.model_dump(mode="json"), **({"by_patient": True} if self.by_patient else {})}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes `result.json`, and the picture of it, `comparison.svg` and `.png`, or `patients.private.json`."""
        place = find_place(self.compute)
        holdout = open_corpus(inputs["split/holdout.jsonl"], "jsonl")
        train = open_corpus(inputs["split/train.jsonl"], "jsonl")
        labels = sorted({span.label for corpus in (train, holdout) for note in corpus for span in note.spans})
        scorer = Scorer(training_values(train), tuple(labels))
        gold = _tally(inputs["annotator"], holdout, scorer, place, "scoring the gold tagger")
        synthetic = _tally(inputs["train"], holdout, scorer, place, "scoring the synthetic tagger")
        result = self._result(gold, synthetic, seed)
        write_text(out / "result.json", json.dumps(result, indent=1, allow_nan=False) + "\n")
        if self.by_patient:
            counts = {"gold": _hits(gold), "synthetic": _hits(synthetic)}
            write_text(out / PATIENTS, json.dumps(counts, indent=1) + "\n")
        else:
            draw_comparison(result, out)

    def _result(self, gold: PatientTallies, synthetic: PatientTallies, seed: int) -> dict[str, object]:
        how = (seed, self.evaluate.resamples, self.evaluate.confidence)
        return {
            "format": RESULT_FORMAT,
            "test_set": "hold-out patients, gold annotation",
            "gold_tagger": as_dict(summarise(gold, *how)),
            "synthetic_tagger": as_dict(summarise(synthetic, *how)),
            "synthetic_minus_gold": estimates_as_dict(compare(synthetic, gold, *how)),
            "says": _SAYS,
            "does_not_say": _DOES_NOT_SAY,
        }


def _tally(folder: Path, holdout: Corpus, scorer: Scorer, place: Place, what: str) -> PatientTallies:
    tagger = load_tagger(folder, place)
    with progress.step(what, sum(1 for _ in holdout)) as step:

        def watched() -> Iterator[tuple[Note, Sequence[Span]]]:
            for pair in zip(holdout, tagger.tag(note.text for note in holdout), strict=True):
                step.advance(1)
                yield pair

        return tally_patients(watched(), scorer)


def _hits(tallies: PatientTallies) -> list[list[int]]:
    """Of each patient, in the order of the hold-out and without the id: mentions found, wrongly found and missed."""
    columns = Columns(tallies.labels)
    by_patient: list[list[int]] = tallies.matrix[:, [columns.of(name) for name in HITS]].sum(axis=2).tolist()
    return by_patient
