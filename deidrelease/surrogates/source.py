"""Draws names, streets, trades and words from Faker's locale, and puts them into the patterns of the lexicon."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from deidrelease.surrogates.lexicon import GENDERS, Gender, Lexicon, lexicon
from deidrelease.surrogates.normal import normal

_SLOT = re.compile(r"\{(\w+)\}|#")
_COMPOUND_FROM = 12
"""From this attempt on, names are compounds: a large corpus may hold every single one."""


@dataclass(frozen=True, slots=True)
class Source:
    """One language and one stream of random numbers; every draw advances the stream."""

    words: Lexicon
    rng: random.Random

    def given(self, gender: Gender | None, attempt: int = 0) -> str:
        """A given name; two joined where single ones were turned down too often."""
        chosen: Gender = self.rng.choice(GENDERS) if gender is None else gender
        names = pools(self.words.locale).given(chosen)
        first = self.rng.choice(names)
        if attempt < _COMPOUND_FROM:
            return first
        second = self.rng.choice(names)
        return f"{first}-{second}" if self.words.code == "sv" else f"{first} {second}"

    def surname(self, attempt: int = 0) -> str:
        """A surname; a double one where single ones were turned down too often."""
        names = pools(self.words.locale).surnames
        first = self.rng.choice(names)
        return first if attempt < _COMPOUND_FROM else f"{first}-{self.rng.choice(names)}"

    def country(self) -> str:
        """A country in the language."""
        return self.rng.choice(_table("address", self.words.locale, "countries"))

    def profession(self, attempt: int = 0) -> str:
        """A trade; two of them where single ones were turned down too often."""
        trades = self.words.professions or _table("job", self.words.locale, "jobs")
        first = self.rng.choice(trades)
        if attempt < _COMPOUND_FROM:
            return first
        return f"{first} {sorted(self.words.conjunctions, key=len)[-1]} {self.rng.choice(trades).lower()}"

    def word(self) -> str:
        """A word that means nothing in particular."""
        return self.rng.choice(_table("lorem", self.words.locale, "word_list"))

    def street_prefix(self) -> str:
        """A way of calling a street, such as `Calle`."""
        return self.rng.choice(_table("address", self.words.locale, "street_prefixes"))

    def street_stem(self) -> str:
        """Faker's first half of a street name, where the language builds it that way (`Björk`)."""
        return self.street_prefix()

    def place(self, attempt: int = 0) -> str:
        """An invented place."""
        return self.filled(self.words.places, attempt)

    def company(self, attempt: int = 0) -> str:
        """An invented company."""
        suffix = self.rng.choice(_table("company", self.words.locale, "company_suffixes"))
        second = f" {self.surname(attempt)}" if attempt or self.rng.random() < 0.5 else ""
        return f"{self.surname(attempt)}{second} {suffix}"

    def digits(self, count: int) -> str:
        """As many random digits, the first not 0."""
        return "".join(str(self.rng.randint(0 if index else 1, 9)) for index in range(count))

    def filled(self, patterns: Sequence[str], attempt: int = 0) -> str:
        """One of `patterns` with names in its slots."""

        def fill(match: re.Match[str]) -> str:
            makers: Mapping[str | None, Any] = {
                "surname": lambda: self.surname(attempt),
                "given": lambda: self.given(None, attempt),
                "saint_f": lambda: self.given("f", attempt),
                "saint_m": lambda: self.given("m", attempt),
                "place": lambda: self.place(attempt),
                None: lambda: str(self.rng.randint(0, 9)),
            }
            return str(makers[match[1]]())

        return _SLOT.sub(fill, self.rng.choice(patterns))


@dataclass(frozen=True, slots=True)
class Pools:
    """The names of a locale, in Faker's order, and their normal forms for looking names up."""

    male: tuple[str, ...]
    female: tuple[str, ...]
    surnames: tuple[str, ...]
    known_male: frozenset[str]
    known_female: frozenset[str]
    known_surnames: frozenset[str]

    def given(self, gender: Gender) -> tuple[str, ...]:
        """The given names of a gender."""
        return self.female if gender == "f" else self.male

    def is_given(self, word: str) -> bool:
        """Whether `word`, in normal form, is a given name."""
        return word in self.known_male or word in self.known_female

    def is_surname(self, word: str) -> bool:
        """Whether `word`, in normal form, is a surname."""
        return word in self.known_surnames

    def gender(self, word: str) -> Gender | None:
        """The gender of a given name in normal form; None where both bear it, or nobody."""
        female, male = word in self.known_female, word in self.known_male
        return None if female == male else "f" if female else "m"


@lru_cache
def pools(locale: str) -> Pools:
    """The names of Faker's `locale`; those that no person bears alone (titles, several words) are left out."""
    person = _provider("person", locale)
    male, female, surnames = (
        tuple(sorted({name for name in getattr(person, table) if name.replace("-", "").isalpha()}))
        for table in ("first_names_male", "first_names_female", "last_names")
    )
    known = [frozenset(part for name in table for part in normal(name).split()) for table in (male, female, surnames)]
    return Pools(male, female, surnames, known[0], known[1], known[2])


@lru_cache
def _table(name: str, locale: str, attribute: str) -> tuple[str, ...]:
    """A table of a provider, each entry once, whether Faker keeps it with weights or without."""
    return tuple(sorted(set(getattr(_provider(name, locale), attribute))))


@lru_cache
def _provider(name: str, locale: str) -> Any:
    for candidate in (locale, "la", "en_US"):
        try:
            return import_module(f"faker.providers.{name}.{candidate}").Provider
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError(f"Faker has no provider {name} for {locale}")


def source(language: str, rng: random.Random) -> Source:
    """The source of `language` that draws from `rng`."""
    return Source(lexicon(language), rng)
