"""What a private note holds that could link a synthetic note to its patient, and whose each value is.

A label map often cannot say whose a street or an e-mail address is: the patient's and the clinician's carry one label.
An e-mail address that spells the clinician's name is the clinician's, and links only with what stands apart from any
clinician. For the rest only the *side* is noted, from the
last name or number of a known owner before it: such a value still counts as the patient's, and the null knows that what
stands beside a clinician recurs in the notes of other patients.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from deidrelease.labels import LabelMap
from deidrelease.notes import Note, Span
from deidrelease.surrogates.normal import ascii_letters, normal, squeezed
from deidrelease_audits.full_dates import days_of
from deidrelease_audits.values import NoteValues, Value, values_of

BESIDE_PROVIDER = " beside a provider"
"""Behind the label of a value of unknown owner that follows a provider or an institution."""
OF_PROVIDER = " of a provider"
"""Behind the label of an e-mail address that spells a provider's name."""
_LEAST_NAME = 3
"""Letters that a name needs before its standing in an e-mail address says whose that is."""
_OTHERS = frozenset({"provider", "institution"})
_LONGEST_DATE = 60
_LEAST_DIGITS = 4
"""Digits that a number needs before it can be strong evidence."""


@dataclass(frozen=True, slots=True)
class Held:
    """A value of a private note.

    Attributes:
        value: With what its label means.
        group: Its label, and its side: values of one group are as alike as the annotation tells.
        own: Whether it may link: the label map does not say that it is a provider's or an institution's.
        strong: Whether two such may be decisive: own, direct or a full date, and written as its kind is. A word that
            the annotation calls a number, or a town, is a hint and no proof.
        told: What it says: a full date as year, month and day, anything else as it is written.
        span: Where it stands.
    """

    value: Value
    group: str
    own: bool
    strong: bool
    told: str
    span: Span


def held_values(note: Note, label_map: LabelMap) -> list[Held]:
    """The values of `note` that identify, alone or together, in the order of its spans.

    Raises:
        CorpusError: `label_map` does not know a label of the note.
    """
    return held_of(values_of(note, label_map))


def held_of(values: NoteValues) -> list[Held]:
    """The same of a note's values."""
    providers, patients = _names(values, "provider"), _names(values, "patient")
    held, beside = [], False
    for value, span in values:
        if value.whose == "institution" or (value.identifies == "direct" and value.whose != "unknown"):
            beside = value.whose in _OTHERS
        side = ""
        if value.whose == "unknown":
            side = OF_PROVIDER if _spells_provider(value, providers, patients) else BESIDE_PROVIDER * beside
        own = value.whose not in _OTHERS
        if value.identifies != "alone-not":
            days = _days(value.key) if value.kind == "date" else ()
            strong, told = own and _is_strong(value, days), _told(value, days)
            held.append(Held(value, value.label + side, own, strong, told, span))
    return held


@lru_cache(maxsize=4096)
def is_beside(group: str) -> bool:
    """Whether the values of `group` stand beside a provider, or are one's."""
    return group.endswith((BESIDE_PROVIDER, OF_PROVIDER))


def may_link(first: str, second: str) -> bool:
    """Whether values of two groups make a pair: a provider's address and what stands beside it say nothing new."""
    return not (is_beside(first) and is_beside(second) and (OF_PROVIDER in first or OF_PROVIDER in second))


def one_value(first: str, second: str) -> bool:
    """Whether two values are one: spellings of each other, one's words among the other's, or the same full date."""
    if squeezed(first) == squeezed(second):
        return True
    words, others = set(normal(first).split()), set(normal(second).split())
    if words <= others or others <= words:
        return True
    return _has_digit(first) and _has_digit(second) and not set(_days(first)).isdisjoint(_days(second))


def _names(values: NoteValues, whose: str) -> set[str]:
    words: Iterator[str] = (w for v, _ in values if v.whose == whose and v.kind == "person" for w in v.key.split())
    return {name for name in map(_letters, words) if len(name) >= _LEAST_NAME}


@lru_cache(maxsize=16384)
def _letters(word: str) -> str:
    return ascii_letters(word)


def _spells_provider(value: Value, providers: set[str], patients: set[str]) -> bool:
    if value.kind != "email" or value.whose != "unknown":
        return False
    address = ascii_letters(value.key.partition("@")[0])
    # Where both share a name the address stays the patient's: a leak must not hide behind a namesake.
    return any(name in address for name in providers) and not any(name in address for name in patients)


def _is_strong(value: Value, days: tuple[int, ...]) -> bool:
    if value.kind == "date":
        return bool(days)
    if value.kind in ("id", "phone", "ip"):
        return sum(map(str.isdigit, value.key)) >= _LEAST_DIGITS
    return value.identifies == "direct"


def _told(value: Value, days: tuple[int, ...]) -> str:
    return date.fromordinal(min(days)).isoformat() if days else value.key


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _days(value: str) -> tuple[int, ...]:
    return days_of(value) if len(value) <= _LONGEST_DATE else ()
