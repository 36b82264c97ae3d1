"""One pass over private notes: what each shares with every synthetic note, exactly, and what is kept of it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease.contracts import Arm, Shard
from deidrelease_audits.near_duplicate.index import NearDuplicateIndex
from deidrelease_audits.near_duplicate.nearest import BestNotes, NearestByDraw
from deidrelease_audits.patients import PatientMaxima, patient_number
from deidrelease_audits.text.shingles import Hashes, Places, distinct_sizes, grams
from deidrelease_audits.text.tokens import mixed, picked, words_of

MILLION = 1_000_000
"""Shares of patients are kept as whole millionths."""
_CELLS = 1 << 20
"""Private times synthetic notes that are worked on at once: some tens of megabytes."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ArmTally:
    """What was seen of one arm.

    Attributes:
        containment: Each patient's largest containment with a synthetic note, in millionths.
        chance: Each patient's largest strength of a match with a note that cannot come of it: of the hold-out with
            the synthetic notes, of train with the reference; in millionths.
        contained: Of each synthetic note the private note of the largest containment.
        strongest: Of each synthetic note the private note of the strongest match.
        nearest: Of each synthetic note the nearest by Jaccard similarity, in any draw of patients.
    """

    containment: PatientMaxima
    chance: PatientMaxima
    contained: BestNotes
    strongest: BestNotes
    nearest: NearestByDraw

    @classmethod
    def empty(cls, n: int) -> Self:
        """Of no notes, beside `n` synthetic ones."""
        nothing = NearestByDraw(np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0))
        return cls(PatientMaxima(), PatientMaxima(), BestNotes.empty(n), BestNotes.empty(n), nothing)

    def __add__(self, other: Self) -> Self:
        """Part by part."""
        return type(self)(
            self.containment + other.containment,
            self.chance + other.chance,
            self.contained + other.contained,
            self.strongest + other.strongest,
            self.nearest + other.nearest,
        )


@dataclass(frozen=True, slots=True)
class NearDuplicateTally:
    """Both arms."""

    train: ArmTally
    holdout: ArmTally

    def __add__(self, other: Self) -> Self:
        """Arm by arm."""
        return type(self)(self.train + other.train, self.holdout + other.holdout)


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Some private notes in the order of their keyed numbers, and those of their shingles that the table knows."""

    numbers: Hashes
    names: NDArray[np.object_]
    patients: Hashes
    sizes: Places
    rows: Places
    places: Places

    def __len__(self) -> int:
        return len(self.numbers)


def scanned(index: NearDuplicateIndex, shard: Shard, width: int, least_shared: int, least_size: int) -> ArmTally:
    """The tally of the notes of `shard`; it does not depend on how they are cut into blocks."""
    arm, notes = shard.arm, shard.notes
    total = ArmTally.empty(index.synthetic.n)
    columns = max(1, index.synthetic.n + (index.reference.columns.n if arm == "train" else 0))
    step = min(1 << 12, max(64, _CELLS // columns))
    for first in range(0, len(notes), step):
        block = _block(index, shard, range(first, min(first + step, len(notes))), width)
        total = total + _block_tally(index, arm, block, least_shared, least_size)
    return total


def draw_rank(patients: Hashes, seed: int) -> Hashes:
    """Each patient's place in the random order of `seed`; (n,) uint64, no two alike."""
    return mixed(patients ^ mixed(np.array([seed + 1], np.uint64)))


def _block(index: NearDuplicateIndex, shard: Shard, notes: range, width: int) -> _Block:
    tokens, firsts = shard.once(words_of)
    numbers = {place: index.key.number("note", shard.notes[place].note_id) for place in notes}
    places_ordered = sorted(notes, key=numbers.__getitem__)
    ordered = [shard.notes[place] for place in places_ordered]
    hashes, rows = grams(*picked(tokens.codes, firsts, np.array(places_ordered, np.int64)), width)
    sizes = distinct_sizes(hashes, rows, len(ordered))
    there, here = index.table.find(hashes)
    # A sort and a look at the neighbours: np.unique hashes, which takes several times as long.
    pairs = np.sort(rows[there] * len(index.table) + here)
    rows, places = np.divmod(pairs[np.diff(pairs, prepend=-1) > 0], max(1, len(index.table)))
    names = np.array([note.note_id for note in ordered], object)
    patients = np.array([patient_number(index.key, note.patient_id) for note in ordered], np.uint64)
    ascending = np.array([numbers[place] for place in places_ordered], np.uint64)
    return _Block(ascending, names, patients, sizes, rows, places)


def _block_tally(index: NearDuplicateIndex, arm: Arm, block: _Block, least_shared: int, least_size: int) -> ArmTally:
    contained, jaccard = _similarities(index, block, least_shared)
    strength = _strength(index, block, least_size)
    chance = strength if arm == "holdout" else _between_patients(index, block, least_size)
    return ArmTally(
        _maxima(block, contained),
        _maxima(block, chance),
        BestNotes.of(contained, block.numbers, block.names),
        BestNotes.of(strength, block.numbers, block.names),
        NearestByDraw.of_rows(jaccard, draw_rank(block.patients, index.seed)),
    )


def _similarities(index: NearDuplicateIndex, block: _Block, least_shared: int) -> tuple[Matrix, Matrix]:
    """Containment of the one in the other, the larger of both ways, and Jaccard similarity; private by synthetic."""
    shared = index.synthetic.shared(block.rows, block.places, len(block)).astype(np.float64)
    shared[shared < least_shared] = 0
    ours, theirs = index.synthetic.sizes[None, :], block.sizes[:, None]
    smaller = np.maximum(np.minimum(ours, theirs), 1)
    return shared / smaller, shared / np.maximum(ours + theirs - shared, 1)


def _strength(index: NearDuplicateIndex, block: _Block, least_size: int) -> Matrix:
    """Shared shingles that no other reference patient has, over the root of the smaller note; private by synthetic.

    A number of shared shingles says more in a short note, a share says more in a long one; the root lies half way.
    """
    reference = index.reference
    holders = reference.holders[block.places]
    own = (holders == 0) | ((holders == 1) & (reference.holder[block.places] == block.patients[block.rows]))
    sizes = block.sizes - np.bincount(block.rows[~own], minlength=len(block))
    shared = index.synthetic.shared(block.rows[own], block.places[own], len(block)).astype(np.float64)
    smaller = np.minimum(sizes[:, None], index.telling_sizes[None, :])
    strength: Matrix = shared / np.sqrt(np.maximum(smaller, least_size))
    return strength


def _between_patients(index: NearDuplicateIndex, block: _Block, least_size: int) -> Matrix:
    """The same between private notes and the reference's notes, which are of other patients."""
    reference = index.reference
    holders = reference.holders[block.places]
    sizes = block.sizes - np.bincount(block.rows[holders > 1], minlength=len(block))
    # A patient who, against the rules, is in both arms is no pair of different patients.
    theirs = (holders == 1) & (reference.holder[block.places] != block.patients[block.rows])
    shared = reference.columns.shared(block.rows[theirs], block.places[theirs], len(block)).astype(np.float64)
    smaller = np.minimum(sizes[:, None], reference.telling_sizes[None, :])
    strength: Matrix = shared / np.sqrt(np.maximum(smaller, least_size))
    return strength


def _maxima(block: _Block, values: Matrix) -> PatientMaxima:
    largest = np.rint(values.max(axis=1, initial=0.0) * MILLION).astype(np.int64)
    return PatientMaxima.of(zip(block.patients.tolist(), largest.tolist(), strict=True))
