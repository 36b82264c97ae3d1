"""What a language must supply before surrogates can be made in it: words and patterns, no code.

Names of people, streets, countries and trades come from Faker's locales; what stands here is what Faker does not
know: titles, months, kinship, how a hospital is called, which words give a language away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Gender = Literal["f", "m"]
GENDERS: tuple[Gender, ...] = ("f", "m")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language. Words are lower case and, but for months and weekdays, written as `normal` leaves them.

    In patterns, `{surname}`, `{given}`, `{saint_f}`, `{saint_m}` and `{place}` are names, `#` is a digit.

    Attributes:
        code: `es`, `sv` or `en`.
        locale: Faker's.
        function_words: Frequent little words that the other two languages lack.
        months: January to December.
        short_months: Abbreviations of each, without a dot.
        weekdays: Monday to Sunday.
        short_weekdays: Abbreviations of each, without a dot.
        day_first: Whether `3/4` is the third of April, where a note does not show it.
        plain_date: How a fresh date is written where the value could not be read as one; `d dd mm y month`.
        titles: Words before a name, with the gender that they show.
        given_titles: Those of them that stand before a given name.
        particles: Words inside names, such as `de`.
        conjunctions: Words between names, such as `y`.
        kin: Words of kinship.
        given_cues: Words before a field that holds given names.
        surname_cues: Words before a field that holds surnames.
        sexes: Values that say someone's sex.
        street_prefixes: Words that begin a street name.
        street_suffixes: Endings, or last words, of a street name.
        street_tails: Words that may stand behind the house number.
        number_first: Whether the house number stands before the street.
        places: Patterns of place names.
        institutions: Words that tell a sort of institution, with patterns of names for it; the first that fits counts.
        hospitals: Patterns for a hospital of no visible sort.
        professions: Own list, where Faker has none in the language.
        year_units: Words for years of age.
        other_units: Words for months, weeks, days and hours of age.
        tens: Beginnings of the words for 20 to 80, with their value.
        ninety: Beginnings of words for ages of 90 and more.
    """

    code: str
    locale: str
    function_words: frozenset[str]
    months: tuple[str, ...]
    short_months: tuple[tuple[str, ...], ...]
    weekdays: tuple[str, ...]
    short_weekdays: tuple[str, ...]
    day_first: bool
    plain_date: str
    titles: Mapping[str, Gender | None]
    given_titles: frozenset[str]
    particles: frozenset[str]
    conjunctions: frozenset[str]
    kin: frozenset[str]
    given_cues: tuple[str, ...]
    surname_cues: tuple[str, ...]
    sexes: Mapping[str, Gender]
    street_prefixes: tuple[str, ...]
    street_suffixes: tuple[str, ...]
    street_tails: frozenset[str]
    number_first: bool
    places: tuple[str, ...]
    institutions: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    hospitals: tuple[str, ...]
    professions: tuple[str, ...]
    year_units: tuple[str, ...]
    other_units: tuple[str, ...]
    tens: Mapping[str, int]
    ninety: tuple[str, ...]


def several(words: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(words.split())


LANGUAGES = ("es", "sv", "en")


@lru_cache
def lexicon(language: str) -> Lexicon:
    """The words of `language`, one of `LANGUAGES`."""
    from deidrelease.surrogates.words_en import ENGLISH
    from deidrelease.surrogates.words_es import SPANISH
    from deidrelease.surrogates.words_sv import SWEDISH

    return {"es": SPANISH, "sv": SWEDISH, "en": ENGLISH}[language]
