"""The structure of notes: the line heads that most patients' notes share, and how many of them a text has.

A head is what stands before the first colon of a line, or a line that holds no more than a few words: `Name`, `Past
history`. Of a corpus only those count that at least half of its patients have, so none is one patient's own.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from deidrelease.errors import ModelError, Problem
from deidrelease.notes import Note

_MOST_WORDS = 5
_FEWEST_PATIENTS = 2


def heads(text: str) -> frozenset[str]:
    """The heads of all lines, in lower case, white space collapsed; none with a digit in it."""
    words = (line.partition(":")[0].strip(" \t.").casefold().split() for line in text.splitlines())
    found = (" ".join(each) for each in words if len(each) <= _MOST_WORDS)
    return frozenset(head for head in found if any(map(str.isalpha, head)) and not any(map(str.isdigit, head)))


@dataclass(frozen=True, slots=True)
class Structure:
    """The heads of a corpus.

    Attributes:
        common: Those that the notes of at least half of its patients have.
    """

    common: frozenset[str]

    @classmethod
    def of(cls, notes: Iterable[Note]) -> "Structure":
        """Reads the notes once; memory grows with their distinct heads.

        Raises:
            ModelError: No head is shared by half of the patients.
        """
        by_patient: dict[str, set[str]] = {}
        for note in notes:
            by_patient.setdefault(note.patient_id, set()).update(heads(note.text))
        counts = Counter(head for held in by_patient.values() for head in held)
        least = max(_FEWEST_PATIENTS, len(by_patient) / 2)
        common = frozenset(head for head, count in counts.items() if count >= least)
        if not common:
            what = "has no line head that half of the patients' notes share"
            raise ModelError(
                "The notes have no structure to ask for.", [Problem("the corpus", what, "set generate.structure to 0")]
            )
        return cls(common)

    def share(self, text: str) -> float:
        """Which share of the common heads `text` has."""
        return len(self.common & heads(text)) / len(self.common)
