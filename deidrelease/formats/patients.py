"""Whose note it is: the patient id of a draft, from where the user said that it stands."""

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deidrelease.errors import ConfigError, CorpusError, Problem
from deidrelease.formats.drafts import Draft
from deidrelease.formats.reading import PatientSource

_REMEDY = "say where patient ids stand: corpus.patients, or --patients"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The patient ids that the corpus itself records."""

    def find(self, draft: Draft) -> str | None:
        """The patient of `draft`; None where it is not known."""
        return draft.patient_id or None

    what = "patient_id is missing, empty or not a string"


@dataclass(frozen=True, slots=True)
class EveryNote:
    """Declares every note a patient of its own."""

    def find(self, draft: Draft) -> str | None:
        """The note's own id."""
        return draft.note_id

    what = "has no id"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the record, or of its meta."""

    name: str

    def find(self, draft: Draft) -> str | None:
        """The value of the field, a string or an integer."""
        for record in (draft.extras, draft.meta):
            value: object = record
            for part in self.name.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            if type(value) is int or (isinstance(value, str) and value):
                return str(value)
        return None

    @property
    def what(self) -> str:
        """Why there is none."""
        return f"has no field {self.name} with a string or an integer"


@dataclass(frozen=True, slots=True)
class FileName:
    """What a pattern finds in the name of the note's file."""

    pattern: "re.Pattern[str]"

    def find(self, draft: Draft) -> str | None:
        """The group named `patient`, or the only group."""
        match = self.pattern.search(draft.file) if draft.file else None
        return match[group_of(self.pattern)] or None if match else None

    what = "has a file name that the pattern for patients does not fit, or shares a file with other notes"


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file beside the corpus."""

    path: str
    patients: Mapping[str, str]

    def find(self, draft: Draft) -> str | None:
        """The row of this note id."""
        return self.patients.get(draft.note_id)

    @property
    def what(self) -> str:
        """Why there is none."""
        return f"is not listed in {self.path}"


Finder = Recorded | EveryNote | Field | FileName | Table


def finder(source: PatientSource) -> Finder:
    """What looks a patient up.

    Raises:
        ConfigError: The pattern is none, or has no group that could be the patient.
        CorpusError: The CSV file cannot be read.
    """
    makers: dict[str, Callable[[], Finder]] = {
        "recorded": Recorded,
        "note": EveryNote,
        "field": lambda: Field(source.argument),
        "file": lambda: FileName(compile_pattern(source.argument)),
        "table": lambda: Table(source.argument, _read_table(Path(source.argument))),
    }
    return makers[source.kind]()


def missing_patient(where: str, finder: Finder) -> Problem:
    """The problem of a note whose patient is not known."""
    return Problem(where, finder.what, _REMEDY, "no-patient")


def compile_pattern(text: str) -> "re.Pattern[str]":
    """A pattern for file names that has one group for the patient.

    Raises:
        ConfigError: It is no regular expression, or has no group, or several and none named `patient`.
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        problem = Problem("corpus.patients", f"is no regular expression: {error}", "correct the pattern")
        raise ConfigError("The pattern for patients cannot be used.", [problem]) from None
    if "patient" not in pattern.groupindex and pattern.groups != 1:
        remedy = r"mark the patient, as in (?P<patient>\d+)_.*\.txt"
        problem = Problem("corpus.patients", f"the pattern has {pattern.groups} groups, none named patient", remedy)
        raise ConfigError("The pattern for patients cannot be used.", [problem])
    return pattern


def group_of(pattern: "re.Pattern[str]") -> int:
    """The number of the group that is the patient."""
    return pattern.groupindex.get("patient", 1)


def _read_table(path: Path) -> dict[str, str]:
    patients: dict[str, str] = {}
    problems = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            if not {"note_id", "patient_id"} <= set(rows.fieldnames or ()):
                problem = Problem(f"{path}:1", "the header does not name note_id and patient_id", "add it", "field")
                raise CorpusError("The table of patients cannot be read.", [problem])
            for row in rows:
                where = f"{path}:{rows.line_num}"
                note, patient = row["note_id"], row["patient_id"]
                if not note or not patient:
                    problems.append(Problem(where, "a note or patient id is empty", "fill it in", "field"))
                elif patients.setdefault(note, patient) != patient:
                    remedy = "keep the right one"
                    problems.append(Problem(where, "gives a note a second patient", remedy, "note-id-of-two-patients"))
    except OSError as error:
        problems.append(Problem(str(path), f"cannot be read ({error.strerror})", "correct the path", "unreadable"))
    except UnicodeDecodeError as error:
        problems.append(Problem(str(path), f"byte {error.start} is not UTF-8", "save it as UTF-8", "encoding"))
    except csv.Error as error:
        problems.append(Problem(f"{path}:{rows.line_num}", f"is no CSV: {error}", "correct the line", "syntax"))
    if problems:
        raise CorpusError("The table of patients cannot be read.", problems)
    return patients
