"""What a format cannot say of its notes, in a file beside them: ids that are no file names, patients, meta.

`notes.jsonl`, a line a note: `{"file", "note_id", "patient_id", "meta"}`.
"""

import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deidrelease.errors import CorpusError, Problem

SIDECAR = "notes.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: the file, and what it cannot say itself. `patient_id` is None where no sidecar tells it."""

    file: str
    note_id: str
    patient_id: str | None
    meta: Mapping[str, object]


def places_in(path: Path) -> dict[str, int]:
    """File name to the byte at which its line begins, after every line was checked."""
    places: dict[str, int] = {}
    problems, place = [], 0
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            where, begin = f"{path}:{number}", place
            place += len(raw)
            if not raw.strip():
                continue
            try:
                entry = parse_entry(raw)
            except UnicodeDecodeError as error:
                problems.append(Problem(where, f"byte {error.start} is not UTF-8", "save the file as UTF-8"))
                continue
            except (KeyError, TypeError, ValueError, RecursionError):
                remedy = 'write {"file", "note_id", "patient_id", "meta"}, the first a file of the folder, all strings'
                problems.append(Problem(where, "is no sidecar entry", remedy))
                continue
            if entry.file in places:
                problems.append(Problem(where, "lists a file for the second time", "keep one"))
            places[entry.file] = begin
    if problems:
        raise CorpusError("The sidecar of the corpus cannot be read.", problems)
    return places


def parse_entry(raw: bytes) -> Entry:
    """One line of a sidecar.

    Raises:
        KeyError, TypeError, ValueError, RecursionError: It is none.
    """
    record = json.loads(raw.decode("utf-8"))
    names = [record[key] for key in ("file", "note_id", "patient_id")]
    # A null taken for the text "None" would make one patient of all who have it.
    if not all(isinstance(name, str) and name for name in names):
        raise TypeError
    # A corpus is its folder: its list must not reach for other files.
    if Path(names[0]).name != names[0] or "\0" in names[0]:
        raise ValueError
    json.dumps(record, ensure_ascii=False).encode("utf-8")
    return Entry(names[0], names[1], names[2], dict(record.get("meta", {})))


def file_stem(note_id: str, number: int, taken: set[str]) -> str:
    """A file name for a note, without an ending: its id where that can be one, else with its number in front.

    Args:
        note_id: Any string.
        number: Of the note in its corpus, from 0.
        taken: The case-folded names given so far; the new one is added.
    """
    quoted = urllib.parse.quote(note_id, safe=" ()+,=@")
    plain = quoted == note_id and len(quoted) <= 100 and not re.match(r"[. ]|n\d{8}-", quoted)
    # A number in front keeps apart ids that differ only in case, that are no file name, or that look so numbered.
    if not plain or quoted.casefold() in taken:
        quoted = f"n{number:08d}-{quoted[:80]}"
    taken.add(quoted.casefold())
    return quoted
