"""The values of the private corpus, and whether a surrogate comes too near to one of them.

Held in memory: a few hundred bytes for each distinct value, however many notes they come from. Only values are kept
here, never texts, and they are looked at for one purpose, to turn a candidate down.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise

from deidrelease.labels import LabelMap
from deidrelease.notes import Note, Span
from deidrelease.surrogates.dates import full_days
from deidrelease.surrogates.nearness import Nearness
from deidrelease.surrogates.normal import in_any_order, normal, squeezed

_FEWEST_DIGITS = 5
_MOST_LETTERS = 4
_DIGITS_COMPARED = 9
_LONGEST_DATE = 40
_MOST_NAME_WORDS = 4
_EXEMPT = frozenset({"keep", "age", "sex"})


class Forbidden:
    """Distinct private values, indexed for the ways in which a surrogate may not meet them.

    Args:
        values: As they stand in the private notes.
        dates: Those of them that are dates; all of `values` by default.
    """

    def __init__(self, values: Iterable[str], dates: Iterable[str] | None = None) -> None:
        distinct = set(values)
        self._exact = {squeezed(value) for value in distinct} - {""}
        self._sorted = {in_any_order(value) for value in distinct}
        self._digits = {key for value in distinct if (key := digits_key(value))}
        self._mailboxes = {normal(value.partition("@")[0]) for value in distinct if "@" in value}
        self._near = Nearness(normal(value) for value in distinct)
        written = distinct if dates is None else set(dates)
        self._days = {day for value in written if _may_be_date(value) for day in full_days(value)}

    @classmethod
    def from_notes(cls, notes: Iterable[Note], label_map: LabelMap | None = None) -> "Forbidden":
        """The values of all spans of `notes`, read once.

        Args:
            notes: Private.
            label_map: Says which labels are names, so that a given name and surnames that stand apart in a note are
                also forbidden together, and which are dates.
        """
        values: set[str] = set()
        dates: set[str] = set()
        for note in notes:
            for span in note.spans:
                values.add(note.value(span))
                if label_map is None or _kind(label_map, span) == "date":
                    dates.add(note.value(span))
            if label_map is not None:
                values.update(_joined_names(note, label_map))
        return cls(values, dates)

    def __len__(self) -> int:
        """Distinct values, up to case, accents, spaces and punctuation."""
        return len(self._exact)

    def hit(self, value: str, kind: str) -> bool:
        """Whether `value` is, or nearly is, a private value of whatever label.

        Args:
            value: A candidate.
            kind: Decides how: dates count by their wording (and by `has_day`), numbers by their digits, all else also
                where at most one character in ten differs. What a map keeps is exempt.
        """
        if kind in _EXEMPT:
            return False
        key = squeezed(value)
        if key in self._exact:
            return True
        if kind == "date" or not key:
            return False
        if in_any_order(value) in self._sorted or digits_key(value) in self._digits:
            return True
        if kind == "phone":
            return False  # ranges reserved for fiction hold a hundred numbers, each one digit from the next
        if kind == "email" and normal(value.partition("@")[0]) in self._mailboxes:
            return True
        return self._near.hit(normal(value))

    def has_day(self, day: date) -> bool:
        """Whether a private date, however it was written, can be read as `day`."""
        return day in self._days


def digits_key(value: str) -> str:
    """What makes a number the same number: its last nine digits; empty where it has fewer than five, or is a text.

    The last nine, so that a country code or a century before it does not hide it.
    """
    digits = "".join(c for c in value if c.isdigit())
    letters = sum(c.isalpha() for c in value)
    return digits[-_DIGITS_COMPARED:] if len(digits) >= _FEWEST_DIGITS and letters <= _MOST_LETTERS else ""


def _may_be_date(value: str) -> bool:
    return len(value) <= _LONGEST_DATE and sum(c.isdigit() for c in value) >= _FEWEST_DIGITS - 1


def _kind(label_map: LabelMap, span: Span) -> str | None:
    return label_map[span.label].surrogate if span.label in label_map.labels else None


def _joined_names(note: Note, label_map: LabelMap) -> Iterator[str]:
    names = [span for span in note.spans if _kind(label_map, span) == "person"]
    yield from joined_names([(span.label, note.value(span)) for span in names])


def joined_names(mentions: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Neighbouring names of one label, written as one: `Ana` and `Ruiz Gil` of a form are `Ana Ruiz Gil`.

    Args:
        mentions: Label and value of each name of a note, in the order of the text.
    """
    for (label, value), (other_label, other) in pairwise(mentions):
        if label == other_label and len(value.split()) + len(other.split()) <= _MOST_NAME_WORDS:
            yield f"{value} {other}"
