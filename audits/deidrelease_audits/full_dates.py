"""The full dates that a value can be read as; most values are settled by a look at their shape.

Reading a value in three languages and two orders costs a hundred times as much as that look.
"""

import re
from datetime import date
from functools import lru_cache

from deidrelease.surrogates.dates import full_days

_NUMBER = re.compile(r"\d+")
_NUMERIC = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d\d)", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_YEARS = range(1800, 2200)
_CENTURY_TURNS = 36
_WITHOUT_BORDERS = (6, 8)
"""Digits of a date that is one number; any other date has its day and its year in two."""


# As many as the values of a shard: more would be memory that grows with the private corpus.
@lru_cache(maxsize=1 << 14)
def days_of(value: str) -> tuple[int, ...]:
    """The full dates that a value can be read as, as ordinals (`date.toordinal`), each once.

    None where anything in the value is left unread; both orders of day and month where it does not show which.
    """
    numbers = _NUMBER.findall(value)
    if len(numbers) < 2 and (not numbers or len(numbers[0]) not in _WITHOUT_BORDERS):
        return ()
    if match := _NUMERIC.fullmatch(value):
        first, second, year = int(match[1]), int(match[3]), _year(match[4])
        return _existing((year, second, first), (year, first, second))
    if match := _COMPACT.fullmatch(value):
        return _existing((int(match[1]), int(match[2]), int(match[3])))
    return tuple(day.toordinal() for day in full_days(value))


def _year(written: str) -> int:
    year = int(written)
    return year if len(written) == 4 else year + (2000 if year < _CENTURY_TURNS else 1900)


def _existing(*candidates: tuple[int, int, int]) -> tuple[int, ...]:
    days = []
    for year, month, day in candidates:
        if year in _YEARS:
            try:
                days.append(date(year, month, day).toordinal())
            except ValueError:
                continue
    return tuple(dict.fromkeys(days))
