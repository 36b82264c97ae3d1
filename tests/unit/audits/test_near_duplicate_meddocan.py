"""Real notes of different patients, read by path: chance is larger there than among invented words."""

import os
from pathlib import Path

import numpy as np
import pytest
from made.near_copies import concluded, with_text
from made.notes_of import KEY, corpus_of

from deidrelease.contracts import Conclusion, Corpora
from deidrelease.formats import PatientSource, ReadOptions, open_corpus
from deidrelease.notes import Note
from deidrelease_audits.near_duplicate.audit import NearDuplicate

ROOT = os.environ.get("DEIDRELEASE_CORPORA")
pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not ROOT, reason="needs real corpora: set DEIDRELEASE_CORPORA"),
]
SPLITS = 8


@pytest.fixture(scope="module")
def splits() -> list[list[list[Note]]]:
    options = ReadOptions(PatientSource.parse("note"))
    notes = list(open_corpus(Path(ROOT or "") / "meddocan" / "train", "brat", options))
    dealt = [np.random.default_rng(seed).permutation(len(notes)) for seed in range(SPLITS)]
    return [[[notes[i] for i in order[k * 120 : k * 120 + 120]] for k in range(3)] for order in dealt]


def told(synthetic: list[Note], train: list[Note], holdout: list[Note]) -> Conclusion:
    corpora = Corpora(corpus_of(*synthetic), corpus_of(*train), corpus_of(*holdout), None, None, None, KEY)
    return concluded(NearDuplicate(), corpora)


def test_notes_of_other_patients_are_seldom_decisive(splits):
    clean = [told(*split) for split in splits]
    assert all(conclusion.status == "measured" for conclusion in clean)
    assert sum(conclusion.metrics["decisive"].value > 0 for conclusion in clean) <= 1


def test_half_copies_are_decisive_and_found(splits):
    for synthetic, train, holdout in splits:
        for place in range(2):
            stolen = train[place].text[: len(train[place].text) // 2]
            synthetic = [*synthetic]
            synthetic[place] = with_text(synthetic[place], synthetic[place].text + "\n" + stolen)
        conclusion = told(synthetic, train, holdout)
        assert conclusion.metrics["decisive"].value >= 1
        found = {(f.synthetic_note, f.private_note) for f in conclusion.findings if f.severity == "decisive"}
        assert found & {(synthetic[place].note_id, train[place].note_id) for place in range(2)}
