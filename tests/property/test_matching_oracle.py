"""Longest common spans against two oracles: brute force, and a suffix array of both sides by pydivsufsort."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deidrelease_audits.verbatim import matching
from deidrelease_audits.verbatim.longest import Windows
from deidrelease_audits.verbatim.matching import LEAST, Index

Notes = list[list[int]]

# Few letters and blocks that repeat: matches that overlap, nest, and stop at a note's end.
block = st.sampled_from([[0] * 9, [0, 1] * 5, [0, 1, 2] * 4, [2, 0, 0, 1, 0, 2, 1, 1, 0], [1], [2], [0, 2]])
note = st.lists(block, max_size=6).map(lambda blocks: [token for block in blocks for token in block])
notes = st.lists(note, max_size=5)
CODES = np.random.default_rng(7).integers(0, 2**64, 64, dtype=np.uint64)


def joined(notes: Notes) -> tuple[np.ndarray, np.ndarray]:
    firsts = np.cumsum([0] + [len(note) for note in notes])
    return CODES[np.array([token for note in notes for token in note], np.int64)], firsts


def found(indexed: Notes, text: Notes) -> tuple[list[int], list[int]]:
    """The longest match of each position of `text`, and of each of `indexed`; 0 below `LEAST`."""
    index = Index.of(*joined(indexed))
    codes, firsts = joined(text)
    forward = np.zeros(len(codes), np.int64)
    spread = np.zeros(len(index.order), np.int32)
    for begin, matches in index.matches(codes, firsts):
        forward[begin + matches.at] = matches.lengths
        spread = np.maximum(spread, index.spread(matches.there, matches.lengths))
    return forward.tolist(), np.where(spread >= LEAST, spread, 0).tolist()


def brute(notes: Notes, others: Notes) -> list[int]:
    longest = []
    for note in notes:
        for start in range(len(note)):
            best = 0
            for other in others:
                for there in range(len(other)):
                    length = 0
                    while note[start + length : start + length + 1] == other[there + length : there + length + 1] != []:
                        length += 1
                    best = max(best, length)
            longest.append(best if best >= LEAST else 0)
    return longest


@given(notes, notes)
def test_both_sides_are_as_by_brute_force(indexed: Notes, text: Notes) -> None:
    forward, spread = found(indexed, text)
    assert forward == brute(text, indexed)
    assert spread == brute(indexed, text)


@given(notes, notes)
def test_the_longest_span_alone_is_as_by_brute_force(indexed: Notes, text: Notes) -> None:
    assert Windows.of(*joined(indexed)).longest(*joined(text)) == max(brute(text, indexed), default=0)


@given(notes, notes)
def test_no_batch_hides_what_a_later_one_has(indexed: Notes, text: Notes) -> None:
    with patch.object(matching, "BATCH", 1):  # a note each: all but the first look for more than the longest so far
        found = Windows.of(*joined(indexed)).longest(*joined(text))
    assert found == max(brute(text, indexed), default=0)


def by_suffix_array(notes: Notes, others: Notes) -> list[int]:
    """For each position of `notes` its longest match with `others`, from one suffix array of both."""
    divsufsort = pytest.importorskip("pydivsufsort")
    separator, ids, side, room = 64, [], [], []
    for mine, corpus in ((True, notes), (False, others)):
        for note in corpus:
            ids += [*note, separator]
            side += [mine] * len(note) + [None]
            room += range(len(note), -1, -1)
            separator += 1
    text = np.array(ids, np.int32)
    order = divsufsort.divsufsort(text)
    common = divsufsort.kasai(text, order)
    best = np.zeros(len(text), np.int64)
    for ranks in (range(len(order)), range(len(order) - 1, -1, -1)):
        running, last = 0, None
        for rank in ranks:
            if last is not None:
                running = min(running, common[min(rank, last)])
            place = order[rank]
            if side[place] is False:
                running = room[place]
            elif side[place] is True:
                best[place] = max(best[place], min(running, room[place]))
            last = rank
    return [int(b) if b >= LEAST else 0 for b, mine in zip(best, side, strict=True) if mine is True]


@pytest.mark.parametrize("seed", range(6))
def test_long_notes_are_as_by_a_suffix_array(seed: int) -> None:
    rng = np.random.default_rng(seed)
    form = rng.integers(0, 60, 40).tolist()
    pool = [rng.integers(0, 60, 300).tolist() for _ in range(3)]

    def made() -> list[int]:
        parts = [form[: rng.integers(5, 40)], pool[rng.integers(3)][rng.integers(100) : rng.integers(150, 300)]]
        fresh = rng.integers(0, 2 + 20 * (seed % 2), 200).tolist()
        return [*parts[0], *fresh, *parts[1], *form]

    indexed, text = [made() for _ in range(12)], [made() for _ in range(15)]
    forward, spread = found(indexed, text)
    assert forward == by_suffix_array(text, indexed)
    assert spread == by_suffix_array(indexed, text)
    assert max(spread) >= 40
    assert Windows.of(*joined(indexed)).longest(*joined(text)) == max(forward)
