"""Moves all dates of a note by one number of days, so that intervals keep, to days that no private date names."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from deidrelease.surrogates.dates import Moment, Reading, read_dates, shows_order, write_dates
from deidrelease.surrogates.forbidden import Forbidden
from deidrelease.surrogates.lexicon import lexicon
from deidrelease.surrogates.normal import normal

PrivateDates = Literal["avoid", "allow"]
NEAR_DAYS, FAR_DAYS = 364, 5 * 365 + 1


@dataclass(frozen=True, slots=True)
class Dates:
    """The date values of a note that can be read, as they were and as they will be.

    Attributes:
        written: Old value to new value.
        days: The offset, in days; 0 where no value could be read.
    """

    written: dict[str, str]
    days: int


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    moments: tuple[Moment, ...]

    @property
    def is_closed_set(self) -> bool:
        return all(moment.is_closed_set for moment in self.moments)


def reading_for(values: Sequence[str], language: str) -> Reading:
    """How the dates of a note are to be read: the order and the year that some of them show hold for the others."""
    orders = [order for value in values if (order := shows_order(value)) is not None]
    day_first = orders[0] if orders else lexicon(language).day_first
    first = Reading(language, day_first)
    full = [moment.day.year for value in values for moment in read_dates(value, first) or () if moment.is_full]
    return Reading(language, day_first, max(full)) if full else first


def shift_dates(
    values: Sequence[str], language: str, forbidden: Forbidden, rng: random.Random, private: PrivateDates
) -> Dates | None:
    """Draws one offset for all `values` and writes them anew, each in its own format.

    An offset of up to 364 days either way is looked for, then of up to five years, such that no value names a private
    day or reads as a private value. Years, months and weekdays that stand alone are a few dozen words that everybody
    shares: they are avoided too if any offset allows it, and let be if none does.

    Returns:
        The new values; those that cannot be read are left out. None where every offset meets a private date.
    """
    reading = reading_for(values, language)
    readable = [_Value(text, moments) for text in dict.fromkeys(values) if (moments := read_dates(text, reading))]
    if not readable:
        return Dates({}, 0)
    readable.sort(key=lambda value: not value.is_closed_set)  # what is turned down most is looked at first
    open_sets = [value for value in readable if not value.is_closed_set]
    for looked_at in (readable, open_sets) if len(open_sets) < len(readable) else (readable,):
        for days in _offsets(rng):
            if private == "allow" or all(_is_free(value, days, reading, forbidden) for value in looked_at):
                return Dates({value.text: _moved(value, days, reading) for value in readable}, days)
    return None


def fresh_date(language: str, reading: Reading, rng: random.Random) -> tuple[date, str]:
    """A date in the plain format of the language, for a value that could not be read as one."""
    words = lexicon(language)
    day = date(reading.year, 1, 1) + timedelta(days=rng.randint(-FAR_DAYS, FAR_DAYS))
    month = words.months[day.month - 1]
    named = month.capitalize() if language == "en" else month
    return day, words.plain_date.format(d=day.day, dd=f"{day.day:02}", mm=f"{day.month:02}", y=day.year, month=named)


def _offsets(rng: random.Random) -> Iterator[int]:
    """Every offset once: the near ones in random order, then the far ones."""
    for least, most in ((1, NEAR_DAYS), (NEAR_DAYS + 1, FAR_DAYS)):
        days = [*range(-most, 1 - least), *range(least, most + 1)]
        rng.shuffle(days)
        yield from days


def _moved(value: _Value, days: int, reading: Reading) -> str:
    shift = timedelta(days=days)
    return write_dates(value.text, value.moments, tuple(m.day + shift for m in value.moments), reading.language)


def _is_free(value: _Value, days: int, reading: Reading, forbidden: Forbidden) -> bool:
    shift = timedelta(days=days)
    if any(moment.is_full and forbidden.has_day(moment.day + shift) for moment in value.moments):
        return False
    new = _moved(value, days, reading)
    return not forbidden.hit(new, "date") and normal(new) != normal(value.text)
