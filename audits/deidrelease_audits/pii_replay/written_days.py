"""Full dates in running text in any format: `03/04/2015`, `2015-04-03` and `3 de abril de 2015` are one day.

Nearly all of a text is no date, so what counts is how fast a pattern gives up: these begin with a class of characters,
which is searched for many times as fast as one that first looks around, and a month in front of a day is looked for
from the day on backwards.
"""

import re
from collections.abc import Iterator

from deidrelease_audits.full_dates import days_of

_MONTH = r"[^\W\d_]{3,12}\.?"
_NUMERIC = r"\d{0,3}(?P<s>\s?[-/.]\s?|\s)\d{1,2}(?P=s)\d{2,4}"
_DAY_FIRST = rf"\d?(?i:st|nd|rd|th|º|ª|:[ae])?(?:\s*(?i:de|of|den)\s+|\s*[-/.]\s*|\s*){_MONTH}"
_YEAR = r"(?:\s*,?\s*(?i:del|de|of)?\s*(?i:año\s+)?|\s*[-/.,]\s*)\d{4}"
_NUMBER_FIRST = re.compile(rf"\d(?<!\d\d)(?:{_NUMERIC}|{_DAY_FIRST}{_YEAR}|\d{{7}})(?!\d)")
_DAY_AND_YEAR = re.compile(r"\s\d{1,2}(?i:st|nd|rd|th)?(?:\s*,\s*|\s+)\d{4}(?!\d)")
_MONTH_REVERSED = re.compile(r"\s*\.?[^\W\d_]{3,12}(?![^\W\d_])")


def days_in(text: str) -> Iterator[tuple[int, int, int]]:
    """Every full date as proleptic ordinal (`date.toordinal`), start and end; an ambiguous one under both readings."""
    for start, end in _windows(text):
        for day in days_of(" ".join(text[start:end].split())):
            yield day, start, end


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """What has the shape of a date, from left to right; where two overlap, the one that begins first."""
    behind, match = 0, _NUMBER_FIRST.search(text)
    for start, end in (*_month_first(text), (len(text), 0)):
        while match and match.start() < start:
            yield match.span()
            behind = match.end()
            match = _NUMBER_FIRST.search(text, behind)
        if behind <= start < len(text):
            yield start, end
            behind = end
            if match and match.start() < behind:
                match = _NUMBER_FIRST.search(text, behind)


def _month_first(text: str) -> Iterator[tuple[int, int]]:
    backwards = ""
    for tail in _DAY_AND_YEAR.finditer(text):
        backwards = backwards or text[::-1]
        if month := _MONTH_REVERSED.match(backwards, len(text) - tail.start()):
            yield len(text) - month.end(), tail.end()
