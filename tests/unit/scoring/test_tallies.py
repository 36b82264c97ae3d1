"""Counts of one note, worked by hand, and what a scorer refuses."""

import numpy as np
import pytest

from deidrelease.notes import Note, Span
from deidrelease.scoring import Scorer, Tally, tally_patients, training_values

LABELS = ("NAME", "CITY", "AGE")
# Tokens: Ana 0-3, Ruiz 4-8, vive 9-13, en 14-16, Lugo 17-21, ".", Tiene 23-28, 40 29-31, años 32-36, "."
TEXT = "Ana Ruiz vive en Lugo. Tiene 40 años.\n"
NAME, CITY, AGE = Span(0, 8, "NAME"), Span(17, 21, "CITY"), Span(29, 36, "AGE")
NOTE = Note("n1", "p1", TEXT, (NAME, CITY, AGE))
# "Ana Ruiz" was in training; "Lugo" was too, but as a name; so CITY and AGE are unseen.
SCORER = Scorer(frozenset({("NAME", "Ana Ruiz"), ("NAME", "Lugo")}), LABELS)

TABLE = [
    # All found: every count of misses is 0, all 7 + 4 + 6 visible characters are covered.
    (
        (NAME, CITY, AGE),
        {"strict": [(1, 0, 0), (1, 0, 0), (1, 0, 0)], "token": [(2, 0, 0), (1, 0, 0), (2, 0, 0)]},
        {"characters_covered": 17, "exposed": 0, "unseen_found": 2},
    ),
    # Nothing predicted: 3 mentions, 2 + 1 + 2 tokens and all characters missed.
    (
        (),
        {"strict": [(0, 0, 1), (0, 0, 1), (0, 0, 1)], "token": [(0, 0, 2), (0, 0, 1), (0, 0, 2)]},
        {"characters_covered": 0, "exposed": 3, "unseen_found": 0},
    ),
    # Only "Ruiz" of the name: strictly one false positive and one false negative; token "Ana" is missed, 3 characters
    # stay visible, one mention is exposed.
    (
        (Span(4, 8, "NAME"), CITY, AGE),
        {"strict": [(0, 1, 1), (1, 0, 0), (1, 0, 0)], "token": [(1, 0, 1), (1, 0, 0), (2, 0, 0)]},
        {"characters_covered": 14, "exposed": 1, "unseen_found": 2},
    ),
    # The name as CITY (2 tokens wrong both ways, yet covered: not exposed), "vive" as NAME, "40" alone as AGE ("40"
    # right, "años" missed), Lugo missed. Covered: 7 of the name and 2 of the age.
    (
        (Span(0, 8, "CITY"), Span(9, 13, "NAME"), Span(29, 31, "AGE")),
        {"strict": [(0, 1, 1), (0, 1, 1), (0, 1, 1)], "token": [(0, 1, 2), (0, 2, 1), (1, 0, 1)]},
        {"characters_covered": 9, "exposed": 2, "unseen_found": 0},
    ),
]


@pytest.mark.parametrize(("predicted", "by_label", "whole"), TABLE)
def test_counts_of_one_note(
    predicted: tuple[Span, ...], by_label: dict[str, list[tuple[int, int, int]]], whole: dict[str, int]
) -> None:
    tally = SCORER.tally(NOTE, predicted)
    for kind, rows in by_label.items():
        for label, expected in zip(LABELS, rows, strict=True):
            assert tuple(tally.total(f"{kind}_{what}", label) for what in ("tp", "fp", "fn")) == expected
    whole = whole | {"notes": 1, "sentences": 2, "characters": 17, "unseen": 2}
    assert {name: tally.total(name) for name in whole} == whole


def test_the_order_of_predictions_is_of_no_account() -> None:
    spans = TABLE[3][0]
    assert SCORER.tally(NOTE, spans) == SCORER.tally(NOTE, spans[::-1])
    assert SCORER.tally(NOTE, spans) != SCORER.tally(NOTE, spans[:2])


def test_overlapping_gold_counts_characters_once_and_mentions_each() -> None:
    note = Note("n", "p", "Ana Ruiz", (Span(0, 8, "NAME"), Span(4, 8, "CITY")))
    tally = SCORER.tally(note, (Span(0, 3, "NAME"),))
    assert tally.total("characters") == 7
    assert tally.total("characters_covered") == 3
    assert tally.total("exposed") == 2
    # "Ruiz" belongs to the first span, the NAME.
    assert (tally.total("token_fn", "NAME"), tally.total("token_fn", "CITY")) == (1, 0)


def test_uncovered_white_space_exposes_nothing() -> None:
    tally = SCORER.tally(NOTE, (Span(0, 3, "NAME"), Span(4, 8, "NAME"), CITY, AGE))
    assert tally.total("exposed") == 0
    assert tally.total("strict_fn") == 1


def test_training_values_are_word_for_word_with_their_label() -> None:
    assert training_values([NOTE, NOTE]) == {("NAME", "Ana Ruiz"), ("CITY", "Lugo"), ("AGE", "40 años")}


@pytest.mark.parametrize(
    ("predicted", "says"),
    [
        ((Span(0, 999, "NAME"),), "outside the text"),
        ((Span(3, 3, "NAME"),), "empty"),
        ((NAME, NAME), "twice"),
        ((Span(0, 3, "SECRET"),), "1 label"),
    ],
)
def test_a_prediction_that_cannot_be_is_refused_without_quoting(predicted: tuple[Span, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        SCORER.tally(NOTE, predicted)
    assert "Ana" not in str(caught.value)


def test_a_label_may_stand_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Scorer(frozenset(), ("NAME", "NAME"))


def test_tallies_of_different_labels_do_not_add() -> None:
    with pytest.raises(ValueError, match="labels"):
        SCORER.tally(NOTE, ()) + Scorer(frozenset(), ("AGE", "CITY", "NAME")).tally(NOTE, ())


def test_a_tally_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        SCORER.tally(NOTE, ()).counts[0] = 9


def test_patients_are_rows_and_their_notes_add() -> None:
    other = Note("n2", "p2", TEXT, (NAME,))
    again = Note("n3", "p1", TEXT, (CITY,))
    found = tally_patients(iter([(NOTE, ()), (other, (NAME,)), (again, (CITY,))]), SCORER)
    assert found.patients == ("p1", "p2")
    p1 = SCORER.tally(NOTE, ()) + SCORER.tally(again, (CITY,))
    assert Tally(LABELS, found.matrix[0].copy()) == p1
    assert found.total() == p1 + SCORER.tally(other, (NAME,))


def test_values_and_ids_do_not_show() -> None:
    shown = repr(SCORER) + repr(tally_patients([(NOTE, (NAME,))], SCORER))
    assert "Ana" not in shown
    assert "p1" not in shown


def test_no_notes_give_no_rows() -> None:
    found = tally_patients([], SCORER)
    assert found.matrix.shape == (0, 7 + 6 * 3)
    assert not np.any(found.total().counts)
