"""Near values are found among many, each one of them, and nothing else is."""

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from deidrelease.surrogates.nearness import SHORTEST, Nearness, most_edits

WORDS = st.text("ab ", min_size=1, max_size=40)


def near(value: str, others: list[str]) -> bool:
    """The slow way: every pair, by the definition."""
    return len(value) >= SHORTEST and any(
        10 * Levenshtein.distance(value, other) <= max(len(value), len(other))
        for other in others
        if len(other) >= SHORTEST
    )


@settings(deadline=None)
@given(st.lists(WORDS, max_size=12), WORDS)
def test_it_is_what_comparing_every_pair_says(others: list[str], value: str) -> None:
    assert Nearness(others).hit(value) == near(value, others)


@settings(deadline=None)
@given(st.text(string.ascii_lowercase, min_size=8, max_size=60), st.randoms(use_true_random=False))
def test_a_few_edits_hide_nothing(value: str, rng: random.Random) -> None:
    edited = list(value)
    for _ in range(rng.randint(0, 1 + len(value) // 10)):
        place = rng.randrange(len(edited))
        edited[place : place + rng.randint(0, 1)] = rng.choice(("", "x", "xy"))
    changed = "".join(edited)
    assert Nearness([value]).hit(changed) == near(changed, [value])


@pytest.mark.parametrize(
    ("value", "other", "hit"),
    [
        ("ana ruiz gil", "ana ruiz gil", True),
        ("ana ruiz gil", "ana ruis gil", True),  # 1 edit in 12
        ("ana ruiz gil", "ana ruis gyl", False),  # 2 in 12
        ("12345678z", "12345678y", False),  # 1 in 9 is 0.89
        ("1234567890", "1234567891", True),  # 1 in 10 is 0.9
        ("ana ruiz", "ana ruiz", True),
        ("ana rui", "ana rui", False),  # too short to be near anything; equality is looked at elsewhere
    ],
)
def test_worked_by_hand(value: str, other: str, hit: bool) -> None:
    assert Nearness([other]).hit(value) is hit


def test_most_edits() -> None:
    assert [most_edits(n) for n in (8, 9, 10, 19, 20, 30)] == [0, 0, 1, 1, 2, 3]
