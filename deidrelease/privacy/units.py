"""Who is protected: every unit of privacy and the notes that belong to it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from deidrelease.errors import PrivacyError, Problem
from deidrelease.notes import Note
from deidrelease.results import PrivacyUnit


@dataclass(frozen=True, slots=True)
class Units:
    """A division of notes into units; neighbouring corpora differ by one of them, with all its notes.

    Attributes:
        unit: What a unit is.
        notes: For each unit the positions of its notes in reading order.
        patient_of: For each unit a number that stands for its patient; equal numbers, equal patient.
    """

    unit: PrivacyUnit
    notes: tuple[tuple[int, ...], ...]
    patient_of: tuple[int, ...]

    @classmethod
    def from_notes(cls, notes: Iterable[Note], unit: PrivacyUnit) -> "Units":
        """Units of `notes`, in the order in which they first turn up.

        Raises:
            PrivacyError: There is no note.
        """
        patients = _numbered_patients(notes)
        if not patients:
            problem = Problem("train", "holds no note", "name a corpus with notes")
            raise PrivacyError("There is nobody to protect.", [problem])
        if unit == "note":
            return cls(unit, tuple((position,) for position in range(len(patients))), tuple(patients))
        positions: dict[int, list[int]] = {}
        for position, patient in enumerate(patients):
            positions.setdefault(patient, []).append(position)
        return cls(unit, tuple(map(tuple, positions.values())), tuple(positions))

    @property
    def count(self) -> int:
        """How many units there are."""
        return len(self.notes)

    def notes_of(self, index: int) -> tuple[int, ...]:
        """Positions of the notes of the unit `index`."""
        return self.notes[index]

    @property
    def most_notes_of_a_patient(self) -> int:
        """The size of the largest group of notes that stand and fall together."""
        sizes: Counter[int] = Counter()
        for positions, patient in zip(self.notes, self.patient_of, strict=True):
            sizes[patient] += len(positions)
        return max(sizes.values())

    def require_of(self, notes: Iterable[Note]) -> None:
        """Holds the units to `notes`: each note in one unit, and no patient in two where the unit is the patient.

        Raises:
            PrivacyError: They are not the units of these notes; an epsilon by them would be another promise.
        """
        patients = _numbered_patients(notes)
        held = sorted(position for positions in self.notes for position in positions)
        if held != list(range(len(patients))) or not all(self.notes):
            raise _not_the_units("notes are missing, stand twice, or are not of this corpus")
        units_of_patient: Counter[int] = Counter()
        for positions in self.notes:
            owners = {patients[position] for position in positions}
            if len(owners) > 1:
                raise _not_the_units("a unit holds notes of several patients")
            units_of_patient.update(owners)
        if self.unit == "patient" and max(units_of_patient.values(), default=0) > 1:
            raise _not_the_units("the notes of one patient are counted as several patients")
        if self.unit == "note" and any(len(positions) > 1 for positions in self.notes):
            raise _not_the_units("a unit holds several notes")


def _numbered_patients(notes: Iterable[Note]) -> list[int]:
    """For each note the number of its patient, in order of first appearance: ids go no further."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(note.patient_id, len(numbers)) for note in notes]


def _not_the_units(what: str) -> PrivacyError:
    problem = Problem("units of privacy", what, "report this: it is a fault of the program")
    return PrivacyError("The units are not those of the corpus, so no epsilon is stated.", [problem])
