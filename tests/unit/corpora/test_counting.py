"""Quantiles, histograms and shared values against slow oracles."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deidrelease.corpora import counting
from deidrelease.corpora.counting import Histogram, SharedValues, histogram, quantile


@given(st.lists(st.integers(0, 50), min_size=1), st.sampled_from([0.05, 0.25, 0.5, 0.75, 0.95, 1.0]))
def test_quantiles_are_those_of_numpy_without_interpolation(numbers: list[int], share: float) -> None:
    assert quantile(Counter(numbers), share) == np.quantile(numbers, share, method="inverted_cdf")


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="nothing"):
        quantile(Counter(), 0.5)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4))))
def test_shared_values_are_those_with_two_patients(mentions: list[tuple[int, int]]) -> None:
    values, patients = SharedValues(), defaultdict(set)
    for value, patient in mentions:
        values.add(value, patient)
        patients[value].add(patient)
    assert values.distinct_and_shared() == (len(patients), sum(len(of) > 1 for of in patients.values()))


def test_merging_on_the_way_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_LEAST_MERGED", 2)
    values = SharedValues()
    for number in range(500):
        values.add(2**64 - 1 - number % 50, number % 7 if number % 50 < 20 else 3)
        # Never more pairs at hand than four times the distinct ones, and a few.
        assert len(values._fresh) <= 2 * 500
    assert values.distinct_and_shared() == (50, 20)


def test_a_histogram_by_hand() -> None:
    assert histogram(Counter([0, 1, 2, 3, 9]), bins=2, share=0.8) == Histogram([0, 2, 4], [2, 2], 1)
    assert histogram(Counter()) == Histogram([0, 1], [0], 0)


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_a_histogram_counts_every_number_once(numbers: list[int]) -> None:
    made = histogram(Counter(numbers))
    assert sum(made.counts) + made.above == len(numbers)
    assert made.counts == np.histogram([n for n in numbers if n < made.edges[-1]], bins=made.edges)[0].tolist()
    assert made.above <= 0.01 * len(numbers)
