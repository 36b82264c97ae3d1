"""Ages: kept or put into decades, and never more precise than "90 or above" (45 CFR 164.514(b)(2)(i)(C))."""

import re
from typing import Literal

from deidrelease.surrogates.lexicon import Lexicon
from deidrelease.surrogates.normal import normal

Ages = Literal["keep", "bucket"]
_CAP = 90
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_CAPPED = f"{_CAP}+"


def new_age(value: str, words: Lexicon, ages: Ages) -> str:
    """`value` with ages of 90 and more as `90+`; with `bucket`, the others as their decade, such as `70-79`.

    A value without a number is a stage of life (`infant`, `adult`), which is as wide as a decade, and stays, unless
    its words say an age of 90 or more.
    """
    unit = _unit(value, words)
    if any(c.isdigit() for c in value):
        if unit == "short":
            return _short(value, words, ages)
        return _NUMBER.sub(lambda match: _number(match[0], ages), value)
    plain = f" {normal(value)}"
    if any(f" {stem}" in plain for stem in words.ninety):
        return _CAPPED
    if ages == "bucket":
        for stem, tens in words.tens.items():
            if f" {normal(stem)}" in plain:
                return f"{tens}-{tens + 9}"
    return value


def _unit(value: str, words: Lexicon) -> str:
    """`short` where the number counts months, weeks or days and no years."""
    found = set(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", value.casefold()))
    parts = found | {part for word in found for part in word.split("-")}
    return "short" if parts & set(words.other_units) and not parts & set(words.year_units) else "years"


def _number(text: str, ages: Ages) -> str:
    age = float(text.replace(",", "."))
    if age >= _CAP:
        return _CAPPED
    if ages == "keep":
        return text
    decade = int(age) // 10 * 10
    return f"{decade}-{decade + 9}"


def _short(value: str, words: Lexicon, ages: Ages) -> str:
    """Months, weeks and days: an infant's, unless there are so many that they make decades."""
    number = float(_NUMBER.findall(value)[0].replace(",", "."))
    unit = normal(value)
    years = number / (12 if re.search(r"\bm", unit) else 52 if re.search(r"\b[svw]", unit) else 366)
    if ages == "keep" and years < _CAP:
        return value
    return f"{_number(str(years), 'bucket')} {words.year_units[0]}"
