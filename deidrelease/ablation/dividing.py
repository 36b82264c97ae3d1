"""Who is held out, who stops the trainings early, and who belongs to a share: by rank of keyed hashes of patient ids.

Ranks and not coins, so that folds and shares have exact sizes also with few patients. A share keeps the first ones of a
rank that no share changes, so smaller shares lie in larger ones. Each question has a stream of its own: who is held out
says nothing of who belongs to a share.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from deidrelease.notes import Note
from deidrelease.stages.split import FEWEST, SIDES
from deidrelease.work import stage_seed

FOLD, SUBSET = "fold", "subset"
"""Names of the stages that divide, and so of their streams."""


def ranked(patients: Iterable[str], seed: int, what: str) -> list[str]:
    """All `patients` in an order that seed and purpose decide; another patient more moves nobody past another."""
    key = hashlib.blake2b(f"{seed}/{what}".encode(), digest_size=32).digest()

    def place(patient: str) -> tuple[bytes, str]:
        return hashlib.blake2b(patient.encode("utf-8"), key=key, digest_size=16).digest(), patient

    return sorted(patients, key=place)


def sides_of(patients: Collection[str], folds: int, fold: int, dev: float, seed: int) -> dict[str, str]:
    """Patient to `train`, `dev` or `holdout`.

    Over all folds everyone is held out once, and the folds' sizes differ by one at most.

    Args:
        patients: All of the corpus.
        folds: How many there are.
        fold: Which, from 0.
        dev: Share of those not held out that becomes dev; at least one patient does.
        seed: Of the stage.
    """
    held = {patient for rank, patient in enumerate(ranked(patients, seed, "holdout")) if rank % folds == fold}
    others = ranked((patient for patient in patients if patient not in held), seed, "dev")
    count = _count(len(others), dev, FEWEST["dev"])
    early = set(others[:count])
    return {patient: "holdout" if patient in held else "dev" if patient in early else "train" for patient in patients}


def kept(patients: Collection[str], share: float, fewest: int, seed: int) -> set[str]:
    """The patients of a share: `share` of them, rounded, and never fewer than `fewest`, as far as there are so many.

    Of two shares, the smaller one's patients are among the larger one's.
    """
    return set(ranked(patients, seed, "share")[: _count(len(patients), share, fewest)])


def _count(patients: int, share: float, fewest: int) -> int:
    return min(patients, max(fewest, round(share * patients)))


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a side is."""

    patients: int
    notes: int


@dataclass(frozen=True, slots=True)
class Census:
    """How many notes each patient of the corpus has: enough to know all sizes before anything is made.

    Attributes:
        notes: Patient id to number of notes; memory only, and not in `repr`.
        characters: Of all texts.
    """

    notes: Mapping[str, int] = field(repr=False)
    characters: int

    @classmethod
    def of(cls, corpus: Iterable[Note]) -> "Census":
        """Reads `corpus` once."""
        notes: dict[str, int] = {}
        characters = 0
        for note in corpus:
            notes[note.patient_id] = notes.get(note.patient_id, 0) + 1
            characters += len(note.text)
        return cls(notes, characters)

    def sides(self, folds: int, fold: int, dev: float, seed: int) -> dict[str, set[str]]:
        """The patients of each side, as the fold stage will divide them; `seed` is the run's."""
        found: dict[str, set[str]] = {side: set() for side in SIDES}
        for patient, side in sides_of(self.notes.keys(), folds, fold, dev, stage_seed(seed, FOLD)).items():
            found[side].add(patient)
        return found

    def sizes(self, patients: Collection[str]) -> Sizes:
        """Of the notes of `patients`."""
        return Sizes(len(patients), sum(self.notes[patient] for patient in patients))

    def subset(self, side: str, patients: Collection[str], share: float, seed: int) -> Sizes:
        """Of a share of a side, as the subset stage will cut it; `seed` is the run's."""
        return self.sizes(kept(patients, share, FEWEST[side], stage_seed(seed, SUBSET)))
