"""Which corpora are about the same patients.

A ledger goes by the content of a corpus, and a corpus grows: with one note more it would be another, with nothing
spent. So a ledger remembers marks of whom it is about, and what was spent in one corpus counts in every other that has
a mark in common. A mark is a keyed digest of a patient's id or, since ids can be given anew, of the text of a note.
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
SHORTEST_TEXT = 50
"""Code points; notes that say less may be said of anybody."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a ledger is about; nothing in it can be turned back into an id or a text without the key.

    Attributes:
        name: Keyed digest of the corpus's content.
        marks: The first 64 bits of the keyed digest of each patient's id and of each note's text, sorted; no two equal.
    """

    name: str
    marks: NDArray[np.uint64]

    def digest(self) -> str:
        """SHA-256 of `marks`."""
        return hashlib.sha256(self.marks.astype("<u8").tobytes()).hexdigest()

    def shares(self, marks: NDArray[np.uint64]) -> bool:
        """Whether any mark is in both; two that only look alike, once in 2^64 pairs, count as one."""
        return bool(np.isin(self.marks, marks, assume_unique=True).any())


def subject_of(notes: Iterable[Note], key: SiteKey) -> Subject:
    """Reads a private corpus once; its content digest is that of `deidrelease.notes`."""
    content = hashlib.sha256()
    marks = set()
    for note in notes:
        content.update(note_to_json(note).encode("utf-8") + b"\n")
        marks.add(key.number("patient", note.patient_id))
        if len(note.text) >= SHORTEST_TEXT:
            marks.add(key.number("text", note.text))
    return Subject(key.digest("corpus", content.hexdigest()), np.array(sorted(marks), dtype="<u8"))


def write_marks(path: Path, marks: NDArray[np.uint64]) -> None:
    """Writes the numbers, whole or not at all."""
    with atomic_writer(path) as stream:
        stream.write(marks.astype("<u8").tobytes())


def read_marks(path: Path, digest: str) -> NDArray[np.uint64]:
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
