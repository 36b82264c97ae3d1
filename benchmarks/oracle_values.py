"""The audits that look for private values, again in plain Python: what `oracles.py` leaves out.

What a value is, whose it is and how a date is read are definitions of this project and are taken from it; the searches
are written anew: occurrences through the words with which they begin, other spellings by bisection in sorted lists.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from deidrelease.labels import LabelMap, load_label_map
from deidrelease.notes import Note
from deidrelease_audits.full_dates import days_of
from deidrelease_audits.linkage.held import held_values, may_link, one_value
from deidrelease_audits.linkage.tally import one_group
from deidrelease_audits.pii_replay.spellings import forms_of, may_be_edited
from deidrelease_audits.pii_replay.written_days import days_in
from deidrelease_audits.text.squeezing import squeeze
from deidrelease_audits.values import Value, canonical, values_of

Arms = Mapping[str, Sequence[Note]]
Place = tuple[int, int, int]
"""Number of the note, first character, behind the last."""
RARE, KEY_LENGTH = 3, 48
_RUN = re.compile(r"[^\W\d_]+|\d+")


class Occurrences:
    """Where values stand as whole words; white space counts as one blank."""

    def __init__(self, notes: Iterable[Note]) -> None:
        self.texts = [canonical(note.text) for note in notes]
        self.starts = defaultdict(list)
        for number, text in enumerate(self.texts):
            for match in _RUN.finditer(text):
                self.starts[match[0]].append((number, match.start()))

    def of(self, value: str) -> Iterator[Place]:
        """All places of `value`."""
        first = _RUN.search(value)
        for number, at in self.starts.get(first[0], ()) if first else ():
            start, text = at - first.start(), self.texts[number]
            if start >= 0 and text.startswith(value, start) and _whole(text, start, start + len(value)):
                yield number, start, start + len(value)


def _whole(text: str, start: int, end: int) -> bool:
    """Whether no word and no number goes on over either end."""
    return not _joined(text[start - 1 : start], text[start]) and not _joined(text[end - 1], text[end : end + 1])


def _joined(before: str, behind: str) -> bool:
    return (before.isdecimal() and behind.isdecimal()) or (before.isalpha() and behind.isalpha())


def linkage(arms: Arms) -> dict[str, float]:
    """`same_patient_pairs` and `notes_linking`."""
    label_map, text = load_label_map("meddocan"), Occurrences(arms["synthetic"])
    groups: dict[str, dict[str, set[str]]] = defaultdict(dict)
    for note in (*arms["train"], *arms["holdout"]):
        for held in held_values(note, label_map):
            groups[held.value.key].setdefault(note.patient_id, set()).update([held.group] if held.own else [])
    train = {note.patient_id for note in arms["train"]}
    seen: dict[tuple[int, str], dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for value, patients in groups.items():
        if len(patients) <= RARE:
            for number, start, end in text.of(value):
                for patient in (patient for patient, own in patients.items() if own and patient in train):
                    seen[number, patient][value].append((start, end))
    linked = [
        number
        for (number, patient), places in seen.items()
        if _links(places, {value: one_group(groups[value][patient]) for value in places})
    ]
    return {"same_patient_pairs": len(linked), "notes_linking": len(set(linked)) / len(arms["synthetic"])}


def _links(places: Mapping[str, list[tuple[int, int]]], group: Mapping[str, str]) -> bool:
    """Whether two different values that may link stand apart, neither only inside a longer one."""
    everywhere = {place for found in places.values() for place in found}
    outer = {
        value: [(a, b) for a, b in found if not any(c <= a and b <= d and (c, d) != (a, b) for c, d in everywhere)]
        for value, found in places.items()
    }
    return any(
        may_link(group[one], group[other])
        and not one_value(one, other)
        and any(b <= c or d <= a for a, b in outer[one] for c, d in outer[other])
        for one, other in combinations(sorted(value for value, found in outer.items() if found), 2)
    )


class Squeezed:
    """The letters and digits of all notes, and where words begin and end in them."""

    def __init__(self, notes: Iterable[Note]) -> None:
        pieces, begins, ends, size = [], [], set(), 0
        for note in notes:
            for match in _RUN.finditer(note.text):
                piece = squeeze(match[0])
                pieces.append(piece)
                begins.append(size)
                size += len(piece)
                ends.add(size)
            pieces.append("\0")
            size += 1
        self.text, self.ends = "".join(pieces), ends
        self.begins = set(begins)
        self.by_start = sorted((self.text[at : at + KEY_LENGTH], at) for at in begins)
        self.by_end = sorted((self.text[max(0, at - KEY_LENGTH) : at][::-1], at) for at in ends)

    def forms(self, form: str) -> Iterator[tuple[int, int]]:
        """Where `form` stands from the beginning of a word to the end of one."""
        for at in _beginning(self.by_start, form[:KEY_LENGTH]):
            if at + len(form) in self.ends and self.text.startswith(form, at):
                yield at, at + len(form)

    def edits(self, value: str) -> Iterator[tuple[int, int]]:
        """Where a spelling one edit away stands: either half is untouched."""
        from rapidfuzz.distance import OSA

        half, n = len(value) // 2, len(value)
        windows = {(at, at + n + d) for at in _beginning(self.by_start, value[:half]) for d in (-1, 0, 1)}
        windows |= {(at - n - d, at) for at in _beginning(self.by_end, value[half + 1 :][::-1]) for d in (-1, 0, 1)}
        for start, end in windows:
            if start in self.begins and end in self.ends:
                window = self.text[start:end]
                if OSA.distance(value, window, score_cutoff=1) == 1 and "\0" not in window:
                    yield start, end


def _beginning(entries: Sequence[tuple[str, int]], prefix: str) -> Iterator[int]:
    at = bisect_left(entries, (prefix,))
    while at < len(entries) and entries[at][0].startswith(prefix):
        yield entries[at][1]
        at += 1


def pii_replay(arms: Arms) -> dict[str, float]:
    """`unique_identifiers` and `fuzzy_excess`; which fuzzy ways count needs a null, which is left out here."""
    synthetic = arms["synthetic"]
    exact, squeezed = Occurrences(synthetic), Squeezed(synthetic)
    days = {day for note in synthetic for day, _, _ in days_in(note.text)}
    holders = _held(arms, load_label_map("meddocan"))
    there = {name for name, held in holders.items() if any(any(exact.of(value.key)) for value in held.values)}
    kinds = {name: _kinds(squeezed, days, held.values) for name, held in holders.items() if name not in there}
    mine = {name: held for name, held in holders.items() if len(held.train) + len(held.holdout) == 1 and held.own}
    train, holdout = (len({note.patient_id for note in arms[arm]}) for arm in ("train", "holdout"))
    fuzzy = [held for name, held in mine.items() if name not in there and kinds[name]]
    return {
        "unique_identifiers": sum(bool(held.train) for name, held in mine.items() if name in there),
        "fuzzy_excess": sum(1 if held.train else -train / holdout for held in fuzzy),
    }


def _kinds(text: Squeezed, days: set[int], values: Iterable[Value]) -> set[str]:
    """In which other spellings any of `values` is found."""
    kinds = set()
    for value in values:
        if _own(value):
            kinds |= {kind for kind, form in forms_of(value.key, value.kind) if any(text.forms(form))}
            squeezed = squeeze(value.key)
            if may_be_edited(squeezed) and any(text.edits(squeezed)):
                kinds.add("edit")
        if value.kind == "date" and not days.isdisjoint(days_of(value.key)):
            kinds.add("date-format")
    return kinds


def _own(value: Value) -> bool:
    return value.identifies == "direct" and value.whose not in ("provider", "institution")


@dataclass(slots=True)
class Holding:
    """One value, however it is written.

    Attributes:
        values: Its spellings, with what their labels mean.
        train: Patients who hold it.
        holdout: Alike.
    """

    values: set[Value] = field(default_factory=set)
    train: set[str] = field(default_factory=set)
    holdout: set[str] = field(default_factory=set)

    @property
    def own(self) -> bool:
        """Whether it can be a patient's own."""
        return any(map(_own, self.values))

    @property
    def label(self) -> str:
        """The first of those by which it can, or of all."""
        return min([value.label for value in self.values if _own(value)] or [value.label for value in self.values])


def _held(arms: Arms, label_map: LabelMap) -> dict[str, Holding]:
    """By squeezed value who holds it."""
    holders: dict[str, Holding] = defaultdict(Holding)
    for arm in ("train", "holdout"):
        for note in arms[arm]:
            for value in {value for value, _ in values_of(note, label_map)}:
                holding = holders[squeeze(value.key) or value.key]
                holding.values.add(value)
                getattr(holding, arm).add(note.patient_id)
    return holders
