"""doccano's JSONL, written for review: `{"text": …, "label": [[start, end, label]], "note_id": …}`.

doccano counts UTF-16 code units, as browsers do (its issues 2290 and 2484), so offsets are converted: an emoji is two.
The project's option that counts grapheme clusters must be off. Of the note only its id goes along, not the patient.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path

from deidrelease.artifacts import atomic_writer
from deidrelease.errors import CorpusError, Problem
from deidrelease.notes import Note

_LAST_SINGLE = 0xFFFF
"""The last code point that UTF-16 writes as one unit."""


def recognises(path: Path) -> bool:  # noqa: ARG001  (the signature of all formats)
    """No path: this format is written only."""
    return False


def write(notes: Iterable[Note], path: Path) -> None:
    """Writes `notes`, one a line; the file appears whole or not at all.

    Raises:
        CorpusError: `path` exists already, or a note has no text, which doccano refuses.
    """
    if path.exists():
        raise CorpusError("Nothing was written.", [Problem(str(path), "exists already", "name a new file")])
    with atomic_writer(path) as stream:
        for number, note in enumerate(notes, 1):
            if not note.text:
                problem = Problem(str(path), f"note {number} has no text", "leave it out")
                raise CorpusError("doccano cannot carry this corpus.", [problem])
            stream.write(_line(note).encode("utf-8") + b"\n")


def _line(note: Note) -> str:
    pairs = [place for place, character in enumerate(note.text) if ord(character) > _LAST_SINGLE]

    def units(offset: int) -> int:
        return offset + bisect_left(pairs, offset)

    label = [[units(span.start), units(span.end), span.label] for span in note.spans]
    return json.dumps({"text": note.text, "label": label, "note_id": note.note_id}, ensure_ascii=False)
