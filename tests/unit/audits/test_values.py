"""Private values, searched in raw text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.private_notes import LABELS, note

from deidrelease.errors import CorpusError
from deidrelease.notes import Note
from deidrelease_audits.text.borders import DIGIT, LETTER, kind_of
from deidrelease_audits.values import Haystack, canonical, find_values, values_of


def _found(texts: list[str], values: list[str]) -> list[tuple[str, int, str]]:
    """Value, note and the text in its place."""
    haystack = Haystack.of(Note(str(number), "p", text) for number, text in enumerate(texts))
    found = find_values(haystack, values)
    rows = zip(found.values.tolist(), found.notes.tolist(), found.starts.tolist(), found.ends.tolist(), strict=True)
    return [(values[value], number, texts[number][start:end]) for value, number, start, end in rows]


def test_four_values_by_hand() -> None:
    texts = ["Ana Ruiz vino con Anaya.", "DNI12345678, Ana\n  Ruiz; 123456789"]
    assert _found(texts, ["Ana", "Ana Ruiz", "12345678", "ruiz"]) == [
        ("Ana", 0, "Ana"),
        ("Ana Ruiz", 0, "Ana Ruiz"),
        ("12345678", 1, "12345678"),
        ("Ana", 1, "Ana"),
        ("Ana Ruiz", 1, "Ana\n  Ruiz"),
    ]


def test_a_value_does_not_run_from_one_note_into_the_next() -> None:
    assert _found(["Ana", "Ruiz"], ["Ana Ruiz", "AnaRuiz"]) == []


def test_a_letter_with_its_accent_apart_is_one_letter() -> None:
    assert _found(["Jose\u0301 vino"], ["Jose", "Jose\u0301"]) == [("Jose\u0301", 0, "Jose\u0301")]


def test_offsets_are_code_points_beyond_the_basic_plane() -> None:
    assert _found(["\U0001f600\U0001f600 Ñoño \U0001f600"], ["Ñoño"]) == [("Ñoño", 0, "Ñoño")]


@pytest.mark.parametrize("values", [[], [""], ["  \n"]])
def test_nothing_is_found_where_nothing_is_asked(values: list[str]) -> None:
    assert _found(["Ana"], values) == []
    assert _found([], ["Ana"]) == []


def test_a_value_brings_the_meaning_of_its_label() -> None:
    ((value, span),) = values_of(note("1", "Vino [NAME Ana \n Ruiz]."), LABELS)
    assert (value.key, value.hipaa, value.identifies, value.whose) == ("Ana Ruiz", "A", "direct", "patient")
    assert (span.start, span.end) == (5, 15)


def test_a_label_without_meaning_is_refused() -> None:
    with pytest.raises(CorpusError, match="no meaning"):
        values_of(note("1", "[PET Rex]"), LABELS)


_TEXT = st.text(alphabet="ab1é\u0301 \n.-Ñ\U0001f600", max_size=30)


@given(st.lists(_TEXT, max_size=4), st.lists(_TEXT.filter(str.strip), max_size=6))
def test_finds_what_a_slow_search_finds(texts: list[str], values: list[str]) -> None:
    haystack = Haystack.of(Note(str(number), "p", text) for number, text in enumerate(texts))
    found = find_values(haystack, values)
    got = set(zip(found.values.tolist(), found.notes.tolist(), found.starts.tolist(), found.ends.tolist(), strict=True))
    assert got == {
        (value, number, start, end)
        for number, text in enumerate(texts)
        for value, wanted in enumerate(values)
        for start, end in _slowly(text, canonical(wanted))
    }
    assert len(got) == len(found)


def _slowly(text: str, value: str) -> list[tuple[int, int]]:
    pattern = re.compile(r"\s+".join(re.escape(word) for word in value.split(" ")))
    matches = [match for start in range(len(text)) if (match := pattern.match(text, start))]
    return [match.span() for match in matches if _border(text, match.start()) and _border(text, match.end())]


def _border(text: str, at: int) -> bool:
    if not 0 < at < len(text):
        return True
    before, behind = kind_of(text[at - 1]), kind_of(text[at])
    return before != behind or before not in (LETTER, DIGIT)
