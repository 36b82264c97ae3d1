"""Wilson's interval against published figures and against the equation that defines it."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deidrelease.scoring.intervals import wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_newcombes_examples(successes: int, n: int, low: float, high: float) -> None:
    share = wilson(successes, n)
    assert (round(share.low, 4), round(share.high, 4)) == (low, high)
    assert (share.value, share.n, share.confidence) == (successes / n, n, 0.95)


@given(st.integers(1, 500), st.data())
def test_each_end_is_a_share_that_would_just_be_rejected(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    share = wilson(successes, n)
    for end in (share.low, share.high):
        if 0 < end < 1:
            assert abs(share.value - end) / sqrt(end * (1 - end) / n) == pytest.approx(1.959964, abs=1e-4)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 3), (4, 3)])
def test_no_share_no_interval(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="share"):
        wilson(successes, n)
