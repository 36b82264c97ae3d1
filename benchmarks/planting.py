"""Leaks planted in releases that are otherwise clean: what the power of the audits is measured with.

A corpus of real notes is split at random into train, hold-out and a "release", which is clean because it was written
about other patients. Then something of train is planted in the release. All functions are pure: the same parts and the
same generator give the same planting, and the parts stay as they are.

    parts = split(notes, 120, seed)
    planting = plant_identifiers(parts, label_map, np.random.default_rng(seed))
    planting.notes      # the release with the leaks
    planting.planted    # what was planted, and where
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from altering import ALTERATIONS
from drawing import Owned, Split, owned_values
from placing import blank_before, inserted, replaced, sentence_border, with_sentence

from deidrelease.labels import LabelMap
from deidrelease.notes import Note
from deidrelease.surrogates.normal import normal
from deidrelease_audits.values import Value

FEWEST, MOST = 5, 9
"""How many values or pairs a planting holds, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One thing planted.

    Attributes:
        kind: `exact`, the name of an alteration, `pair`, `half`, `span` or `whole`.
        patient: Of train, whose it is.
        private_note: Where it was taken from.
        label: Of the value; empty for a passage.
        value: As it stands in the private note.
        synthetic_note: Where it was put.
        text: As it was put there.
        start: First code point there.
        end: Behind the last one.
    """

    kind: str
    patient: str
    private_note: str
    label: str
    value: str
    synthetic_note: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Planting:
    """A release with leaks, and the list of them."""

    notes: tuple[Note, ...]
    planted: tuple[Planted, ...]


def plant_identifiers(
    parts: Split,
    label_map: LabelMap,
    rng: np.random.Generator,
    many: int | None = None,
    draw: Literal["labels", "values"] = "labels",
    labels: Sequence[str] = (),
) -> Planting:
    """Plants unique direct identifiers of train patients as they stand, each in a note of its own.

    Args:
        parts: The arms and the clean release.
        label_map: Which labels are direct, and whose they are.
        rng: Of all that is drawn.
        many: How many; drawn from `FEWEST` to `MOST` where None.
        draw: `labels` takes the labels in turn and draws a value of each; `values` draws among all values alike.
        labels: Plant only these; all direct labels of patients where empty.
    """
    owned = [one for one in owned_values(parts, label_map) if not labels or one.value.label in labels]
    chosen = _drawn(owned, many or _how_many(rng), rng, draw)
    return _planted(parts.synthetic, [("exact", one, one.text) for one in chosen], rng)


def plant_altered(
    parts: Split,
    label_map: LabelMap,
    rng: np.random.Generator,
    many: int | None = None,
    draw: Literal["labels", "values"] = "labels",
    kinds: Sequence[str] = tuple(ALTERATIONS),
    labels: Sequence[str] = (),
) -> Planting:
    """Plants altered values; the kinds of alteration are taken in turn, each on a value that it can alter.

    Args:
        parts: The arms and the clean release.
        label_map: Which labels are direct, and whose they are.
        rng: Of all that is drawn.
        many: How many; drawn from `FEWEST` to `MOST` where None.
        draw: `labels` gives each kind the label that had the fewest turns; `values` draws among all values alike.
        kinds: Names of `ALTERATIONS`.
        labels: Plant only these; all direct labels of patients, and full dates, where empty.
    """
    owned = owned_values(parts, label_map, dates="date-format" in kinds)
    owned = [one for one in owned if not labels or one.value.label in labels]
    chosen: list[tuple[str, Owned, str]] = []
    order = [kinds[index] for index in rng.permutation(len(kinds))]
    turns: Counter[str] = Counter()
    for turn in range(many or _how_many(rng)):
        kind = order[turn % len(order)]
        candidates = [one for one in owned if _suits(kind, one.value)]
        candidates = [candidates[index] for index in rng.permutation(len(candidates))]
        if draw == "labels":
            labels = sorted({one.value.label for one in candidates})
            places = {
                label: place for place, label in enumerate(labels[index] for index in rng.permutation(len(labels)))
            }
            candidates.sort(key=lambda one: (turns[one.value.label], places[one.value.label]))
        one, text = _first_altered(kind, candidates, {one.value.key for _, one, _ in chosen}, rng)
        if one is not None:
            chosen.append((kind, one, text))
            turns[one.value.label] += 1
    return _planted(parts.synthetic, chosen, rng)


def plant_pairs(parts: Split, label_map: LabelMap, rng: np.random.Generator, many: int | None = None) -> Planting:
    """Plants two values of one train patient in one note, in different sentences; another patient for each pair.

    The values are the patient's own direct ones and full dates; each is his alone.
    """
    of_patient: dict[str, list[Owned]] = defaultdict(list)
    for one in owned_values(parts, label_map, dates=True):
        of_patient[one.note.patient_id].append(one)
    notes, planted = list(parts.synthetic), []
    patients = [patient for patient in sorted(of_patient) if len(of_patient[patient]) > 1]
    many = many or _how_many(rng)
    targets = iter(rng.permutation(len(notes)))
    for patient in (patients[index] for index in rng.permutation(len(patients))):
        if len(planted) == 2 * many:
            break
        if pair := _pair(of_patient[patient], rng):
            at = int(next(targets))
            notes[at], found = _two_sentences(notes[at], pair, rng)
            planted += found
    return Planting(tuple(notes), tuple(planted))


def plant_half_copies(parts: Split, rng: np.random.Generator, many: int = 2) -> Planting:
    """Pastes the first half of a train note, up to a blank, into a synthetic note; `many` notes of each side."""
    return _passages(parts, rng, many, "half", lambda text: (0, blank_before(text, len(text) // 2)))


def plant_spans(parts: Split, rng: np.random.Generator, tokens: int, many: int = 1) -> Planting:
    """Pastes `tokens` words that follow one another in a train note, none of them split, into a synthetic note."""

    def passage(text: str) -> tuple[int, int]:
        words = list(re.finditer(r"\S+", text))
        first = int(rng.integers(0, max(1, len(words) - tokens + 1)))
        return words[first].start(), words[min(first + tokens, len(words)) - 1].end()

    return _passages(parts, rng, many, "span", passage)


def plant_verbatim(parts: Split, rng: np.random.Generator, many: int = 1) -> Planting:
    """Puts train notes, whole and with their spans, in the place of synthetic ones, which keep their ids."""
    notes, planted = list(parts.synthetic), []
    sources = rng.choice(len(parts.train), many, replace=False)
    for at, source in zip(rng.choice(len(notes), many, replace=False), sources, strict=True):
        private = parts.train[source]
        notes[at] = replace(notes[at], text=private.text, spans=private.spans)
        text = private.text
        planted.append(_record("whole", private, "", text, notes[at].note_id, text, 0))
    return Planting(tuple(notes), tuple(planted))


def _how_many(rng: np.random.Generator) -> int:
    return int(rng.integers(FEWEST, MOST + 1))


def _drawn(owned: Sequence[Owned], many: int, rng: np.random.Generator, draw: str) -> list[Owned]:
    shuffled = [owned[index] for index in rng.permutation(len(owned))]
    if draw == "values":
        return shuffled[:many]
    of_label: dict[str, list[Owned]] = defaultdict(list)
    for one in shuffled:
        of_label[one.value.label].append(one)
    columns, chosen = list(of_label.values()), []
    while columns and len(chosen) < many:
        chosen += [column.pop() for column in columns]
        columns = [column for column in columns if column]
    return chosen[:many]


def _first_altered(
    kind: str, candidates: Sequence[Owned], taken: set[str], rng: np.random.Generator
) -> tuple[Owned | None, str]:
    for one in candidates:
        if one.value.key not in taken and (text := ALTERATIONS[kind](one.text, rng)):
            return one, text
    return None, ""


def _suits(kind: str, value: Value) -> bool:
    """Names are turned round, dates rewritten; the other alterations are not for dates."""
    if kind == "date-format":
        return value.kind == "date"
    return value.kind != "date" and (kind != "order" or value.kind == "person")


def _pair(owned: Sequence[Owned], rng: np.random.Generator) -> list[Owned]:
    """Two of the values of which none holds the other, nor a word of it."""
    first, *others = [owned[index] for index in rng.permutation(len(owned))]
    words = set(normal(first.text).split())
    return next(([first, other] for other in others if words.isdisjoint(normal(other.text).split())), [])


def _planted(notes: Sequence[Note], chosen: Sequence[tuple[str, Owned, str]], rng: np.random.Generator) -> Planting:
    """Each text in a note of its own: in the place of a span of its label, or in a sentence, as a coin decides."""
    changed, planted = list(notes), []
    for (kind, one, text), at in zip(chosen, rng.permutation(len(changed))[: len(chosen)], strict=True):
        same = [span for span in changed[at].spans if span.label == one.value.label]
        if same and rng.random() < 0.5:
            span = same[int(rng.integers(len(same)))]
            changed[at], start = replaced(changed[at], span, text), span.start
        else:
            changed[at], start = with_sentence(changed[at], one.value.label, text, rng)
        planted.append(_record(kind, one.note, one.value.label, one.text, changed[at].note_id, text, start))
    return Planting(tuple(changed), tuple(planted))


def _two_sentences(note: Note, pair: Sequence[Owned], rng: np.random.Generator) -> tuple[Note, list[Planted]]:
    """The second goes in behind the first, so that the first stays where it was put."""
    planted, after = [], 0
    for one in pair:
        note, start = with_sentence(note, one.value.label, one.text, rng, after)
        after = start + len(one.text)
        planted.append(_record("pair", one.note, one.value.label, one.text, note.note_id, one.text, start))
    return note, planted


def _passages(
    parts: Split, rng: np.random.Generator, many: int, kind: str, passage: Callable[[str], tuple[int, int]]
) -> Planting:
    notes, planted = list(parts.synthetic), []
    sources = rng.choice(len(parts.train), many, replace=False)
    for at, source in zip(rng.choice(len(notes), many, replace=False), sources, strict=True):
        private = parts.train[source]
        start, end = passage(private.text)
        text = private.text[start:end]
        place = sentence_border(notes[at], rng)
        notes[at] = inserted(notes[at], place, f"\n{text}\n")
        planted.append(_record(kind, private, "", text, notes[at].note_id, text, place + 1))
    return Planting(tuple(notes), tuple(planted))


def _record(kind: str, private: Note, label: str, value: str, synthetic: str, text: str, start: int) -> Planted:
    end = start + len(text)
    return Planted(kind, private.patient_id, private.note_id, label, value, synthetic, text, start, end)
