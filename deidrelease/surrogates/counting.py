"""Counts what became of the values: numbers by label and kind, and never a value."""

from collections import Counter
from dataclasses import dataclass, field

from deidrelease.labels import LabelMap
from deidrelease.notes import Note


@dataclass(slots=True)
class Substitutions:
    """How many spans of each label were replaced, and how many stayed as they were.

    Attributes:
        label_map: Says what each label gets.
        forbidden: Distinct private values that no surrogate could be.
    """

    label_map: LabelMap
    forbidden: int
    notes: int = 0
    replaced: Counter[str] = field(default_factory=Counter)
    same: Counter[str] = field(default_factory=Counter)

    def add(self, old: Note, new: Note) -> None:
        """Counts the spans of a note before and after."""
        self.notes += 1
        for before, after in zip(old.spans, new.spans, strict=True):
            counter = self.same if old.value(before) == new.value(after) else self.replaced
            counter[before.label] += 1

    def as_dict(self) -> dict[str, object]:
        """For a JSON file."""
        labels = sorted({*self.replaced, *self.same})
        return {
            "notes": self.notes,
            "private_values": self.forbidden,
            "label_map": {"name": self.label_map.name, "version": self.label_map.version},
            "labels": {
                label: {
                    "kind": self.label_map[label].surrogate,
                    "replaced": self.replaced[label],
                    "same": self.same[label],
                }
                for label in labels
            },
        }
