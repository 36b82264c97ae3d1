"""Notes, spans and digests, worked by hand."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from deidrelease.errors import CorpusError, Problem
from deidrelease.notes import (
    Corpus,
    Located,
    Note,
    Shard,
    Span,
    digest_of,
    note_to_json,
    overlaps,
    span_defects,
)

# Offsets count code points: not bytes, not UTF-16 units, not what a reader sees as one character.
VALUES = [
    ("Ana Ruiz vive aquí.", 0, 8, "Ana Ruiz"),
    # "José" with its accent as a combining character has five code points, and "Gil" begins at 6.
    ("Jose\u0301 Gil", 0, 5, "Jose\u0301"),
    ("Jose\u0301 Gil", 6, 9, "Gil"),
    # A family emoji is five code points: three people and two joiners.
    ("\U0001f468\u200d\U0001f469\u200d\U0001f467 Åsa", 6, 9, "Åsa"),
    # Outside the basic plane one code point is two UTF-16 units.
    ("\U0001f600Bo", 1, 3, "Bo"),
    # CR and LF are one each; a span may run over both.
    ("Calle\r\nMayor", 7, 12, "Mayor"),
    ("Calle\r\nMayor", 4, 8, "e\r\nM"),
    ("a\u2028b\x85c", 4, 5, "c"),
    ("\ufeffAna", 1, 4, "Ana"),
]


@pytest.mark.parametrize(("text", "start", "end", "value"), VALUES)
def test_offsets_are_code_points(text: str, start: int, end: int, value: str) -> None:
    span = Span(start, end, "NAME")
    assert Note("n", "p", text, (span,)).value(span) == value


def test_spans_are_sorted_by_start_end_and_label() -> None:
    given = (Span(4, 8, "B"), Span(0, 3, "B"), Span(0, 3, "A"), Span(0, 2, "C"))
    assert Note("n", "p", "Ana Ruiz", given).spans == (
        Span(0, 2, "C"),
        Span(0, 3, "A"),
        Span(0, 3, "B"),
        Span(4, 8, "B"),
    )


OUTSIDE = "is empty or lies outside the text of 8 code points"
DEFECTS: list[tuple[tuple[Span, ...], list[str]]] = [
    ((), []),
    ((Span(0, 8, "A"),), []),
    ((Span(0, 8, "A"), Span(0, 8, "B")), []),
    ((Span(-1, 3, "A"),), [f"span -1-3 {OUTSIDE}"]),
    ((Span(3, 3, "A"),), [f"span 3-3 {OUTSIDE}"]),
    ((Span(5, 3, "A"),), [f"span 5-3 {OUTSIDE}"]),
    ((Span(0, 9, "A"),), [f"span 0-9 {OUTSIDE}"]),
    ((Span(0, 3, ""),), ["a span at 0-3 has no label"]),
    ((Span(0, 3, "A"), Span(0, 3, "A")), ["a span stands twice with the same label"]),
    # All of them, not the first.
    (
        (Span(0, 9, ""), Span(4, 4, "A"), Span(4, 4, "A")),
        [
            "a span at 0-9 has no label",
            f"span 0-9 {OUTSIDE}",
            f"span 4-4 {OUTSIDE}",
            f"span 4-4 {OUTSIDE}",
            "a span stands twice with the same label",
        ],
    ),
]


@pytest.mark.parametrize(("spans", "expected"), DEFECTS)
def test_defects_of_spans(spans: tuple[Span, ...], expected: list[str]) -> None:
    assert span_defects("Ana Ruiz", spans) == expected


def test_a_note_refuses_defective_spans_without_quoting_its_text() -> None:
    with pytest.raises(ValueError, match="span 4-40") as caught:
        Note("n-secret", "p-secret", "Ana Ruiz", (Span(4, 40, "NAME"), Span(0, 0, "NAME")))
    assert "0-0" in str(caught.value)
    assert not any(word in str(caught.value) for word in ("Ana", "Ruiz", "secret"))


A, B, C = "A", "B", "C"
OVERLAPS: list[tuple[list[Span], list[tuple[Span, Span]]]] = [
    ([], []),
    ([Span(0, 3, A)], []),
    ([Span(0, 3, A), Span(3, 5, B)], []),  # they touch
    ([Span(0, 4, A), Span(3, 5, B)], [(Span(0, 4, A), Span(3, 5, B))]),
    ([Span(0, 4, A), Span(0, 4, B)], [(Span(0, 4, A), Span(0, 4, B))]),
    # The long one reaches over its neighbour to the third.
    (
        [Span(0, 9, A), Span(1, 2, B), Span(5, 6, C)],
        [(Span(0, 9, A), Span(1, 2, B)), (Span(0, 9, A), Span(5, 6, C))],
    ),
    ([Span(0, 2, A), Span(1, 5, B), Span(5, 6, C)], [(Span(0, 2, A), Span(1, 5, B))]),
]


@pytest.mark.parametrize(("spans", "expected"), OVERLAPS)
def test_overlaps(spans: list[Span], expected: list[tuple[Span, Span]]) -> None:
    assert overlaps(spans) == expected


def test_the_canonical_line() -> None:
    note = Note("ñ", "p", "é\n\u2028", (Span(0, 1, "X"),), {"b": 1, "a": None})
    assert note_to_json(note) == (
        '{"note_id":"ñ","patient_id":"p","text":"é\\n\u2028","spans":[{"start":0,"end":1,"label":"X"}],'
        '"meta":{"b":1,"a":null}}'
    )
    assert json.loads(note_to_json(note))["text"] == note.text


BASE = Note("n1", "p1", "Ana Ruiz", (Span(0, 3, "NAME"),), {"ward": "3"})
DIFFERENT = [
    Note("n2", "p1", "Ana Ruiz", (Span(0, 3, "NAME"),), {"ward": "3"}),
    Note("n1", "p2", "Ana Ruiz", (Span(0, 3, "NAME"),), {"ward": "3"}),
    Note("n1", "p1", "Ana Ruiz ", (Span(0, 3, "NAME"),), {"ward": "3"}),
    Note("n1", "p1", "Ana Ruiz", (Span(0, 8, "NAME"),), {"ward": "3"}),
    Note("n1", "p1", "Ana Ruiz", (Span(0, 3, "CITY"),), {"ward": "3"}),
    Note("n1", "p1", "Ana Ruiz", (), {"ward": "3"}),
    Note("n1", "p1", "Ana Ruiz", (Span(0, 3, "NAME"),), {"ward": 3}),
]


@pytest.mark.parametrize("other", DIFFERENT)
def test_whatever_differs_changes_the_digest(other: Note) -> None:
    assert digest_of([BASE]) != digest_of([other])


def test_equal_content_has_an_equal_digest() -> None:
    spans = (Span(0, 3, "NAME"), Span(4, 8, "NAME"))
    forth, back = (Note("n", "p", "Ana Ruiz", order) for order in (spans, spans[::-1]))
    assert digest_of([forth, BASE]) == digest_of(iter([back, BASE]))
    assert digest_of([forth, BASE]) != digest_of([BASE, forth])


def test_composed_and_combining_characters_differ() -> None:
    assert digest_of([Note("n", "p", "\xe9")]) != digest_of([Note("n", "p", "e\u0301")])


@dataclass(frozen=True)
class Listed:
    items: tuple[Located | Problem, ...]

    def read(self) -> Iterator[Located | Problem]:
        yield from self.items


def corpus(*shards: tuple[Located | Problem, ...]) -> Corpus:
    listed: tuple[Shard, ...] = tuple(Listed(items) for items in shards)
    return Corpus("notes", listed)


def located(number: int, note_id: str) -> Located:
    return Located(f"f:{number}", Note(note_id, f"p{number}", "text"))


def test_a_corpus_can_be_read_again_and_again() -> None:
    notes = corpus((located(1, "a"),), (located(2, "b"),))
    assert [note.note_id for note in notes] == [note.note_id for note in notes] == ["a", "b"]
    assert notes.digest() == digest_of(notes)


def test_sharding_does_not_change_the_digest() -> None:
    items = [located(i, f"n{i}") for i in range(3)]
    assert corpus(tuple(items)).digest() == corpus(*((item,) for item in items)).digest()


def test_an_id_that_stands_twice_is_named_with_each_place() -> None:
    with pytest.raises(CorpusError) as caught:
        list(corpus((located(1, "secret"), located(2, "secret")), (located(3, "b"), located(4, "secret"))))
    assert [problem.where for problem in caught.value.problems] == ["f:2", "f:4"]
    assert all("twice" in problem.what for problem in caught.value.problems)
    assert "secret" not in str(caught.value)


def test_all_problems_are_listed_and_nothing_is_yielded_after_the_first() -> None:
    first, second = Problem("f:2", "is bad", "mend it"), Problem("f:5", "is worse", "mend it")
    broken = corpus((located(1, "a"), first, located(3, "b")), (located(4, "a"), second))
    seen = []
    with pytest.raises(CorpusError) as caught:
        # What came before the error stays in the list.
        seen.extend(note.note_id for note in broken)
    assert seen == ["a"]
    assert [problem.where for problem in caught.value.problems] == ["f:2", "f:4", "f:5"]
    assert "3 problem(s)" in str(caught.value)
    assert all(str(problem) in str(caught.value) for problem in caught.value.problems)
