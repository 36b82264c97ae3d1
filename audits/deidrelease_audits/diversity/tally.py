"""What the diversity scan counts of an arm: lengths, labels and a sample of words, in memory of a fixed size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease.contracts import Shard
from deidrelease.keys import SiteKey
from deidrelease_audits.diversity.word_sample import WordSample
from deidrelease_audits.patients import patient_number
from deidrelease_audits.text.shingles import Places
from deidrelease_audits.text.tokens import words_of

GROUPS = 1024
"""Patients are thrown together at random into so many groups, which the bootstrap draws: memory stays the same."""
LONGEST = 1 << 16
"""Longer notes count as this long."""


@dataclass(frozen=True, slots=True, eq=False)
class ArmDiversity:
    """Counts of one arm; all add.

    Attributes:
        lengths: How many notes have so many words; (LONGEST + 1,).
        labels: Label to its spans in each group of patients; (GROUPS,) each.
        sample: Some notes' words.
        near: Notes of which another one of the same arm is a near-duplicate; counted of the synthetic arm alone.
    """

    lengths: Places
    labels: Mapping[str, Places]
    sample: WordSample
    near: int = 0

    @classmethod
    def of(cls, shard: Shard, key: SiteKey, most: int, near: int = 0) -> Self:
        """Counts the notes of `shard`, of whose words at most about `most` are kept."""
        notes, (tokens, bounds) = shard.notes, shard.once(words_of)
        counts = np.diff(bounds)
        lengths = np.bincount(np.minimum(counts, LONGEST), minlength=LONGEST + 1)
        numbers = np.array([key.number("note", note.note_id) for note in notes], np.uint64)
        labels: dict[str, Places] = {}
        for note in notes:
            group = patient_number(key, note.patient_id) % GROUPS
            for span in note.spans:
                labels.setdefault(span.label, np.zeros(GROUPS, np.int64))[group] += 1
        return cls(lengths, labels, WordSample.of(most, numbers, counts, tokens.codes), near)

    def __add__(self, other: Self) -> Self:
        """Both together."""
        nothing = np.zeros(GROUPS, np.int64)
        names = sorted(set(self.labels) | set(other.labels))
        labels = {name: self.labels.get(name, nothing) + other.labels.get(name, nothing) for name in names}
        return type(self)(self.lengths + other.lengths, labels, self.sample + other.sample, self.near + other.near)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArmDiversity):
            return NotImplemented
        same = set(self.labels) == set(other.labels) and self.near == other.near and self.sample == other.sample
        return (
            same
            and np.array_equal(self.lengths, other.lengths)
            and all(np.array_equal(counts, other.labels[name]) for name, counts in self.labels.items())
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def notes(self) -> int:
        """How many."""
        return int(self.lengths.sum())

    def length_quantile(self, quantile: float) -> int:
        """The smallest length that at least this share of the notes does not exceed, in words."""
        return int(np.searchsorted(np.cumsum(self.lengths), quantile * self.notes))

    def by_group(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Spans of each label `names` in each group that has any; (n_groups, n_labels)."""
        nothing = np.zeros(GROUPS, np.int64)
        table = np.stack([self.labels.get(name, nothing) for name in names], axis=1).astype(np.float64)
        held: NDArray[np.float64] = table[table.sum(axis=1) > 0]
        return held


@dataclass(frozen=True, slots=True)
class DiversityTally:
    """Both arms."""

    synthetic: ArmDiversity
    train: ArmDiversity

    def __add__(self, other: Self) -> Self:
        """Arm by arm."""
        return type(self)(self.synthetic + other.synthetic, self.train + other.train)
