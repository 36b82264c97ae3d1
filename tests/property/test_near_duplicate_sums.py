"""Near-duplicates and their parts on any small corpus: as plain sets say, however the notes are cut into shards."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from made.near_copies import containments
from made.notes_of import corpora_of

from deidrelease.contracts import Shard
from deidrelease_audits.diversity.word_sample import WordSample
from deidrelease_audits.near_duplicate.audit import NearDuplicate
from deidrelease_audits.near_duplicate.nearest import NearestByDraw

texts = st.lists(st.lists(st.sampled_from("abc"), max_size=25).map(" ".join), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(texts, texts, texts, st.integers(1, 5))
def test_containment_is_that_of_sets_and_adds_up(synthetic, train, holdout, size):
    audit = NearDuplicate(width=3, least_shared=1)
    corpora = corpora_of(synthetic, train, holdout)
    index, notes = audit.index(corpora), list(corpora.train)
    whole = audit.scan(index, Shard("train", tuple(notes)))
    parts = [audit.scan(index, Shard("train", tuple(notes[i : i + size]))) for i in range(0, len(notes), size)]
    total = parts[-1]
    for part in parts[-2::-1]:
        total = total + part
    assert total == whole
    expected = containments(list(corpora.synthetic), notes, least_shared=1, width=3)
    best = [max(expected[ours.note_id, note.note_id] for note in notes) for ours in corpora.synthetic]
    assert whole.train.contained.values.tolist() == best


records = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.sampled_from([0.0, 0.2, 0.5, 1.0])), max_size=30)


@given(records, records, st.integers(0, 9))
def test_the_nearest_of_any_draw_is_kept(left, right, last):
    def of(rows: list[tuple[int, int, float]]) -> NearestByDraw:
        columns, ranks, values = (np.array([row[i] for row in rows]) for i in range(3))
        return NearestByDraw.of(columns.astype(np.int64), ranks.astype(np.uint64), values.astype(np.float64))

    both = of(left) + of(right)
    assert both == of(right + left)
    expected = [max([v for c, r, v in left + right if c == column and r <= last], default=0.0) for column in range(4)]
    assert both.among(last, 4)[0].tolist() == expected


counted = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 6)), max_size=12, unique_by=lambda row: row[0])


@given(counted, st.integers(0, 12), st.integers(0, 20))
def test_a_word_sample_is_a_prefix_however_it_is_added_up(rows, cut, most):
    def of(part: list[tuple[int, int]]) -> WordSample:
        codes = [number * 10 + place for number, count in part for place in range(count)]
        numbers, counts = np.array([row[0] for row in part], np.uint64), np.array([row[1] for row in part], np.int64)
        return WordSample.of(most, numbers, counts, np.array(codes, np.uint64))

    expected: list[int] = []
    for number, count in sorted(rows):
        if len(expected) < most:
            expected += [number * 10 + place for place in range(count)]
    assert (of(rows[:cut]) + of(rows[cut:])).codes.tolist() == expected == of(rows).codes.tolist()
