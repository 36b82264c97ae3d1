"""Full dates in running text in any format: `03/04/2015`, `2015-04-03` and `3 de abril de 2015` are one day."""

import re
from collections.abc import Iterator
from functools import lru_cache

from deidrelease.surrogates.dates import full_days

_NUMERIC = r"\d{1,4}(?P<s>\s?[-/.]\s?|\s)\d{1,2}(?P=s)\d{2,4}"
_MONTH = r"[^\W\d_]{3,12}\.?"
_DAY_FIRST = rf"\d{{1,2}}(?:st|nd|rd|th|º|ª|:[ae])?(?:\s*(?:de|of|den)\s+|\s*[-/.]\s*|\s*){_MONTH}"
_YEAR = r"(?:\s*,?\s*(?:del|de|of)?\s*(?:año\s+)?|\s*[-/.,]\s*)\d{4}"
_WINDOW = re.compile(
    rf"(?<!\d)(?:{_NUMERIC}|{_DAY_FIRST}{_YEAR}|\d{{8}})(?!\d)"
    rf"|(?<![^\W\d_]){_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:\s*,\s*|\s+)\d{{4}}(?!\d)",
    re.IGNORECASE,
)


def days_in(text: str) -> Iterator[tuple[int, int, int]]:
    """Every full date as proleptic ordinal (`date.toordinal`), start and end; an ambiguous one under both readings."""
    for match in _WINDOW.finditer(text):
        for day in days_of(" ".join(match[0].split())):
            yield day, match.start(), match.end()


@lru_cache(maxsize=65536)
def days_of(value: str) -> tuple[int, ...]:
    """The full dates that a value can be read as, as ordinals; none where anything in it is left unread."""
    return tuple(day.toordinal() for day in full_days(value))
