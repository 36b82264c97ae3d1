"""Which corpora are about the same patients.

A ledger goes by the content of a corpus, and a corpus grows: with one note more it would be another, with nothing
spent. So a ledger remembers, as keyed digests, which patients it is about, and what was spent on a patient in one
corpus counts in every other that has the patient.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deidrelease.artifacts import atomic_writer
from deidrelease.errors import PrivacyError, Problem
from deidrelease.keys import SiteKey
from deidrelease.notes import Note, note_to_json

_BYTES = 8


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a ledger is about; nothing in it can be turned back into an id without the key.

    Attributes:
        name: Keyed digest of the corpus's content.
        patients: The first 64 bits of each patient's keyed digest, sorted; no two equal.
    """

    name: str
    patients: NDArray[np.uint64]

    def digest(self) -> str:
        """SHA-256 of `patients`."""
        return _digest(self.patients)

    def shares(self, patients: NDArray[np.uint64]) -> bool:
        """Whether any patient is in both; two that only look alike, once in 2^64 pairs, count as one."""
        return bool(np.isin(self.patients, patients, assume_unique=True).any())


def subject_of(notes: Iterable[Note], key: SiteKey) -> Subject:
    """Reads a private corpus once; its content digest is that of `deidrelease.notes`."""
    content = hashlib.sha256()
    patients = set()
    for note in notes:
        content.update(note_to_json(note).encode("utf-8") + b"\n")
        patients.add(key.number("patient", note.patient_id))
    numbers = np.array(sorted(patients), dtype="<u8")
    return Subject(key.digest("corpus", content.hexdigest()), numbers)


def write_patients(path: Path, patients: NDArray[np.uint64]) -> None:
    """Writes the numbers, whole or not at all."""
    with atomic_writer(path) as stream:
        stream.write(patients.astype("<u8").tobytes())


def read_patients(path: Path, digest: str) -> NDArray[np.uint64]:
    """The numbers at `path`, which have to be those with the SHA-256 `digest`.

    Raises:
        PrivacyError: They are not.
    """
    try:
        data = path.read_bytes()
    except OSError:
        data = b""
    if len(data) % _BYTES or hashlib.sha256(data).hexdigest() != digest:
        problem = Problem(str(path), "is missing or not as it was written", "restore it from a backup")
        raise PrivacyError("It is not known whom a ledger is about, so no private step is taken.", [problem])
    return np.frombuffer(data, dtype="<u8")


def _digest(patients: NDArray[np.uint64]) -> str:
    return hashlib.sha256(patients.astype("<u8").tobytes()).hexdigest()
