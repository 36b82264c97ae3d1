"""Draws patients into train, hold-out and release, and says which values are one patient's alone."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from deidrelease.formats import PatientSource, ReadOptions, open_corpus
from deidrelease.labels import LabelMap
from deidrelease.notes import Note, Span
from deidrelease.surrogates.dates import full_days
from deidrelease.surrogates.normal import squeezed
from deidrelease_audits.text.squeezing import SqueezedText
from deidrelease_audits.values import Value, values_of

LEAST_CHARACTERS = 8
LEAST_DIGITS = 6
"""What is shorter than both is planted by nobody: it stands in clean releases as well."""
_SAME = {"S0210-48062006000100016-1": "S0004-06142005000500011-1"}
"""One person under two ids: equal insurance and record numbers. Drawn apart they would be a true match, not chance."""


@dataclass(frozen=True, slots=True)
class Split:
    """Three sets of patients that share none; all notes of a patient are in one of them."""

    train: tuple[Note, ...]
    holdout: tuple[Note, ...]
    synthetic: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Owned:
    """A value that one train patient holds and no one else, with a mention of it."""

    value: Value
    note: Note
    span: Span

    @property
    def text(self) -> str:
        """As it stands in the note."""
        return self.note.value(self.span)


@cache
def meddocan(corpora: Path) -> tuple[Note, ...]:
    """Its train and dev notes, each a patient of its own but for one person who has two."""
    # One note of dev holds a control character.
    options = ReadOptions(PatientSource.parse("note"), mend=True)
    parts = [open_corpus(corpora / "meddocan" / part, "brat", options) for part in ("train", "dev")]
    return tuple(_one_person(note) for part in parts for note in part)


def _one_person(note: Note) -> Note:
    return replace(note, patient_id=_SAME.get(note.patient_id, note.patient_id))


def split(notes: Sequence[Note], n: int, seed: int) -> Split:
    """Draws `n` patients each for train, hold-out and release.

    Raises:
        ValueError: There are fewer than `3 * n` patients.
    """
    of_patient: dict[str, list[Note]] = defaultdict(list)
    for note in notes:
        of_patient[note.patient_id].append(note)
    if len(of_patient) < 3 * n:
        raise ValueError(f"3 x {n} patients cannot be drawn from {len(of_patient)}")
    order = np.random.default_rng(seed).permutation(sorted(of_patient))[: 3 * n]
    arms = (tuple(note for patient in arm for note in of_patient[patient]) for arm in order.reshape(3, n))
    return Split(*arms)


def owned_values(parts: Split, label_map: LabelMap, *, dates: bool = False) -> list[Owned]:
    """Every strong direct value of a patient that one train patient holds, and neither hold-out nor release has.

    Case, accents and separators make no other value.

    Strong: at least `LEAST_CHARACTERS` letters and digits, or `LEAST_DIGITS` digits. One mention of each value.

    Args:
        parts: Where to look.
        label_map: Which labels are direct, and whose they are.
        dates: Full dates of patients as well.
    """
    mentions: dict[str, Owned] = {}
    holders: dict[str, set[str]] = defaultdict(set)
    for note in (*parts.train, *parts.holdout):
        for value, span in values_of(note, label_map):
            holders[squeezed(value.key)].add(note.patient_id)
            wanted = value.identifies == "direct" and is_strong(value.key, value.kind)
            wanted |= dates and value.kind == "date" and any(full_days(value.key))
            if wanted and value.whose == "patient":
                mentions.setdefault(value.key, Owned(value, note, span))
    train = {note.patient_id for note in parts.train}
    unique = [key for key in sorted(mentions) if len(holders[squeezed(key)]) == 1 and holders[squeezed(key)] <= train]
    there = SqueezedText.of([note.text for note in parts.synthetic]).text
    return [mentions[key] for key in unique if squeezed(key) not in there]


def is_strong(value: str, kind: str) -> bool:
    """Whether a value is long enough to be planted; one of a number's kind needs the digits."""
    digits = sum(c.isdigit() for c in value) >= LEAST_DIGITS
    return digits or (kind != "id" and len(squeezed(value)) >= LEAST_CHARACTERS)
