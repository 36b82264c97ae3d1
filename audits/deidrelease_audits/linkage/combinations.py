"""Combinations of common values that only one private patient has: age band, date, place, institution and the like."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deidrelease.keys import SiteKey
from deidrelease_audits.linkage.held import Held
from deidrelease_audits.linkage.incidents import outermost
from deidrelease_audits.linkage.tally import HeldItems
from deidrelease_audits.ordered import distinct_placed
from deidrelease_audits.values import Haystack, find_values

LEAST_KINDS = 3
"""Kinds of items that a combination needs."""
AGE_BAND = 5
"""Years."""
_AGE = re.compile(r"(\d(?<!\d\d)\d{0,2})[\s\u00a0-]?(?:años|year|yr|yo\b|y/o|y\.o\.|år)", re.IGNORECASE)
_NUMBER = re.compile(r"(?<!\d)\d{1,3}(?!\d)")
_OLDEST = 120

Bands = frozenset[tuple[int, int]]
"""Index of a synthetic note and an age band, for every age written there."""


@dataclass(frozen=True, slots=True)
class Combination:
    """Items of a synthetic note that one private patient alone has together.

    Attributes:
        note: Index of the synthetic note.
        patient: Keyed number.
        items: Kind and text of each, sorted.
    """

    note: int
    patient: int
    items: tuple[tuple[str, str], ...]


def age_bands(texts: Sequence[str]) -> Bands:
    """The bands of all ages that the texts write with a word for years, in Spanish, English or Swedish."""
    found = ((note, int(match[1])) for note, text in enumerate(texts) for match in _AGE.finditer(text))
    return frozenset((note, age // AGE_BAND) for note, age in found if age <= _OLDEST)


def items_of(held: Held, found: bool, bands: frozenset[int]) -> Iterator[tuple[str, str]]:
    """Kind and text of the items that a value of a private note gives: itself, or the band of an age.

    Args:
        held: The value.
        found: Whether it stands in the release.
        bands: Age bands of the release.
    """
    value = held.value
    if value.identifies != "quasi" or value.whose == "provider":
        return
    if value.kind == "age":
        number = _NUMBER.search(value.key)
        if number is not None and int(number[0]) // AGE_BAND in bands:
            yield "age", str(int(number[0]) // AGE_BAND)
    elif found:
        yield value.kind, value.key


def item_number(key: SiteKey, kind: str, text: str) -> int:
    """The keyed number of an item."""
    return key.number("item", f"{kind}\0{text}")


def unique_combinations(haystack: Haystack, bands: Bands, held: HeldItems) -> list[Combination]:
    """For each synthetic note the patients who alone have together what they share with it.

    A patient has a unique combination in a note just where no other shares everything that the patient shares with
    it; so one look at what each shares, the largest combination there is, decides. Linear in the patients.
    """
    if not len(held.pairs):
        return []
    by_item = _patients_by_item(held)
    found = []
    for note, numbers in sorted(_present(haystack, bands, held).items()):
        items = sorted(numbers)
        kinds = [held.items[number][0] for number in items]
        for patient, has in _alone(items, kinds, by_item):
            mine = tuple(sorted(held.items[items[at]] for at in np.flatnonzero(has)))
            found.append(Combination(note, patient, mine))
    return found


def _patients_by_item(held: HeldItems) -> dict[int, NDArray[np.uint64]]:
    order = np.argsort(held.pairs[:, 1], kind="stable")
    numbers, starts = np.unique(held.pairs[order, 1], return_index=True)
    return dict(zip(numbers.tolist(), np.split(held.pairs[order, 0], starts[1:]), strict=True))


def _present(haystack: Haystack, bands: Bands, held: HeldItems) -> dict[int, set[int]]:
    """The items of each synthetic note; a town inside a hospital's name is no item of its own."""
    numbers = [number for number, (kind, _) in sorted(held.items.items()) if kind != "age"]
    places = find_values(haystack, [held.items[number][1] for number in numbers])
    by_note: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    rows = zip(places.values.tolist(), places.notes.tolist(), places.starts.tolist(), places.ends.tolist(), strict=True)
    for value, note, start, end in rows:
        by_note[note].append((numbers[value], start, end))
    present: dict[int, set[int]] = defaultdict(set)
    for note, stand in by_note.items():
        outer = outermost([(start, end) for _, start, end in stand])
        present[note] = {number for number, start, end in stand if (start, end) in outer}
    ages = {text: number for number, (kind, text) in held.items.items() if kind == "age"}
    for note, band in bands:
        if str(band) in ages:
            present[note].add(ages[str(band)])
    return present


def _alone(
    items: list[int], kinds: list[str], by_item: dict[int, NDArray[np.uint64]]
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Patients with enough kinds among `items`, and which, where no other patient has all of those; by number."""
    if len(set(kinds)) < LEAST_KINDS:
        return
    holders = [by_item[item] for item in items]
    patients, row = distinct_placed(np.concatenate(holders))
    has = np.zeros((len(patients), len(items)), np.bool_)
    has[row, np.repeat(np.arange(len(items)), [len(those) for those in holders])] = True
    by_kind = sorted(range(len(kinds)), key=kinds.__getitem__)
    starts = [at for at, item in enumerate(by_kind) if at == 0 or kinds[item] != kinds[by_kind[at - 1]]]
    enough = np.logical_or.reduceat(has[:, by_kind], starts, axis=1).sum(axis=1) >= LEAST_KINDS
    if not enough.any():
        return
    holders_of = defaultdict(list)
    for patient, held in zip(patients[enough].tolist(), has[enough], strict=True):
        holders_of[held.tobytes()].append(patient)
    rows = np.frombuffer(b"".join(holders_of), np.bool_).reshape(len(holders_of), -1)
    for held, those in zip(rows, holders_of.values(), strict=True):
        # Where all of these items stand in some other row too, somebody else has them together.
        if len(those) == 1 and rows[:, held].all(axis=1).sum() == 1:
            yield those[0], held
