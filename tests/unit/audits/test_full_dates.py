"""What is settled by a look at a value's shape is what reading it would have given."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deidrelease.surrogates.dates import full_days
from deidrelease_audits.full_dates import days_of

_SEPARATORS = st.sampled_from(["-", "/", ".", " "])
_SMALL = st.integers(0, 40).flatmap(lambda number: st.sampled_from([str(number), f"{number:02}"]))
_YEARS = st.sampled_from(["15", "35", "36", "99", "2015", "1799", "1800", "2199", "2200", "123"])
_COMPACT = st.tuples(st.integers(1700, 2300), st.integers(0, 14), st.integers(0, 33)).map(
    lambda parts: f"{parts[0]}{parts[1]:02}{parts[2]:02}"
)
_NUMERIC = st.tuples(_SMALL, _SEPARATORS, _SMALL, _SEPARATORS, _YEARS).map("".join)
_PIECES = st.lists(st.sampled_from(["3", "31", "2015", "15", "mayo", " de ", "May", " ", "/", "-", ",", "st", "maj"]))


def _read(value: str) -> tuple[int, ...]:
    return tuple(day.toordinal() for day in full_days(value))


@given(_NUMERIC | _COMPACT | _COMPACT.map(lambda value: value[2:]) | _PIECES.map("".join))
@settings(deadline=None, max_examples=150)
def test_the_look_and_the_reading_agree(value: str) -> None:
    assert days_of(value) == _read(value)


@pytest.mark.parametrize(
    ("value", "many"),
    [("03/04/2015", 2), ("13/04/2015", 1), ("31/02/2015", 0), ("20150403", 1), ("enero de 2015", 0), ("3 May 2015", 1)],
)
def test_how_many_days_a_value_can_be(value: str, many: int) -> None:
    assert len(days_of(value)) == many == len(_read(value))
