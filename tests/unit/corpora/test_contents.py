"""What tells two corpora apart in one pass without an order."""

from dataclasses import replace

import pytest

from deidrelease.corpora.contents import Contents
from deidrelease.notes import Note, Span

NOTES = [
    Note("n1", "p1", "Roe seen", (Span(0, 3, "NAME"),), {"ward": 3}),
    Note("n2", "p1", "Doe seen", (Span(0, 3, "NAME"),)),
    Note("n3", "p2", "nobody"),
]


def test_the_order_decides_nothing() -> None:
    assert Contents.of(NOTES) == Contents.of(reversed(NOTES))


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"patient_id": "p2"}, ["patient ids"]),
        ({"text": "Roe seem"}, ["texts"]),
        ({"spans": (Span(0, 3, "DATE"),)}, ["spans"]),
        ({"spans": (Span(0, 4, "NAME"),)}, ["spans"]),
        ({"spans": ()}, ["spans"]),
        ({"meta": {"ward": "3"}}, ["meta"]),
        ({"note_id": "n4"}, ["note ids", "patient ids", "texts", "spans", "meta"]),
    ],
)
def test_every_change_is_seen_and_named(change: dict[str, object], parts: list[str]) -> None:
    changed = Contents.of([replace(NOTES[0], **change), *NOTES[1:]])  # type: ignore[arg-type]
    assert Contents.of(NOTES).differing(changed) == parts


def test_what_two_notes_exchange_is_seen() -> None:
    first, second = NOTES[:2]
    swapped = [replace(first, text=second.text), replace(second, text=first.text), NOTES[2]]
    assert Contents.of(NOTES).differing(Contents.of(swapped)) == ["texts"]


def test_an_id_does_not_run_over_into_a_text() -> None:
    assert Contents.of([Note("a", "p", "bc")]).sums != Contents.of([Note("ab", "p", "c")]).sums
