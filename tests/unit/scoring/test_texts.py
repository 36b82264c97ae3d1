"""Tokens, sentences and visible characters, worked by hand."""

import numpy as np
import pytest

from deidrelease.notes import Span
from deidrelease.scoring.texts import TextShape, count_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", 0),
        (" \n\n\t\n", 0),
        ("no end", 1),
        ("One. Two! Three? four", 3),  # before "four" there is no capital
        (
            "Dose 1.5 mg. 40 years.\nNext line\r\n\r\nLast",
            4,
        ),  # a digit opens; CR LF is one line end; blank lines do not
        ("Él fue. Ávila", 2),  # uppercase beyond ASCII
        ("Dr. Ruiz", 2),  # the documented price of a simple rule
    ],
)
def test_sentences(text: str, sentences: int) -> None:
    assert count_sentences(text) == sentences


def test_tokens_take_the_first_overlapping_span() -> None:
    # Tokens: "ab" 1-3, "-" 3, "cd" 4-6, "e" 8. Span 0 covers "b-c", span 1 "d" and the space behind it.
    shape = TextShape.of(" ab-cd  e")
    assert shape.token_starts.tolist() == [1, 3, 4, 8]
    assert shape.first_span_of_tokens([Span(2, 5, "X"), Span(5, 7, "Y")]).tolist() == [0, 0, 0, 2]


def test_a_span_on_white_space_alone_reaches_no_token_and_covers_nothing() -> None:
    shape = TextShape.of("a  b")
    assert shape.first_span_of_tokens([Span(1, 3, "X")]).tolist() == [1, 1]
    assert not shape.covered([Span(1, 3, "X")]).any()


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_text_without_tokens(text: str) -> None:
    shape = TextShape.of(text)
    assert shape.first_span_of_tokens([]).size == 0
    assert np.array_equal(shape.visible, [False] * len(text))
