"""How a corpus is to be read: where patients come from, and what happens to what a tagger cannot carry."""

from dataclasses import dataclass
from typing import Literal, get_args

from deidrelease.errors import ConfigError, Problem

Overlaps = Literal["error", "keep-longest", "keep-both"]


@dataclass(frozen=True, slots=True)
class PatientSource:
    """Where patient ids come from; never guessed.

    Attributes:
        kind: `recorded` in the corpus; `note`, every note a patient of its own; `field`, a field of the record or of
            its meta; `file`, the file's name by a pattern; `table`, a CSV file.
        argument: The field's name (dots go into objects); the pattern, with a group named `patient` or a single group;
            the path of the CSV file, whose header names `note_id` and `patient_id`.
    """

    kind: Literal["recorded", "note", "field", "file", "table"] = "recorded"
    argument: str = ""

    @classmethod
    def parse(cls, text: str) -> "PatientSource":
        """The source that a config or a command spells `recorded`, `note`, `field:NAME`, `file:PATTERN`, `table:CSV`.

        Raises:
            ConfigError: It is none of these.
        """
        kind, colon, argument = text.partition(":")
        for known in get_args(cls.__annotations__["kind"]):
            needs = known not in ("recorded", "note")
            if kind == known and bool(argument) == needs and bool(colon) == needs:
                return cls(known, argument)
        remedy = "write recorded, note, field:NAME, file:PATTERN or table:CSV"
        problem = Problem("patients", "does not say where patient ids stand", remedy)
        raise ConfigError("The source of patient ids is not known.", [problem])

    def __str__(self) -> str:
        return f"{self.kind}:{self.argument}" if self.argument else self.kind


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user has decided about a corpus.

    Attributes:
        patients: Where patient ids come from.
        overlaps: What happens to spans that share characters: `error`; `keep-longest` (of equal ones the first);
            `keep-both`.
        merge: Take a span of several parts as one from the first part's start to the last one's end, and annotators'
            remarks into the note's meta, instead of refusing both.
        mend: Repair what can be repaired without a guess, and record it; only ever into a copy.
    """

    patients: PatientSource = PatientSource()
    overlaps: Overlaps = "keep-both"
    merge: bool = False
    mend: bool = False


STRICT = ReadOptions()
EVERY_NOTE_A_PATIENT = ReadOptions(patients=PatientSource("note"))
