"""Training rows: whatever the packing, every token of every note is predicted exactly once an epoch."""

import itertools

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from deidrelease.models.causal.rows import Packed, Pieces, Row, batches
from deidrelease.settings import AdaptSettings

lengths = st.lists(st.integers(2, 40), min_size=1, max_size=8)


def store(sizes: list[int]) -> Dataset:
    """Notes whose every token is a number of its own, so that a lost or doubled one shows."""
    starts = np.cumsum([0, *sizes])
    ids = [list(range(int(a), int(b))) for a, b in itertools.pairwise(starts)]
    return Dataset.from_dict({"ids": ids, "length": sizes})


def predicted(rows: list[Row]) -> list[int]:
    return [token for row in rows for token in row[1:]]


@pytest.mark.parametrize(
    ("sizes", "order", "size", "expected"),
    [
        ([3, 4], [0, 1], 4, [[0, 1, 2, 3], [3, 4, 5, 6]]),
        ([3, 4], [1, 0], 4, [[3, 4, 5, 6], [6, 0, 1, 2]]),
        ([3, 3], [0, 1], 4, [[0, 1, 2, 3], [3, 4, 5]]),
        ([5], [0], 4, [[0, 1, 2, 3], [3, 4]]),
        ([2], [0], 8, [[0, 1]]),
        ([2, 2, 2, 2], [3, 2, 1, 0], 16, [[6, 7, 4, 5, 2, 3, 0, 1]]),
    ],
)
def test_packed_by_hand(sizes: list[int], order: list[int], size: int, expected: list[Row]) -> None:
    packed = Packed(store(sizes), np.array(order), size)
    assert [packed[i] for i in range(len(packed))] == expected


@settings(deadline=None, max_examples=40)
@given(lengths, st.integers(2, 30), st.randoms())
def test_packed_predicts_every_token_once(sizes: list[int], size: int, random: object) -> None:
    order = list(range(len(sizes)))
    random.shuffle(order)  # type: ignore[attr-defined]
    tokens = store(sizes)
    stream = [token for i in order for token in tokens[i]["ids"]]
    packed = Packed(tokens, np.array(order), size)
    rows = [packed[i] for i in range(len(packed))]
    assert predicted(rows) == stream[1:]
    assert [row[0] for row in rows] == stream[: -1 or None : size - 1][: len(rows)]
    assert all(len(row) == size for row in rows[:-1])
    assert 2 <= len(rows[-1]) <= size


@settings(deadline=None, max_examples=40)
@given(lengths, st.integers(2, 30))
def test_pieces_predict_every_token_of_every_note_once(sizes: list[int], size: int) -> None:
    tokens = store(sizes)
    pieces = Pieces(tokens, size)
    rows = [pieces[i] for i in range(len(pieces))]
    assert sorted(predicted(rows)) == sorted(token for ids in tokens["ids"] for token in ids[1:])
    assert [len(row) for row in rows] == sorted(len(row) for row in rows)
    assert all(2 <= len(row) <= size for row in rows)
    # No row holds tokens of two notes, and within a row they follow each other.
    assert all(row == list(range(row[0], row[0] + len(row))) for row in rows)


@pytest.mark.parametrize("grouping", ["pack", "length"])
def test_an_epoch_depends_on_seed_and_number_alone(grouping: str) -> None:
    tokens = store([7, 30, 12, 5, 22, 9])
    settings = AdaptSettings.model_validate({"context": 16, "batch_size": 2, "grouping": grouping})

    def epoch(seed: int, number: int) -> list[list[Row]]:
        made = batches(tokens, settings, seed, number)
        return [made[i] for i in range(len(made))]

    assert epoch(1, 0) == epoch(1, 0)
    assert epoch(1, 0) != epoch(1, 1)
    assert epoch(1, 0) != epoch(2, 0)
    assert all(1 <= len(batch) <= 2 for batch in epoch(1, 0))
    counts = [len(predicted([row for batch in epoch(1, n) for row in batch])) for n in range(3)]
    assert set(counts) == {84 if grouping == "pack" else 79}
