"""One value written differently, as a generator or a careless mask would: still the same person's.

Each alteration takes a value and a generator and gives another spelling, or None where it can change nothing.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

import numpy as np

from deidrelease.surrogates.dates import full_days
from deidrelease.surrogates.normal import squeezed

Alteration = Callable[[str, np.random.Generator], str | None]
_MONTHS = [
    "enero", "febrero", "marzo", "abril", "mayo", "junio",
    "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
]  # fmt: skip


def edited(value: str, rng: np.random.Generator) -> str | None:
    """One letter or digit changed, left out, put in, or two neighbours swapped; a digit for a digit."""
    places = [index for index, character in enumerate(value) if character.isalnum()]
    for _ in range(20):
        at = places[int(rng.integers(len(places)))]
        new = _another(value[at], rng)
        changed = (
            value[:at] + new + value[at + 1 :],
            value[:at] + value[at + 1 :],
            value[:at] + new + value[at:],
            value[:at] + value[at : at + 2][::-1] + value[at + 2 :],
        )[int(rng.integers(4))]
        swaps_a_separator = len(changed) == len(value) and not value[at : at + 2].isalnum()
        if squeezed(changed) != squeezed(value) and not swaps_a_separator and changed == changed.strip():
            return changed
    return None


def recased(value: str, rng: np.random.Generator) -> str | None:
    """All in capitals, all in small letters, or each word with a capital."""
    return _one_of([value.upper(), value.lower(), value.title()], value, rng)


def unaccented(value: str, rng: np.random.Generator) -> str | None:  # noqa: ARG001  # all alterations are called alike
    """Without accents."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", value) if not unicodedata.combining(c))
    return plain if plain != unicodedata.normalize("NFKC", value) else None


def respaced(value: str, rng: np.random.Generator) -> str | None:
    """With the blanks, hyphens or dots between its parts left out or written as another of them."""
    between = re.compile(r"(?<=\w)[ .\-/]+(?=\w)")
    return _one_of([between.sub(sign, value) for sign in ("", "-", " ", ".")], value, rng)


def reordered(value: str, rng: np.random.Generator) -> str | None:
    """A name with its last words first, with or without a comma."""
    words = value.split()
    if len(words) < 2 or not all(word.isalpha() for word in words):
        return None
    cut = int(rng.integers(1, len(words)))
    comma = "," if rng.random() < 0.5 else ""
    return _one_of([f"{' '.join(words[cut:])}{comma} {' '.join(words[:cut])}"], value, rng)


def redated(value: str, rng: np.random.Generator) -> str | None:
    """A full date in another format."""
    days = list(full_days(value))
    if len(days) != 1:
        return None
    day: date = days[0]
    forms = [
        f"{day:%Y-%m-%d}", f"{day:%d-%m-%Y}", f"{day:%d.%m.%Y}", f"{day.day} de {_MONTHS[day.month - 1]} de {day.year}",
        f"{day.day}/{day.month}/{day.year}",
    ]  # fmt: skip
    return _one_of(forms, value, rng)


ALTERATIONS: Mapping[str, Alteration] = {
    "edit": edited,
    "case": recased,
    "accents": unaccented,
    "spacing": respaced,
    "order": reordered,
    "date-format": redated,
}


def _one_of(spellings: list[str], value: str, rng: np.random.Generator) -> str | None:
    others = sorted({spelling for spelling in spellings if " ".join(spelling.split()) != " ".join(value.split())})
    return others[int(rng.integers(len(others)))] if others else None


def _another(character: str, rng: np.random.Generator) -> str:
    alphabet = "0123456789" if character.isdigit() else "abcdefghijklmnopqrstuvwxyz"
    others = [c for c in alphabet if c != character.lower()]
    new = others[int(rng.integers(len(others)))]
    return new.upper() if character.isupper() else new
