"""Dates: read in the formats that notes have, written in the same one, moved by one offset."""

import random
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deidrelease.surrogates import Forbidden
from deidrelease.surrogates.dates import Reading, full_days, read_dates, shows_order, write_dates
from deidrelease.surrogates.shifting import reading_for, shift_dates

NOTHING = Forbidden([])

# Moved by 100 days; 12 March 2016 becomes 20 June 2016.
MOVED = [
    ("es", "12/03/2016", "20/06/2016"),
    ("es", "1/3/16", "9/6/16"),
    ("es", "12-03-2016", "20-06-2016"),
    ("es", "12.03.2016", "20.06.2016"),
    ("es", "12 de marzo de 2016", "20 de junio de 2016"),
    ("es", "12 de Marzo del 2016", "20 de Junio del 2016"),
    ("es", "1º de enero de 2015", "11 de abril de 2015"),
    ("es", "marzo de 2016", "junio de 2016"),
    ("es", "MARZO 2016", "JUNIO 2016"),
    ("es", "12-mar-2016", "20-jun-2016"),
    ("es", "5 de mayo", "13 de agosto"),
    ("es", "12/03", "20/06"),
    ("es", "03/2016", "06/2016"),
    ("es", "año 2000", "año 2000"),  # a year alone stands for its middle
    ("es", "diciembre", "marzo"),
    ("es", "lunes", "miércoles"),  # 100 = 14 weeks and 2 days
    ("es", "Lunes 14 de marzo de 2016", "Miércoles 22 de junio de 2016"),
    ("es", "12/03/2016 10:30", "20/06/2016 10:30"),
    ("es", "12/03/2016 - 15/03/2016", "20/06/2016 - 23/06/2016"),
    ("sv", "2016-03-12", "2016-06-20"),
    ("sv", "20160312", "20160620"),
    ("sv", "160312", "160620"),
    ("sv", "12 mars 2016", "20 juni 2016"),
    ("sv", "12/3 2016", "20/6 2016"),
    ("sv", "12/3-16", "20/6-16"),
    ("sv", "den 12 mars", "den 20 juni"),
    ("sv", "1:a mars 2016", "9:e juni 2016"),
    ("sv", "måndag", "onsdag"),
    ("sv", "kl. 10.30 den 12 mars", "kl. 10.30 den 20 juni"),
    ("en", "March 12, 2016", "June 20, 2016"),
    ("en", "March 12th, 2016", "June 20th, 2016"),
    ("en", "Feb 5th, 2022", "May 16th, 2022"),
    ("en", "12 March 2016", "20 June 2016"),
    ("en", "12th of March 2016", "20th of June 2016"),
    ("en", "03/12/2016", "06/20/2016"),  # month first, unless the note shows otherwise
    ("en", "25/12/2016", "04/04/2017"),
    ("en", "2000-04-16 11:34:35", "2000-07-25 11:34:35"),
    ("en", "Tuesday", "Thursday"),
    ("en", "May 3", "August 11"),
]


@pytest.mark.parametrize(("language", "old", "new"), MOVED)
def test_a_date_keeps_its_format(language: str, old: str, new: str) -> None:
    moments = read_dates(old, Reading(language, language != "en"))
    assert moments is not None
    moved = tuple(moment.day + timedelta(days=100) for moment in moments)
    assert write_dates(old, moments, moved, language) == new


@pytest.mark.parametrize(
    ("language", "value"),
    [
        ("es", "0/10/2017"), ("es", "31/02/2016"), ("es", "26708/2017"), ("es", "12 y 15 de marzo"), ("es", "años 90"),
        ("es", "Navidad"), ("es", "12 March 2016"), ("es", "March 2016"), ("sv", "v 12"), ("en", "day 12"), ("en", ""),
    ],
)  # fmt: skip
def test_what_is_not_wholly_a_date_is_not_read(language: str, value: str) -> None:
    assert read_dates(value, Reading(language, day_first=True)) is None


def test_one_date_that_shows_the_order_shows_it_for_all() -> None:
    assert [shows_order(value) for value in ("25/12/2016", "12/25/2016", "03/04/2016", "March 3")] == [
        True, False, None, None,
    ]  # fmt: skip
    assert not reading_for(["03/04/2016"], "en").day_first
    assert reading_for(["03/04/2016", "25/12/2016"], "en").day_first
    assert not reading_for(["03/04/2016", "12/25/2016"], "es").day_first


def test_a_date_without_a_year_takes_the_notes() -> None:
    assert reading_for(["12 de marzo", "3/4/2014", "1 de mayo de 2019"], "es").year == 2019


def test_intervals_keep_across_formats() -> None:
    values = ["12/03/2016", "15 de marzo de 2016", "1-4-16"]
    for seed in range(20):
        dates = shift_dates(values, "es", NOTHING, random.Random(seed), "avoid")
        assert dates is not None
        assert 1 <= abs(dates.days) <= 364
        days = [next(iter(read_dates(dates.written[v], Reading("es", True)) or ())).day for v in values]
        assert [day - days[0] for day in days] == [timedelta(0), timedelta(3), timedelta(20)]


@settings(deadline=None)
@given(st.dates(date(1930, 1, 1), date(2030, 12, 31)), st.integers(0, 2**32), st.sampled_from(["es", "sv", "en"]))
def test_any_full_date_moves_by_the_offset(day: date, seed: int, language: str) -> None:
    for value in (f"{day:%d/%m/%Y}", f"{day:%Y-%m-%d}"):
        reading = Reading(language, day_first=True)
        dates = shift_dates([value, "25/12/2016"], language, NOTHING, random.Random(seed), "avoid")
        assert dates is not None
        ((moment),) = read_dates(dates.written[value], reading) or ()
        assert moment.day == day + timedelta(days=dates.days)


def test_private_days_are_avoided_in_every_format() -> None:
    taken = [f"{date(2016, 3, 12) + timedelta(days=n):%Y-%m-%d}" for n in range(-364, 365) if n != 77]
    dates = shift_dates(["12 de marzo de 2016"], "es", Forbidden(taken), random.Random(1), "avoid")
    assert dates is not None
    assert dates.days == 77


def test_the_search_widens_to_five_years_and_then_ends() -> None:
    day = date(2016, 3, 12)
    near = [f"{day + timedelta(days=n):%Y-%m-%d}" for n in range(-364, 365)]
    dates = shift_dates(["12/03/2016"], "es", Forbidden(near), random.Random(1), "avoid")
    assert dates is not None
    assert 364 < abs(dates.days) <= 1826
    everything = Forbidden(f"{day + timedelta(days=n):%Y-%m-%d}" for n in range(-1826, 1827))
    assert shift_dates(["12/03/2016"], "es", everything, random.Random(1), "avoid") is None
    assert shift_dates(["12/03/2016"], "es", everything, random.Random(1), "allow") is not None


def test_years_alone_are_avoided_only_while_any_is_left() -> None:
    one_free = Forbidden(str(year) for year in range(2000, 2030) if year != 2012)
    dates = shift_dates(["2014"], "es", one_free, random.Random(1), "avoid")
    assert dates is not None
    assert dates.written["2014"] == "2012"
    none_free = Forbidden(str(year) for year in range(2000, 2030))
    assert shift_dates(["2014"], "es", none_free, random.Random(1), "avoid") is not None


def test_looking_a_value_up_reads_it_every_way() -> None:
    assert set(full_days("03/04/2016")) == {date(2016, 4, 3), date(2016, 3, 4)}
    assert set(full_days("12 mars 2016")) == {date(2016, 3, 12)}
    assert list(full_days("marzo de 2016")) == []
