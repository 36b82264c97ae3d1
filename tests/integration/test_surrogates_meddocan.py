"""Surrogates for a corpus that nobody here wrote, MEDDOCAN (CC-BY 4.0), with the corpus itself as what is forbidden."""

import os
import random
from pathlib import Path

import pytest
from rapidfuzz.distance import Levenshtein

from deidrelease.formats import EVERY_NOTE_A_PATIENT, open_corpus
from deidrelease.labels import load_label_map
from deidrelease.notes import Note
from deidrelease.settings import SubstituteSettings
from deidrelease.surrogates import Forbidden, substitute
from deidrelease.surrogates.normal import normal

CORPORA = os.environ.get("DEIDRELEASE_CORPORA", "")
MEDDOCAN = load_label_map("meddocan")
EXEMPT = {"keep", "age", "kinship"}

pytestmark = pytest.mark.skipif(not CORPORA, reason="DEIDRELEASE_CORPORA is not set; it names a folder with meddocan/")


@pytest.fixture(scope="module")
def gold() -> list[Note]:
    return list(open_corpus(Path(CORPORA) / "meddocan" / "train", "brat", EVERY_NOTE_A_PATIENT))


@pytest.fixture(scope="module")
def new(gold: list[Note]) -> list[Note]:
    forbidden = Forbidden.from_notes(gold, MEDDOCAN)
    settings = SubstituteSettings(language="es")
    return [substitute(note, MEDDOCAN, forbidden, 7, settings) for note in gold]


def values(notes: list[Note]) -> list[tuple[str, str]]:
    """Kind and normal form of every value that had to be replaced; years, months and weekdays alone left out."""
    found = []
    for note in notes:
        for span in note.spans:
            kind, value = MEDDOCAN[span.label].surrogate, note.value(span)
            whole_date = kind != "date" or sum(c.isdigit() for c in value) > 4
            if kind not in EXEMPT and whole_date:
                found.append((kind, normal(value)))
    return found


def test_no_value_of_any_note_comes_out_again(gold: list[Note], new: list[Note]) -> None:
    private = {normal(note.value(span)) for note in gold for span in note.spans}
    assert len(private) > 5000
    assert [kind for kind, value in values(new) if value in private] == []


def test_nothing_comes_near_one_either(gold: list[Note], new: list[Note]) -> None:
    # The slow way, on a sample: every private value against every one of 300 surrogates.
    private = {normal(note.value(span)) for note in gold for span in note.spans}
    names = sorted({value for kind, value in values(new) if kind in ("person", "street", "hospital", "place", "email")})
    for value in random.Random(1).sample([name for name in names if len(name) >= 8], 300):
        assert all(
            Levenshtein.normalized_similarity(value, other) < 0.9
            for other in private
            if abs(len(other) - len(value)) < 9
        )


def test_spans_are_exact_and_all_else_is_as_it_was(gold: list[Note], new: list[Note]) -> None:
    for before, after in zip(gold, new, strict=True):
        at = other = 0
        for old_span, span in zip(before.spans, after.spans, strict=True):
            assert before.text[at : old_span.start] == after.text[other : span.start]
            assert old_span.label == span.label
            at, other = old_span.end, span.end
        assert before.text[at:] == after.text[other:]


def test_one_value_has_one_surrogate_in_a_note_and_others_elsewhere(gold: list[Note], new: list[Note]) -> None:
    towns: dict[str, set[str]] = {}
    for before, after in zip(gold, new, strict=True):
        here: dict[str, str] = {}
        for old_span, span in zip(before.spans, after.spans, strict=True):
            if MEDDOCAN[span.label].surrogate == "place":
                old, fresh = normal(before.value(old_span)), normal(after.value(span))
                assert here.setdefault(old, fresh) == fresh
        for old, fresh in here.items():
            towns.setdefault(old, set()).add(fresh)
    assert len(towns["madrid"]) > 100
