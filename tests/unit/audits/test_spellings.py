"""Other spellings of a value, against an independent slow search."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deidrelease.surrogates.normal import squeezed
from deidrelease_audits.full_dates import days_of
from deidrelease_audits.pii_replay.spellings import find_edits, find_forms, forms_of, may_be_edited
from deidrelease_audits.pii_replay.written_days import days_in
from deidrelease_audits.text import tokens
from deidrelease_audits.text.borders import kind_of
from deidrelease_audits.text.squeezing import SqueezedText, squeeze


def _edits(text: str, value: str) -> list[str]:
    laid = SqueezedText.of([text])
    return [laid.text[edit.start : edit.end] for edit in find_edits(laid, [value])]


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("vino ANA RUIZ GIL hoy", "Ana Ruíz Gil", "same"),
        ("vino Ruiz-Gil, Ana hoy", "Ana Ruiz Gil", "order"),
        ("vino A. Ruiz Gil hoy", "Ana Ruiz Gil", "initials"),
        ("nº 28-12345678/01.", "28 12345678 01", "same"),
    ],
)
def test_each_kind_of_spelling(text: str, value: str, kind: str) -> None:
    assert [found.kind for found in find_forms(SqueezedText.of([text]), [value], ["person"])] == [kind]


@pytest.mark.parametrize(
    "written", ["1234678", "12345778", "123456788", "12354678", "123456_78x".replace("_", "9")[:9]]
)
def test_one_edit_is_found(written: str) -> None:
    assert _edits(f"nº {written}, etc.", "12345678") == [written]


@pytest.mark.parametrize("written", ["12345678", "12346677", "1234567899", "2345679"])
def test_no_edit_and_two_edits_are_not(written: str) -> None:
    assert _edits(f"nº {written}.", "12345678") == []


def test_too_short_for_an_edit() -> None:
    assert may_be_edited("123456")
    assert may_be_edited("abcdefgh")
    assert not may_be_edited("12345")
    assert not may_be_edited("abcdefg")
    assert list(forms_of("Ana", "person")) == []


_TEXT = st.text(alphabet="aab1é .Ñ", max_size=40)


@given(st.lists(_TEXT, max_size=3), st.text(alphabet="ab1", min_size=6, max_size=10))
@settings(deadline=None)
def test_edits_are_those_of_brute_force(texts: list[str], value: str) -> None:
    laid = SqueezedText.of(texts)
    got = {(edit.start, edit.end) for edit in find_edits(laid, [value])}
    begins, ends = _words(texts)
    windows = [(a, b) for a in begins for b in ends if a < b and "\0" not in laid.text[a:b]]
    assert got == {(a, b) for a, b in windows if may_be_edited(value) and _osa(laid.text[a:b], value) == 1}


@given(st.lists(_TEXT, max_size=3))
def test_squeezed_as_a_whole_text_would_be(texts: list[str]) -> None:
    assert SqueezedText.of(texts).text == "".join(squeezed(text) + "\0" for text in texts)


@given(st.lists(st.text(alphabet="ab1é \u0301.ßÑ😀", max_size=12), max_size=6), st.sampled_from([1, 9]))
def test_squeezed_part_by_part_it_is_laid_out_as_at_once(texts: list[str], size: int) -> None:
    # Corpora of tests are smaller than one part; real ones are hundreds.
    at_once = SqueezedText.of(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "BATCH", size)
        by_part = SqueezedText.of(texts)
    for each in fields(SqueezedText):
        whole, parts = getattr(at_once, each.name), getattr(by_part, each.name)
        assert np.array_equal(whole, parts), each.name


def test_digit_windows_are_counted_between_words() -> None:
    laid = SqueezedText.of(["12 345 a6", "345"])
    assert [laid.windows_of_digits(length) for length in (0, 1, 2, 3, 5, 6)] == [0, 1, 1, 2, 1, 0]


def test_a_date_in_any_format_is_one_day() -> None:
    day = days_of("03/04/2015")
    assert len(day) == 2  # day first or month first
    assert set(days_of("3 de abril de 2015")) <= set(day)
    text = "El 2015-04-03 y el 3 de abril de 2015; nº 20150403."
    assert [text[start:end] for _, start, end in days_in(text)] == ["2015-04-03", "3 de abril de 2015", "20150403"]


def _words(texts: list[str]) -> tuple[list[int], list[int]]:
    """Where words begin and end in the squeezed text, character by character."""
    begins, ends, at = [], [], 0
    for text in texts:
        for place, character in enumerate(text):
            form = squeeze(character)
            before = kind_of(text[place - 1]) if place else None
            behind = kind_of(text[place + 1]) if place + 1 < len(text) else None
            if form and before != kind_of(character):
                begins.append(at)
            at += len(form)
            if form and behind != kind_of(character):
                ends.append(at)
        at += 1
    return begins, ends


def _osa(left: str, right: str) -> int:
    """Optimal string alignment by its definition, as a table."""
    rows = [[i + j if i * j == 0 else 0 for j in range(len(right) + 1)] for i in range(len(left) + 1)]
    for i in range(1, len(left) + 1):
        for j in range(1, len(right) + 1):
            same = left[i - 1] == right[j - 1]
            rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (not same))
            if i > 1 and j > 1 and left[i - 1] == right[j - 2] and left[i - 2] == right[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]
