"""Reads the dates inside a value, in whatever format they stand, and writes others in the same format.

A value is read whole or not at all: where a digit is left over that no date accounts for, it counts as unreadable,
because what is not understood might be a date that would stay behind.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from deidrelease.surrogates.lexicon import LANGUAGES, Lexicon, lexicon
from deidrelease.surrogates.normal import in_case_of, normal

Field = Literal["d", "m", "y", "month", "weekday", "ordinal"]
_CENTURY_TURNS = 36
"""Two-digit years below this are read as 20xx; it matters for leap years only, as two digits are written again."""
_LEAP_YEAR = 2016


@dataclass(frozen=True, slots=True)
class Place:
    """Where one field of a date stands in its value."""

    field: Field
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Moment:
    """One date in a value; a part that the value does not give is filled in from the middle of what it gives."""

    day: date
    places: tuple[Place, ...]

    @property
    def is_full(self) -> bool:
        """Whether day, month and year all stand there."""
        fields = {place.field for place in self.places}
        return "d" in fields and "y" in fields and bool(fields & {"m", "month"})

    @property
    def is_closed_set(self) -> bool:
        """Whether it is a year, a month or a weekday and no more: one of few values that everybody shares."""
        return len(self.places) == 1 and self.places[0].field in ("y", "month", "weekday")


@dataclass(frozen=True, slots=True)
class Reading:
    """How an incomplete or ambiguous date is to be read: `3/4` by `day_first`, `3 April` in `year`."""

    language: str
    day_first: bool
    year: int = _LEAP_YEAR


def read_dates(value: str, reading: Reading) -> tuple[Moment, ...] | None:
    """The dates in `value`, in order; None where there is none, or where a digit or a month belongs to none of them."""
    left, found = value, []
    for name, pattern in _patterns(reading.language).items():
        for match in list(pattern.finditer(left)):
            moment = _moment(name, match, reading)
            if moment is None and name != "time":
                continue
            left = left[: match.start()] + "\0" * (match.end() - match.start()) + left[match.end() :]
            if moment is not None:
                found.append(moment)
    if not found or any(c.isdigit() for c in left) or not _month_names().isdisjoint(normal(left).split()):
        return None
    return tuple(sorted(found, key=lambda moment: moment.places[0].start))


def write_dates(value: str, moments: tuple[Moment, ...], days: tuple[date, ...], language: str) -> str:
    """`value` with each of its `moments` replaced by the day at the same index of `days`."""
    words = lexicon(language)
    pieces, at = [], 0
    for moment, day in zip(moments, days, strict=True):
        padded = _padded(value, moment)
        for place in moment.places:
            pieces += [value[at : place.start], _field(place, value[place.start : place.end], day, padded, words)]
            at = place.end
    return "".join([*pieces, value[at:]])


def shows_order(value: str) -> bool | None:
    """Whether a numeric date in `value` can only be day first (True) or month first (False); None where it can be both.

    A note that shows it once has shown it for all its dates.
    """
    for match in _NUMERIC.finditer(value):
        first, second = int(match["a"]), int(match["b"])
        if first > 12 >= second >= 1:
            return True
        if second > 12 >= first >= 1:
            return False
    return None


def _padded(value: str, moment: Moment) -> bool:
    numbers = [value[p.start : p.end] for p in moment.places if p.field in ("d", "m")]
    if len(numbers) == 1:
        return numbers[0].startswith("0")
    return all(len(number) == 2 for number in numbers)


def _field(place: Place, text: str, day: date, padded: bool, words: Lexicon) -> str:
    if place.field == "y":
        return f"{day.year:04}" if len(text) == 4 else f"{day.year % 100:02}"
    if place.field in ("d", "m"):
        return f"{day.day if place.field == 'd' else day.month:0{2 if padded else 1}}"
    if place.field == "ordinal":
        return _ordinal(day.day, words.code)
    if place.field == "month":
        full = _folded(text) in {_folded(month) for month in words.months}
        short = words.short_months[day.month - 1]
        return _cased(text, words.months[day.month - 1] if full or not short else short[0])
    full_day = words.weekdays[day.weekday()]
    if _folded(text) in {_folded(name) for name in words.short_weekdays}:
        return _cased(text, next((short for short in words.short_weekdays if full_day.startswith(short)), full_day))
    return _cased(text, full_day)


def _cased(model: str, text: str) -> str:
    return in_case_of(model, text.capitalize() if model[0].isupper() else text)


def _ordinal(day: int, language: str) -> str:
    if language == "sv":
        return ":a" if day in (1, 2, 21, 22, 31) else ":e"
    if language == "es":
        return "º" if day == 1 else ""
    return {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}.get(day, "th")


def _moment(name: str, match: re.Match[str], reading: Reading) -> Moment | None:
    if name == "time":
        return None
    groups = {key: text for key, text in match.groupdict().items() if text is not None and key in _FIELDS}
    fields = dict(_FIELDS)
    if "a" in groups:
        fields["a"], fields["b"] = _settle(int(groups["a"]), int(groups["b"]), reading)
    day = _day({fields[key]: text for key, text in groups.items()}, reading)
    if day is None:
        return None
    places = (Place(fields[key], match.start(key), match.end(key)) for key in groups)
    return Moment(day, tuple(sorted(places, key=lambda place: place.start)))


_FIELDS: Mapping[str, Field] = {
    "a": "d", "b": "m", "d": "d", "m": "m", "y": "y", "y2": "y",
    "month": "month", "weekday": "weekday", "ordinal": "ordinal",
}  # fmt: skip


def _settle(first: int, second: int, reading: Reading) -> tuple[Field, Field]:
    day_first = reading.day_first if first <= 12 and second <= 12 else first > 12
    return ("d", "m") if day_first else ("m", "d")


def _day(fields: Mapping[Field, str], reading: Reading) -> date | None:
    words = lexicon(reading.language)
    if set(fields) == {"weekday"}:
        return date(2018, 1, 1 + _weekday_number(fields["weekday"], words))  # a Monday is the first
    year = int(fields.get("y", reading.year))
    if year < 100:
        year += 2000 if year < _CENTURY_TURNS else 1900
    month = int(fields["m"]) if "m" in fields else _month_number(fields.get("month"), words)
    if month is None:
        return date(year, 7, 1)
    for candidate in (year,) if "y" in fields else (year, _LEAP_YEAR):
        try:
            return date(candidate, month, int(fields.get("d", 15)))
        except ValueError:
            continue
    return None


def _weekday_number(name: str, words: Lexicon) -> int:
    folded = _folded(name)
    for table in (words.weekdays, words.short_weekdays):
        for index, word in enumerate(table):
            if _folded(word) == folded:
                # Spanish abbreviates Tuesday as it does March, so its short table lacks one; count by the full name.
                return index if table is words.weekdays else _weekday_of(word, words)
    raise ValueError("no weekday")


def _weekday_of(short: str, words: Lexicon) -> int:
    return next(index for index, full in enumerate(words.weekdays) if full.startswith(short))


def _month_number(name: str | None, words: Lexicon) -> int | None:
    if name is None:
        return None
    folded = _folded(name)
    for index, (full, short) in enumerate(zip(words.months, words.short_months, strict=True), 1):
        if folded in {_folded(full), *short}:
            return index
    return None


@lru_cache
def _month_names() -> frozenset[str]:
    return frozenset(_folded(month) for code in LANGUAGES for month in lexicon(code).months)


def _folded(word: str) -> str:
    return normal(word)


_A, _B = r"(?P<a>\d{1,2})", r"(?P<b>\d{1,2})"
_D, _M = r"(?P<d>0?[1-9]|[12]\d|3[01])", r"(?P<m>0?[1-9]|1[0-2])"
_Y, _Y2 = r"(?P<y>1[89]\d\d|2[01]\d\d)", r"(?P<y2>\d\d)"
_L, _R = r"(?<!\d)", r"(?!\d)"
_NUMERIC = re.compile(rf"{_L}{_A}(?P<s>\s?[-/.]\s?|\s){_B}(?P=s)(?:{_Y}|{_Y2}){_R}")


@lru_cache
def _patterns(language: str) -> dict[str, re.Pattern[str]]:
    """In the order in which they are tried: what is longer, or leaves less open, first."""
    words = lexicon(language)
    month = _either("month", [*words.months, *(short for shorts in words.short_months for short in shorts)])
    weekday = _either("weekday", [*words.weekdays, *words.short_weekdays])
    of = r"(?:\s*(?:de|of|den)\s+|\s*[-/.]\s*|\s*)"
    year = rf"(?:(?:\s*,?\s*(?:del|de|of)?\s*(?:año\s+)?|\s*[-/.,]\s*){_Y}|[-/'\u2019]{_Y2}){_R}"
    sources = {
        "time": r"(?:kl\.?\s*)\d{1,2}(?:[.:]\d{2})?(?!\d)|(?<!\d)\d{1,2}\s*(?:h|hrs?|horas|[ap]\.?m)\b\.?"
        r"|(?<!\d)\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:\s*[ap]\.?m\b\.?)?",
        "iso": rf"{_L}{_Y}(?P<s>[-/.]){_M}(?P=s){_D}{_R}",
        "numeric": _NUMERIC.pattern,
        "slash": rf"{_L}{_D}/{_M}\s?[-, ]\s?(?:{_Y}|{_Y2}){_R}",
        "compact": rf"{_L}{_Y}(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01]){_R}",
        "short": rf"{_L}{_Y2}(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01]){_R}" if language == "sv" else r"(?!)",
        "day month": rf"{_L}{_D}(?P<ordinal>st|nd|rd|th|º|ª|:[ae])?{of}{month}\.?(?:{year})?",
        "month day": rf"{month}\.?\s+{_D}(?P<ordinal>st|nd|rd|th)?{_R}(?:\s*,?\s*(?:of\s+)?{_Y}{_R})?"
        if language == "en"
        else r"(?!)",
        "month year": rf"{month}\.?{year}",
        "number year": rf"{_L}{_M}\s?[-/.]\s?{_Y}{_R}",
        "year number": rf"{_L}{_Y}[-/](?P<m>0[1-9]|1[0-2]){_R}",
        "day number": rf"{_L}{_A}[-/.]{_B}{_R}",
        "year": rf"{_L}{_Y}{_R}",
        "month": month,
        "weekday": weekday,
    }
    return {name: re.compile(source, re.IGNORECASE) for name, source in sources.items()}


def _either(group: str, words: list[str]) -> str:
    spellings = {spelling for word in words for spelling in (word, _folded(word))}
    inner = "|".join(re.escape(word) for word in sorted(spellings, key=lambda w: (-len(w), w)))
    return rf"(?<![^\W\d_])(?P<{group}>{inner})(?![^\W\d_])"


def full_days(value: str) -> Iterator[date]:
    """Every full date that `value` can be read as, in any language and either order; for looking values up."""
    seen = set()
    for language in LANGUAGES:
        for day_first in (True, False):
            for moment in read_dates(value, Reading(language, day_first)) or ():
                if moment.is_full and moment.day not in seen:
                    seen.add(moment.day)
                    yield moment.day
