"""The decoder against every valid sequence there is."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deidrelease.models.tagging.decoding import decode, is_valid


def valid(tags: tuple[int, ...]) -> bool:
    previous = 0
    for tag in tags:
        inside = tag > 0 and tag % 2 == 0
        if inside and previous not in (tag, tag - 1):
            return False
        previous = tag
    return True


def best(scores: NDArray[np.float32]) -> tuple[int, ...]:
    n_tokens, n_tags = scores.shape
    sequences = [tags for tags in product(range(n_tags), repeat=n_tokens) if valid(tags)]
    return max(sequences, key=lambda tags: sum(float(scores[at, tag]) for at, tag in enumerate(tags)))


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([], True),
        ([0], True),
        ([1], True),
        ([2], False),
        ([1, 2, 2], True),
        ([1, 0, 2], False),
        ([1, 1, 2], True),
        ([1, 4], False),
        ([3, 4, 2], False),
        ([0, 4], False),
        ([3, 4, 1, 2, 0], True),
    ],
)
def test_is_valid(tags: list[int], expected: bool) -> None:
    assert is_valid(np.array(tags, dtype=np.intp)) is expected


@given(st.lists(st.integers(0, 6), max_size=8))
def test_is_valid_agrees_with_reading_from_left_to_right(tags: list[int]) -> None:
    assert is_valid(np.array(tags, dtype=np.intp)) == valid(tuple(tags))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_decodes_the_best_valid_sequence_of_each_note(lengths: list[int], n_labels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    notes = [rng.normal(size=(n, 2 * n_labels + 1)).astype(np.float32) for n in lengths]
    for note in notes:
        note[:, 2::2] += 1  # so that the best tag of a token is often an I that may not stand there
    assert [tuple(tags.tolist()) for tags in decode(notes)] == [best(note) for note in notes]


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_where_the_best_tags_are_valid_they_are_the_answer(n_tokens: int, n_labels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tags = [0]
    for _ in range(n_tokens):
        choices = [0, *range(1, 2 * n_labels, 2), *([tags[-1] + tags[-1] % 2] if tags[-1] else [])]
        tags.append(int(rng.choice(choices)))
    scores = rng.random((n_tokens, 2 * n_labels + 1)).astype(np.float32)
    scores[np.arange(n_tokens), tags[1:]] += 1
    # A second note of forbidden tags takes the slow path; the first must not notice.
    broken = np.zeros((3, 2 * n_labels + 1), dtype=np.float32)
    broken[:, 2] = 1
    decoded = decode([scores, broken])
    assert decoded[0].tolist() == tags[1:]
    assert decoded[1].tolist() == [1, 2, 2]


def test_a_long_sequence_does_not_lose_precision() -> None:
    # 20000 tokens, the best tag an I throughout by a hair: only the first must become a B.
    scores = np.full((20_000, 3), 100.0, dtype=np.float32)
    scores[:, 2] += np.float32(0.01)
    assert decode([scores])[0].tolist() == [1] + [2] * 19_999


def test_nothing_to_decode() -> None:
    assert decode([]) == []
