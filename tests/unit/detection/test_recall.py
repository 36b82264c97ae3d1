"""Recall by type, worked by hand."""

import pytest

from deidrelease.detection.recall import Detected, markdown, recall
from deidrelease.notes import Note, Span


def note(text: str, *spans: tuple[int, int, str]) -> Note:
    return Note("n", "p", text, tuple(Span(*span) for span in spans))


@pytest.fixture
def counted() -> Detected:
    #                  0123456789012345678901
    gold = note("Ana Ruiz, Vigo, Vigo.", (0, 8, "NAME"), (10, 14, "CITY"), (16, 20, "CITY"))
    # The name lacks its last letter; one city is found with its comma, the other is not.
    found = [Span(0, 7, "X"), Span(10, 15, "Y")]
    empty = note("No PII here.")
    return recall([(gold, found), (empty, [Span(0, 2, "X"), Span(7, 11, "X")]), (note("Nor here."), [])])


def test_mentions_and_characters_are_counted(counted: Detected) -> None:
    name, city = counted.by_type["NAME"], counted.by_type["CITY"]
    assert (name.whole.hits, name.touched.hits, name.whole.units) == (0, 1, 1)
    # White space counts nowhere: six of the seven letters.
    assert (name.characters.hits, name.characters.units) == (6, 7)
    assert (city.whole.hits, city.touched.hits, city.whole.units, city.whole.notes) == (1, 1, 2, 1)
    assert (city.characters.hits, city.characters.units) == (4, 8)
    assert (counted.overall.whole.hits, counted.overall.whole.units) == (1, 3)


def test_what_was_covered_without_need_is_counted(counted: Detected) -> None:
    # Covered: 6 + 5 characters of the first note, 6 of the second; 10 of them annotated.
    assert (counted.precision.hits, counted.precision.units) == (10, 17)
    # Without annotation: two commas and a full stop, 10 and 8 characters.
    assert (counted.over_redaction.hits, counted.over_redaction.units) == (7, 21)
    assert (counted.struck.hits, counted.struck.units, counted.false_spans) == (1, 2, 2)


def test_the_worst_type_comes_first(counted: Detected) -> None:
    assert [label for label, _ in counted.worst_first()] == ["NAME", "CITY"]
    rows = markdown(counted).splitlines()
    assert rows[2].startswith("| NAME | 1 (1) | 0.000 [0.000, ")
    assert rows[3].startswith("| CITY | 2 (1) | 0.500 [")
    assert rows[4].startswith("| **all** | 3 (1) | 0.333 [")
    assert "Of 2 notes without any annotation, 50.000%" in rows[-1]
    assert "(1.00 spans a note)" in rows[-1]


def test_nothing_to_find_makes_no_table_rows() -> None:
    assert len(markdown(recall([])).splitlines()) == 2


def test_overlapping_spans_count_a_character_once() -> None:
    counted = recall([(note("abcdef", (0, 4, "A"), (2, 6, "B")), [Span(0, 5, "X")])])
    assert (counted.precision.hits, counted.precision.units) == (5, 5)
    assert (counted.by_type["B"].characters.hits, counted.by_type["B"].characters.units) == (3, 4)
