"""Coins, Poisson batches and units: who takes part, and who is counted as one."""

import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2

from deidrelease.errors import PrivacyError
from deidrelease.notes import Note
from deidrelease.privacy.events import PoissonGaussian, merged
from deidrelease.privacy.poisson import Coins, PoissonBatches
from deidrelease.privacy.units import Units

KEY = bytes(range(32))


def note(number: int, patient: str) -> Note:
    return Note(f"n{number}", patient, "Seen.")


def test_every_unit_is_drawn_as_often_as_its_rate_says() -> None:
    """Chi-square over 40 units and 4,000 steps; with a fixed key the test cannot fail by chance."""
    rate, units, steps = 0.13, 40, 4000
    batches = PoissonBatches(Coins(KEY), units, rate)
    counts = np.zeros(units)
    for step in range(steps):
        counts[batches.batch(step)] += 1
    statistic = float(((counts - steps * rate) ** 2 / (steps * rate * (1 - rate))).sum())
    assert chi2.sf(statistic, units) > 0.001
    assert chi2.cdf(statistic, units) > 0.001  # as even as shuffling makes it would be no coin


def test_batch_sizes_are_binomial() -> None:
    """Sizes of shuffled batches do not vary at all, and those of coins do."""
    rate, units, steps = 0.1, 50, 3000
    batches = PoissonBatches(Coins(KEY), units, rate)
    sizes = Counter(len(batches.batch(step)) for step in range(steps))
    expected = {size: steps * binom.pmf(size, units, rate) for size in range(1, 10)}
    statistic = sum((sizes[size] - count) ** 2 / count for size, count in expected.items())
    assert chi2.sf(statistic, len(expected)) > 0.001
    assert sizes[0] > 0  # an empty batch is a step as well


def test_units_are_independent_of_one_another() -> None:
    batches = PoissonBatches(Coins(KEY), 2, 0.5)
    drawn = [set(batches.batch(step).tolist()) for step in range(4000)]
    both = sum(len(batch) == 2 for batch in drawn)
    assert abs(both - 1000) < 4 * np.sqrt(4000 * 0.25 * 0.75)


def test_two_attempts_share_no_coin_and_one_repeats_itself() -> None:
    one, again, other = (PoissonBatches(coins, 1000, 0.5) for coins in (Coins(KEY), Coins(KEY), Coins.fresh()))
    first = one.batch(3)
    assert (first == again.batch(3)).all()
    assert set(first.tolist()) != set(other.batch(3).tolist())
    assert Coins.fresh().key != Coins.fresh().key


def test_a_step_is_drawn_once() -> None:
    batches = PoissonBatches(Coins(KEY), 10, 0.5)
    batches.batch(4)
    for step in (4, 3):
        with pytest.raises(ValueError, match="rising order"):
            batches.batch(step)
    batches.batch(5)


def test_at_the_rate_one_everybody_takes_part() -> None:
    assert PoissonBatches(Coins(KEY), 5, 1.0).batch(0).tolist() == [0, 1, 2, 3, 4]


def test_the_key_is_never_printed() -> None:
    secret = os.urandom(32)
    assert secret.hex() not in repr(Coins(secret)) and repr(secret) not in repr(Coins(secret))
    assert "key" not in repr(Coins(secret))


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 1000))
def test_a_window_lies_within_and_is_as_long_as_it_can_be(length: int, size: int, step: int) -> None:
    start, end = Coins(KEY).window(length, size, step)
    assert 0 <= start <= end <= length
    assert end - start == min(length, size)


def test_every_start_of_a_window_is_equally_likely() -> None:
    starts = Counter(Coins(KEY).window(10, 7, step)[0] for step in range(4000))
    assert sorted(starts) == [0, 1, 2, 3]
    assert chi2.sf(sum((count - 1000) ** 2 / 1000 for count in starts.values()), 3) > 0.001


def test_patients_and_notes_as_units() -> None:
    notes = [note(0, "b"), note(1, "a"), note(2, "b"), note(3, "b")]
    patients, singly = Units.from_notes(notes, "patient"), Units.from_notes(notes, "note")
    assert patients.notes == ((0, 2, 3), (1,))
    assert (patients.count, singly.count) == (2, 4)
    assert patients.notes_of(1) == (1,)
    assert patients.most_notes_of_a_patient == singly.most_notes_of_a_patient == 3
    patients.require_of(notes)
    singly.require_of(notes)


def test_one_note_a_patient_is_the_usual_case() -> None:
    notes = [note(i, f"p{i}") for i in range(5)]
    assert Units.from_notes(notes, "patient").notes == Units.from_notes(notes, "note").notes


@pytest.mark.parametrize(
    ("unit", "made", "what"),
    [
        ("patient", ((0,), (1,), (2,)), "one patient are counted as several"),
        ("patient", ((0, 1, 2),), "several patients"),
        ("patient", ((0, 2),), "missing"),
        ("patient", ((0, 2), (1, 1)), "missing"),
        ("patient", ((0, 2), (1,), ()), "missing"),
        ("note", ((0, 2), (1,)), "several notes"),
    ],
)
def test_units_that_are_not_those_of_the_notes(unit: str, made: tuple[tuple[int, ...], ...], what: str) -> None:
    """The mutant that counts one patient's notes as many patients is caught here."""
    notes = [note(0, "a"), note(1, "b"), note(2, "a")]
    mutant = Units(unit, made, tuple(range(len(made))))  # type: ignore[arg-type]
    with pytest.raises(PrivacyError, match=what):
        mutant.require_of(notes)


def test_nobody_to_protect() -> None:
    with pytest.raises(PrivacyError, match="nobody"):
        Units.from_notes([], "patient")


@pytest.mark.parametrize(
    "numbers", [(0, 1, 1), (1.1, 1, 1), (-0.1, 1, 1), (0.1, -1, 1), (0.1, float("nan"), 1), (0.1, float("inf"), 1),
                (0.1, 1, -1), (0.1, 1, 1.5), (True, 1, 1), (0.1, 1, True), ("0.1", 1, 1)],
)  # fmt: skip
def test_events_outside_their_range(numbers: tuple[object, object, object]) -> None:
    with pytest.raises(ValueError, match=r"sampling rate|noise|steps"):
        PoissonGaussian(*numbers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [{"kind": "laplace"}, {"steps": "3"}, {"steps": None}, {"sampling_rate": 2}, {"more": 1}, {"noise_multiplier": ""}],
)
def test_a_document_that_is_no_event(change: dict[str, object]) -> None:
    document = PoissonGaussian(0.1, 1.0, 3).document()
    with pytest.raises(PrivacyError, match="nothing is promised"):
        PoissonGaussian.from_document({**document, **change})


def test_events_are_read_as_written_and_added_up() -> None:
    a, b = PoissonGaussian(0.1, 1.0, 3), PoissonGaussian(0.2, 1.0, 5)
    assert PoissonGaussian.from_document(a.document()) == a
    assert merged([b, a, a, PoissonGaussian(0.3, 1.0, 0)]) == (PoissonGaussian(0.1, 1.0, 6), b)
    assert merged([a, b]) == merged([b, a])
