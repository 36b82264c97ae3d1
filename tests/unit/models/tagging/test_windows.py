"""Windows tile a sequence, and speak for the tokens that they see best."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deidrelease.models.tagging.windows import Window, cut


@st.composite
def cuts(draw: st.DrawFn) -> tuple[int, int, int]:
    size = draw(st.integers(2, 30))
    return draw(st.integers(0, 150)), size, draw(st.integers(0, size - 1))


def distance(window: Window, token: int, n_tokens: int) -> float:
    """Tokens of context up to the nearest edge that was cut; the ends of the note cut nothing off."""
    left = token - window.start if window.start else float("inf")
    right = window.end - 1 - token if window.end < n_tokens else float("inf")
    return min(left, right)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((0, 4, 2), []),
        ((4, 4, 2), [Window(0, 4, 0, 4)]),
        ((5, 4, 2), [Window(0, 4, 0, 3), Window(2, 5, 3, 5)]),
        ((8, 4, 0), [Window(0, 4, 0, 4), Window(4, 8, 4, 8)]),
        ((8, 4, 2), [Window(0, 4, 0, 3), Window(2, 6, 3, 5), Window(4, 8, 5, 8)]),
        ((8, 4, 0, 1), [Window(0, 1, 0, 1), Window(1, 5, 1, 5), Window(5, 8, 5, 8)]),
    ],
)
def test_by_hand(arguments: tuple[int, ...], expected: list[Window]) -> None:
    assert cut(*arguments) == expected


@given(cuts(), st.data())
def test_kept_parts_tile_the_sequence(case: tuple[int, int, int], data: st.DataObject) -> None:
    n_tokens, size, overlap = case
    offset = data.draw(st.integers(0, size))
    windows = cut(n_tokens, size, overlap, offset)
    assert [token for w in windows for token in range(w.keep_start, w.keep_end)] == list(range(n_tokens))
    for window in windows:
        assert 0 <= window.start <= window.keep_start <= window.keep_end <= window.end <= n_tokens
        assert window.end - window.start <= size


@given(cuts())
def test_each_token_is_kept_where_it_stands_furthest_from_a_cut(case: tuple[int, int, int]) -> None:
    n_tokens, size, overlap = case
    windows = cut(n_tokens, size, overlap)
    for window in windows:
        for token in range(window.keep_start, window.keep_end):
            seen = [distance(w, token, n_tokens) for w in windows if w.start <= token < w.end]
            assert distance(window, token, n_tokens) == max(seen)


@given(cuts())
def test_neighbours_share_the_overlap(case: tuple[int, int, int]) -> None:
    n_tokens, size, overlap = case
    windows = cut(n_tokens, size, overlap)
    for left, right in itertools.pairwise(windows):
        assert left.end - right.start == overlap


@given(st.integers(1, 100), st.integers(2, 20), st.data())
def test_training_offsets_move_every_cut(n_tokens: int, size: int, data: st.DataObject) -> None:
    offset = data.draw(st.integers(1, size))
    expected = [at for at in range(1, n_tokens) if at >= offset and (at - offset) % size == 0]
    assert [w.end for w in cut(n_tokens, size, 0, offset)[:-1]] == expected
