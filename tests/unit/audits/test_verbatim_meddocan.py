"""Real notes of different patients, read by path: what is copied is decisive, and what recurs anyway is not."""

import os
from pathlib import Path

import numpy as np
import pytest
from made.near_copies import concluded, with_text
from made.notes_of import KEY, corpus_of

from deidrelease.contracts import Conclusion, Corpora
from deidrelease.formats import PatientSource, ReadOptions, open_corpus
from deidrelease.notes import Note
from deidrelease_audits.verbatim.audit import Verbatim

ROOT = os.environ.get("DEIDRELEASE_CORPORA")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.corpora,
    pytest.mark.skipif(not ROOT, reason="needs real corpora: set DEIDRELEASE_CORPORA"),
]
SEEDS = 3
Split = tuple[list[Note], list[Note], list[Note]]


@pytest.fixture(scope="module")
def splits() -> list[Split]:
    options = ReadOptions(PatientSource.parse("note"))
    notes = list(open_corpus(Path(ROOT or "") / "meddocan" / "train", "brat", options))
    dealt = [np.random.default_rng(seed).permutation(len(notes)) for seed in range(SEEDS)]
    return [tuple([notes[i] for i in order[k * 120 : k * 120 + 120]] for k in range(3)) for order in dealt]


def told(synthetic: list[Note], train: list[Note], holdout: list[Note]) -> Conclusion:
    corpora = Corpora(corpus_of(*synthetic), corpus_of(*train), corpus_of(*holdout), None, None, None, KEY)
    return concluded(Verbatim(), corpora)


def test_notes_of_other_patients_are_not_decisive(splits: list[Split]) -> None:
    for split in splits:
        conclusion = told(*split)
        assert conclusion.status == "measured"
        assert conclusion.metrics["decisive"].value == 0


def test_half_copies_are_decisive_and_found(splits: list[Split]) -> None:
    for synthetic, train, holdout in splits:
        leaking = list(synthetic)
        for place in range(2):
            stolen = train[place].text[: len(train[place].text) // 2]
            leaking[place] = with_text(synthetic[place], synthetic[place].text + "\n" + stolen)
        conclusion = told(leaking, train, holdout)
        assert conclusion.metrics["decisive"].value >= 2
        found = {(f.synthetic_note, f.private_note) for f in conclusion.findings if f.severity == "decisive"}
        assert {(leaking[place].note_id, train[place].note_id) for place in range(2)} <= found


def test_every_planted_run_of_eight_words_stands_in_the_findings(splits: list[Split]) -> None:
    for synthetic, train, holdout in splits:
        words = train[0].text.split()
        stolen = " ".join(words[len(words) // 2 : len(words) // 2 + 8])
        before = len(synthetic[0].text) + 1
        leaking = [with_text(synthetic[0], synthetic[0].text + "\n" + stolen), *synthetic[1:]]
        findings = told(leaking, train, holdout).findings
        assert any(
            f.arm == "train" and f.synthetic_note == synthetic[0].note_id and f.start <= before and f.end > before
            for f in findings
        )
