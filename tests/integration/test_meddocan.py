"""A corpus that nobody here wrote: MEDDOCAN (CC-BY 4.0), read from the folder that DEIDRELEASE_CORPORA names."""

import os
from pathlib import Path

import pytest

from deidrelease.formats import EVERY_NOTE_A_PATIENT, FORMATS, open_corpus
from deidrelease.notes import digest_of

pytestmark = pytest.mark.corpora
CORPORA = os.environ.get("DEIDRELEASE_CORPORA", "")


@pytest.fixture(scope="module")
def train() -> Path:
    if not CORPORA:
        pytest.skip("DEIDRELEASE_CORPORA is not set; it names the folder that holds meddocan/")
    path = Path(CORPORA) / "meddocan" / "train"
    if not path.is_dir():
        pytest.skip(f"there is no {path}")
    return path


def test_all_notes_are_read_without_a_problem(train: Path) -> None:
    notes = list(open_corpus(train, options=EVERY_NOTE_A_PATIENT))
    assert len(notes) == 500
    assert len({note.patient_id for note in notes}) == 500
    spans = [span for note in notes for span in note.spans]
    assert len({span.label for span in spans}) == 21
    # An independent count: every line of the standoff files is a text-bound annotation.
    assert len(spans) == sum(len(path.read_bytes().splitlines()) for path in train.glob("*.ann"))


def test_jsonl_and_brat_keep_the_digest(train: Path, tmp_path: Path) -> None:
    corpus = open_corpus(train, options=EVERY_NOTE_A_PATIENT)
    FORMATS["jsonl"].write(corpus, tmp_path / "n.jsonl")
    FORMATS["brat"].write(open_corpus(tmp_path / "n.jsonl"), tmp_path / "n")
    digests = {notes.digest() for notes in (corpus, open_corpus(tmp_path / "n.jsonl"), open_corpus(tmp_path / "n"))}
    assert digests == {digest_of(corpus)}
