"""Between spans and tags, worked by hand; and the way there and back."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deidrelease.models.tagging.decoding import is_valid
from deidrelease.models.tagging.tags import clean, labels_of, spans_from, tag_names, tags_for, unreachable
from deidrelease.notes import Span

LABELS = ("CITY", "NAME")
O, B_CITY, I_CITY, B_NAME, I_NAME = range(5)  # noqa: E741
Offsets = list[tuple[int, int]]


@pytest.mark.parametrize(
    ("text", "offsets", "expected"),
    [
        pytest.param("Eva en Vigo", [(0, 3), (4, 6), (7, 11)], [(0, 3), (4, 6), (7, 11)], id="clean already"),
        pytest.param("Eva en", [(0, 3), (3, 6)], [(0, 3), (4, 6)], id="leading space counted in"),
        pytest.param("Eva en", [(0, 4), (4, 6)], [(0, 3), (4, 6)], id="trailing space counted in"),
        pytest.param("a \n b", [(0, 1), (1, 4), (4, 5)], [(0, 1), (4, 4), (4, 5)], id="white space alone is empty"),
        # A byte-level token each for the two bytes of é: both claim the one character.
        pytest.param("éa", [(0, 1), (0, 1), (1, 2)], [(0, 1), (1, 1), (1, 2)], id="two tokens, one character"),
        pytest.param("😀", [(0, 1)] * 4, [(0, 1), (1, 1), (1, 1), (1, 1)], id="four tokens, one character"),
        pytest.param("abcd", [(0, 3), (2, 4)], [(0, 3), (3, 4)], id="overlapping tokens"),
        pytest.param("ab", [(0, 2), (0, 0)], [(0, 2), (2, 2)], id="token of no characters"),
        pytest.param("", [], [], id="no tokens"),
    ],
)
def test_clean(text: str, offsets: Offsets, expected: Offsets) -> None:
    assert clean(text, offsets) == expected


# "Eva Gil, Vigo": Eva 0-3, Gil 4-7, "," 7-8, Vigo 9-13.
WORDS = [(0, 3), (4, 7), (7, 8), (9, 13)]


@pytest.mark.parametrize(
    ("spans", "offsets", "expected"),
    [
        pytest.param([], WORDS, [O, O, O, O], id="nothing"),
        pytest.param([Span(0, 7, "NAME"), Span(9, 13, "CITY")], WORDS, [B_NAME, I_NAME, O, B_CITY], id="two types"),
        pytest.param([Span(0, 3, "NAME"), Span(4, 7, "NAME")], WORDS, [B_NAME, B_NAME, O, O], id="same type, adjacent"),
        pytest.param([Span(0, 3, "NAME"), Span(4, 7, "CITY")], WORDS, [B_NAME, B_CITY, O, O], id="types adjacent"),
        pytest.param([Span(1, 5, "NAME")], WORDS, [B_NAME, I_NAME, O, O], id="edges inside tokens"),
        pytest.param([Span(3, 4, "NAME")], WORDS, [O, O, O, O], id="between tokens"),
        pytest.param([Span(0, 7, "NAME"), Span(4, 8, "CITY")], WORDS, [B_NAME, I_NAME, B_CITY, O], id="first wins"),
        pytest.param([Span(0, 8, "NAME"), Span(4, 7, "CITY")], WORDS, [B_NAME, I_NAME, I_NAME, O], id="nested"),
        # "a \n b" with a token for the white space, empty once cleaned: it goes on with the span around it.
        pytest.param([Span(0, 5, "NAME")], [(0, 1), (4, 4), (4, 5)], [B_NAME, I_NAME, I_NAME], id="white space inside"),
        pytest.param([Span(0, 1, "NAME")], [(0, 1), (4, 4), (4, 5)], [B_NAME, O, O], id="white space behind"),
        pytest.param([Span(4, 5, "NAME")], [(0, 1), (4, 4), (4, 5)], [O, O, B_NAME], id="white space before"),
        # é as two byte tokens, then a.
        pytest.param([Span(0, 2, "NAME")], [(0, 1), (1, 1), (1, 2)], [B_NAME, I_NAME, I_NAME], id="shared character"),
        pytest.param([Span(0, 1, "NAME")], [(0, 1), (1, 1), (1, 2)], [B_NAME, O, O], id="shared character at the end"),
        pytest.param(
            [Span(0, 1, "NAME"), Span(1, 2, "NAME")],
            [(0, 1), (1, 1), (1, 2)],
            [B_NAME, O, B_NAME],
            id="shared, adjacent",
        ),
    ],
)
def test_tags_for(spans: list[Span], offsets: Offsets, expected: list[int]) -> None:
    assert tags_for(spans, offsets, LABELS) == expected


@pytest.mark.parametrize(
    ("tags", "offsets", "expected"),
    [
        pytest.param([O, O, O, O], WORDS, [], id="nothing"),
        pytest.param([B_NAME, I_NAME, O, B_CITY], WORDS, [Span(0, 7, "NAME"), Span(9, 13, "CITY")], id="two types"),
        pytest.param([B_NAME, B_NAME, O, O], WORDS, [Span(0, 3, "NAME"), Span(4, 7, "NAME")], id="same type, adjacent"),
        pytest.param([O, O, O, B_CITY], WORDS, [Span(9, 13, "CITY")], id="at the very end"),
        pytest.param([B_NAME, O, I_NAME], [(0, 1), (4, 4), (4, 5)], [Span(0, 5, "NAME")], id="an empty O does not end"),
        pytest.param([B_NAME, I_NAME, O], [(0, 1), (4, 4), (4, 5)], [Span(0, 1, "NAME")], id="an empty I extends none"),
        pytest.param([O, B_NAME, O], [(0, 1), (4, 4), (4, 5)], [], id="an empty B begins none"),
    ],
)
def test_spans_from(tags: list[int], offsets: Offsets, expected: list[Span]) -> None:
    assert spans_from(tags, offsets, LABELS) == expected


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([Span(0, 7, "NAME"), Span(9, 13, "CITY")], 0),
        ([Span(1, 7, "NAME")], 1),
        ([Span(0, 6, "NAME")], 1),
        ([Span(3, 7, "NAME")], 1),  # begins with the space before a token
        ([Span(1, 2, "NAME"), Span(4, 8, "CITY"), Span(9, 12, "CITY")], 2),
    ],
)
def test_unreachable(spans: list[Span], expected: int) -> None:
    assert unreachable(spans, WORDS) == expected


def test_an_empty_token_makes_no_edge_reachable() -> None:
    assert unreachable([Span(4, 5, "NAME")], [(0, 1), (4, 4)]) == 1


def test_a_span_that_begins_with_white_space_stays_apart_from_its_neighbour() -> None:
    # "ab cd", a token of its own for the space; the second span begins with that space.
    offsets = clean("ab cd", [(0, 2), (2, 3), (3, 5)])
    tags = tags_for([Span(0, 2, "NAME"), Span(2, 5, "NAME")], offsets, LABELS)
    assert spans_from(tags, offsets, LABELS) == [Span(0, 2, "NAME"), Span(3, 5, "NAME")]


def test_tag_names_and_back() -> None:
    assert tag_names(LABELS) == ["O", "B-CITY", "I-CITY", "B-NAME", "I-NAME"]
    assert labels_of(tag_names(LABELS)) == list(LABELS)


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["B-CITY", "I-CITY", "O"],
        ["O", "I-CITY", "B-CITY"],
        ["O", "B-CITY", "I-NAME"],
        ["O", "B-CITY"],
        ["LABEL_0", "LABEL_1", "LABEL_2"],
    ],
)
def test_other_tag_orders_are_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="in that order"):
        labels_of(names)


@st.composite
def tokenised(draw: st.DrawFn) -> tuple[str, Offsets, list[Span]]:
    """A text, raw token offsets that may hold white space or share characters, and spans whose edges are tokens'."""
    text, offsets = "", []
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["word", "spaced", "white", "shared"]))
        start = len(text)
        text += {"word": "ab", "spaced": " cd", "white": " \n", "shared": "é"}[kind]
        offsets += [(start, len(text))] * (3 if kind == "shared" else 1)
    visible = [(start, end) for start, end in clean(text, offsets) if start < end]
    cuts = sorted(draw(st.sets(st.integers(0, len(visible)))))
    pairs = [(a, b) for a, b in itertools.pairwise(cuts) if draw(st.booleans())]
    spans = [Span(visible[a][0], visible[b - 1][1], draw(st.sampled_from(LABELS))) for a, b in pairs]
    return text, offsets, spans


@given(tokenised())
def test_spans_survive_the_way_to_tags_and_back(case: tuple[str, Offsets, list[Span]]) -> None:
    import numpy as np

    text, offsets, spans = case
    cleaned = clean(text, offsets)
    tags = tags_for(spans, cleaned, LABELS)
    assert spans_from(tags, cleaned, LABELS) == spans
    assert unreachable(spans, cleaned) == 0
    assert is_valid(np.array(tags))


@given(tokenised())
def test_clean_offsets_tile_the_visible_characters(case: tuple[str, Offsets, list[Span]]) -> None:
    text, offsets, _ = case
    cleaned = clean(text, offsets)
    covered = [at for start, end in cleaned for at in range(start, end)]
    assert covered == sorted(set(covered))
    assert {at for at, c in enumerate(text) if not c.isspace()} <= set(covered)
    assert all(not text[start].isspace() and not text[end - 1].isspace() for start, end in cleaned if start < end)
