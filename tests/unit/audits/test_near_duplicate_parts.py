"""The pieces of the near-duplicate audit, each against a slow or worked-out answer."""

from math import exp

import numpy as np
import pytest
from made.notes_of import KEY

from deidrelease.notes import Note
from deidrelease_audits.near_duplicate.distance_share import effective_size
from deidrelease_audits.near_duplicate.index import drawn_patients
from deidrelease_audits.patients import BothArms, PatientMaxima
from deidrelease_audits.pooled_excess import pooled_excess, pooled_threshold
from deidrelease_audits.tails import ExponentialTail
from deidrelease_audits.text.note_columns import NoteColumns
from deidrelease_audits.text.shingles import ShingleTable, distinct, distinct_sizes, windows


def arms(train: list[int], holdout: list[int]) -> BothArms:
    return BothArms(
        PatientMaxima.from_mapping(dict(enumerate(train))), PatientMaxima.from_mapping(dict(enumerate(holdout, 10_000)))
    )


def test_shingles_do_not_cross_notes():
    hashes, notes = windows(["a b c d e f", "", "a b c", "A, b; c d E"], 5)
    assert notes.tolist() == [0, 0, 3]
    assert hashes[0] == hashes[2] != hashes[1]


def test_word_order_and_repeats_make_different_shingles():
    hashes, _ = windows(["a b", "b a", "a a", "b b", "c a"], 2)
    assert len(set(hashes.tolist())) == 5


def test_distinct_sizes_are_those_of_sets():
    rng = np.random.default_rng(0)
    hashes, notes = rng.integers(0, 2**63, 50).astype(np.uint64)[rng.integers(0, 50, 900)], rng.integers(0, 7, 900)
    sizes = [len(set(hashes[notes == note].tolist())) for note in range(9)]
    assert distinct_sizes(hashes, notes, 9).tolist() == sizes
    # One note after the other, as `distinct` asks.
    order = np.argsort(notes, kind="stable")
    assert np.bincount(distinct(hashes[order], notes[order])[1], minlength=9).tolist() == sizes


def test_a_table_finds_what_is_in_it_and_nothing_else():
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 2**64, 1000, np.uint64)
    table = ShingleTable.of(keys)
    asked = np.concatenate([keys[:10], keys[:10] + np.uint64(1), np.array([0, 2**64 - 1], np.uint64)])
    there, here = table.find(asked)
    assert there.tolist() == list(range(10))
    assert np.array_equal(table.keys[here], asked[:10])
    assert len(ShingleTable.of(keys[:0]).find(asked)[0]) == 0


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_shared_counts_are_exact_with_and_without_dense_rows(share):
    rng = np.random.default_rng(1)
    ours, theirs = rng.random((200, 90)) < share, rng.random((17, 90)) < 0.5
    ours[:, :4] = True
    notes, places = np.nonzero(ours)
    columns = NoteColumns.of(places, notes, 90, 200)
    assert len(columns.dense) == (ours.sum(axis=0) > 64).sum() >= 4
    rows, held = np.nonzero(theirs)
    assert np.array_equal(columns.shared(rows, held, 17), theirs.astype(int) @ ours.T.astype(int))


def test_the_reference_is_the_same_patients_in_any_order_and_no_patient_is_cut():
    notes = [Note(f"n{i}", f"p{i % 13}", "text") for i in range(60)]
    drawn = drawn_patients(notes, KEY, 20)
    assert drawn == drawn_patients(notes[::-1], KEY, 20)
    assert 15 <= len(drawn) <= 20
    of_them = {note.patient_id for note in drawn}
    assert len(drawn) == sum(note.patient_id in of_them for note in notes)
    assert len(drawn_patients(notes, KEY, 60)) == 60
    assert len(drawn_patients([Note(f"n{i}", "one", "text") for i in range(9)], KEY, 5)) == 5


def test_pooled_thresholds_by_hand():
    both = arms([9, 9, 5, 1, 0], [7, 5, 3, 1, 0])
    # 9 is reached by 2 of 10, 7 by 3, 5 by 5.
    assert pooled_threshold(both, 0.2, 1) == 9
    assert pooled_threshold(both, 0.3, 1) == 7
    assert pooled_threshold(both, 0.4, 1) == 7
    assert pooled_threshold(both, 0.5, 1) == 5
    # Not even the largest is as rare as that: then the largest it is.
    assert pooled_threshold(both, 0.1, 1) == 9
    assert pooled_threshold(arms([0, 0], [0, 0]), 0.5, 1) == 1
    assert pooled_threshold(arms([], []), 0.5, 3) == 3


def test_pooled_excess_sees_a_crowd_and_is_calm_about_none():
    shares = (0.01, 0.05, 0.2)
    assert pooled_excess(arms([10] * 30 + [1] * 30, [1] * 60), shares, 1).p_value < 1e-8
    assert pooled_excess(arms([1] * 60, [10] * 30 + [1] * 30), shares, 1).p_value == 1.0
    assert pooled_excess(arms([0] * 60, [0] * 60), shares, 1).residual.value == 0


def test_pooled_excess_keeps_its_level():
    rng = np.random.default_rng(3)
    drawn = [rng.geometric(0.2, 160) for _ in range(400)]
    fired = sum(
        pooled_excess(arms(v[:80].tolist(), v[80:].tolist()), (0.01, 0.05, 0.2), 1).p_value <= 0.05 for v in drawn
    )
    assert fired <= 30  # 20 expected at most, 30 is over two standard deviations above


def test_the_tail_bounds_an_exponential_one():
    rng = np.random.default_rng(0)
    below = 0
    for _ in range(300):
        tail = ExponentialTail.fitted(rng.exponential(1.0, 200), 0.6, 0.01)
        below += tail.chance(14.0) < exp(-14.0)
        assert tail.chance(tail.reached_by(1e-8)) == pytest.approx(1e-8)
    assert below / 300 < 0.07
    assert ExponentialTail.fitted(np.zeros(50), 0.6, 0.1).peaks == 0
    assert tail.chance(tail.threshold) == 1.0


def test_notes_that_share_a_nearest_patient_count_for_less():
    assert effective_size(np.array([1, 2, 3, 4], np.uint64), 4) == 4
    assert effective_size(np.array([1, 1, 1, 1], np.uint64), 4) == 1
    assert effective_size(np.array([1, 1], np.uint64), 4) == pytest.approx(16 / 6)
