"""Intervals of shares whose units come in notes."""

import numpy as np
import pytest

from deidrelease.detection.intervals import ClusteredShare
from deidrelease.scoring import intervals as plain


def counted(pairs: list[tuple[int, int]]) -> ClusteredShare:
    share = ClusteredShare()
    for hits, units in pairs:
        share.add(hits, units)
    return share


def test_one_unit_a_note_is_the_plain_interval() -> None:
    # Nothing goes together; (n - 1) / n of the variance of a ratio keeps the effective n just below n.
    estimate = counted([(1, 1)] * 70 + [(0, 1)] * 30).estimate()
    expected = plain.wilson(70, 100)
    assert (estimate.value, estimate.n) == (0.7, 100)
    assert estimate.low == pytest.approx(expected.low, abs=1e-3)
    assert estimate.high == pytest.approx(expected.high, abs=1e-3)
    assert estimate.high - estimate.low >= expected.high - expected.low


def test_notes_found_whole_or_missed_whole_count_as_one_unit_each() -> None:
    # 40 notes of 25 mentions, half of them found: no more is known than from 40 mentions.
    estimate = counted([(25, 25), (0, 25)] * 20).estimate()
    expected = plain.wilson(20, 40)
    assert estimate.n == 1000
    assert estimate.low == pytest.approx(expected.low, abs=5e-3)
    assert estimate.high == pytest.approx(expected.high, abs=5e-3)


def test_where_all_was_found_the_notes_are_counted() -> None:
    estimate = counted([(10, 10)] * 20).estimate()
    assert estimate.value == estimate.high == 1.0
    assert estimate.low == pytest.approx(plain.wilson(20, 20).low)


def test_one_note_says_little() -> None:
    estimate = counted([(999, 1000)]).estimate()
    assert estimate.high - estimate.low > 0.7


def test_never_narrower_than_the_plain_interval() -> None:
    # Each note half found: less scatter than chance would give.
    estimate = counted([(5, 10), (6, 10), (4, 10), (5, 10)] * 10).estimate()
    expected = plain.wilson(200, 400)
    assert (estimate.low, estimate.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_the_interval_holds_the_truth_nineteen_times_of_twenty() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        sizes = rng.integers(1, 12, size=60)
        # Notes differ in how easily their mentions are found: beta(8, 2) has the mean 0.8.
        hits = rng.binomial(sizes, rng.beta(8, 2, size=60))
        estimate = counted(list(zip(hits.tolist(), sizes.tolist(), strict=True))).estimate()
        held += estimate.low <= 0.8 <= estimate.high
    assert 0.92 <= held / 400 <= 0.98


def test_characters_count_for_no_more_than_their_mentions() -> None:
    share = counted([(8, 10), (7, 10), (9, 10)] * 30)
    expected = plain.wilson(72, 90)
    estimate = share.estimate(at_most=90)
    assert (estimate.low, estimate.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert share.estimate().low > estimate.low


def test_notes_without_units_say_nothing() -> None:
    assert counted([(0, 0), (3, 4), (0, 0)]) == counted([(3, 4)])
    with pytest.raises(ValueError, match="nothing"):
        ClusteredShare().estimate()


@pytest.mark.parametrize(("hits", "units"), [(2, 1), (-1, 3)])
def test_impossible_counts_are_refused(hits: int, units: int) -> None:
    with pytest.raises(ValueError, match="among"):
        ClusteredShare().add(hits, units)


def test_nothing_seen_leaves_everything_open() -> None:
    assert plain.wilson_bounds(0.0, 0) == (0.0, 1.0)
