"""What the near-duplicate scan looks up: the synthetic notes, and some hold-out patients to tell forms from persons."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease.contracts import Corpora, Shard
from deidrelease.keys import SiteKey
from deidrelease.notes import Note
from deidrelease_audits.ordered import distinct_sorted
from deidrelease_audits.patients import patient_number
from deidrelease_audits.text.note_columns import NoteColumns
from deidrelease_audits.text.shingles import Hashes, Places, ShingleTable, shingles_of

_NOBODY = np.iinfo(np.uint64).max


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Hold-out notes, at most as many as asked for, by which a shingle is judged the form's or a person's.

    Attributes:
        columns: The notes; none where there is no hold-out.
        patients: How many wrote them.
        holders: In how many of those patients each shingle of the table stands; (n_shingles,).
        holder: One of them, by keyed number; (n_shingles,) uint64.
        telling_sizes: Shingles of each note that no other of those patients has; (n_notes,).
    """

    columns: NoteColumns
    patients: int
    holders: NDArray[np.int32]
    holder: Hashes
    telling_sizes: Places

    @classmethod
    def of(cls, places: Places, notes: Places, patients: Hashes, n_shingles: int) -> Self:
        """From the different shingles of each note, and whose each note is."""
        numbers, whose = np.unique(patients, return_inverse=True)
        pairs = distinct_sorted(places * max(len(numbers), 1) + whose[notes])
        held, by = np.divmod(pairs, max(len(numbers), 1))
        holders = np.bincount(held, minlength=n_shingles).astype(np.int32)
        holder = np.full(n_shingles, _NOBODY, np.uint64)
        holder[held] = numbers[by]
        telling = np.bincount(notes[holders[places] == 1], minlength=len(patients))
        return cls(NoteColumns.of(places, notes, n_shingles, len(patients)), len(numbers), holders, holder, telling)


@dataclass(frozen=True, slots=True, eq=False)
class NearDuplicateIndex:
    """The synthetic side, read once.

    Attributes:
        table: The shingles of the synthetic notes and of the reference.
        synthetic: The synthetic notes.
        telling_sizes: Shingles of each that at most one patient of the reference has; (n_synthetic,).
        reference: Other patients' notes.
        names: Ids of the synthetic notes.
        lengths: Their code points.
        key: For the numbers of patients and notes.
        seed: Of the draw of patients.
    """

    table: ShingleTable
    synthetic: NoteColumns
    telling_sizes: Places
    reference: Reference
    names: tuple[str, ...]
    lengths: tuple[int, ...]
    key: SiteKey
    seed: int

    @classmethod
    def of(cls, corpora: Corpora, width: int, reference_notes: int) -> Self:
        """Reads the synthetic corpus whole, and of the hold-out as many patients as make up `reference_notes`."""
        release = corpora.release
        synthetic = release.notes
        others = drawn_patients(corpora.holdout or (), corpora.key, reference_notes)
        ours, theirs = shingles_of(release, width), shingles_of(Shard("holdout", tuple(others)), width)
        table, all_places = ShingleTable.placing(np.concatenate([ours[0], theirs[0]]))
        places, their_places = np.split(all_places, [len(ours[0])])
        patients = np.array([patient_number(corpora.key, note.patient_id) for note in others], np.uint64)
        reference = Reference.of(their_places, theirs[1], patients, len(table))
        columns = NoteColumns.of(places, ours[1], len(table), len(synthetic))
        telling = np.bincount(ours[1][reference.holders[places] <= 1], minlength=len(synthetic))
        names = tuple(note.note_id for note in synthetic)
        lengths = tuple(len(note.text) for note in synthetic)
        return cls(table, columns, telling, reference, names, lengths, corpora.key, corpora.seed)


def drawn_patients(corpus: Iterable[Note], key: SiteKey, most_notes: int) -> list[Note]:
    """The notes of the patients of the smallest keyed numbers, at most `most_notes`, in an order of their own.

    Reads the corpus once and holds no more than that; the same notes in whatever order they are read.
    """
    kept: list[tuple[int, int, Note]] = []
    for note in corpus:
        # The largest numbers lie on top, to fall out first; a note's own number settles ties.
        entry = (-patient_number(key, note.patient_id), -key.number("note", note.note_id), note)
        if len(kept) <= most_notes:
            heapq.heappush(kept, entry)
        else:
            heapq.heappushpop(kept, entry)
    ordered = sorted(kept, key=lambda entry: (-entry[0], -entry[1]))
    if len(ordered) > most_notes:
        # One more was kept: the patient it belongs to may be cut in two, and is left out, unless there is no other.
        cut = ordered[-1][0]
        whole = [entry for entry in ordered if entry[0] != cut]
        ordered = whole or ordered[:most_notes]
    return [note for _, _, note in ordered]
