"""Label Studio's tasks with pre-annotations, written for review: a folder of `tasks.json` and `labels.xml`.

`tasks.json` is to be imported; `labels.xml` is the labelling interface that fits it. Label Studio counts code points,
each CR and LF one, so offsets are as they are here. Of the note only its id goes along, not the patient.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from deidrelease.artifacts import atomic_folder
from deidrelease.errors import CorpusError, Problem
from deidrelease.notes import Note

TASKS, INTERFACE = "tasks.json", "labels.xml"


def recognises(path: Path) -> bool:  # noqa: ARG001  (the signature of all formats)
    """No path: this format is written only."""
    return False


def write(notes: Iterable[Note], path: Path) -> None:
    """Writes `notes` as a folder that appears whole or not at all.

    Raises:
        CorpusError: `path` exists already.
    """
    if path.exists():
        raise CorpusError("Nothing was written.", [Problem(str(path), "exists already", "name a new folder")])
    labels: set[str] = set()
    with atomic_folder(path) as folder:
        with (folder / TASKS).open("wb") as stream:
            before = b"[\n"
            for note in notes:
                labels.update(span.label for span in note.spans)
                stream.write(before + json.dumps(_task(note), ensure_ascii=False).encode("utf-8"))
                before = b",\n"
            stream.write(b"[]\n" if before == b"[\n" else b"\n]\n")
        (folder / INTERFACE).write_bytes(_interface(sorted(labels)).encode("utf-8"))


def _task(note: Note) -> dict[str, object]:
    result = [
        {
            "id": f"s{number}",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {"start": span.start, "end": span.end, "text": note.value(span), "labels": [span.label]},
        }
        for number, span in enumerate(note.spans, 1)
    ]
    return {
        "data": {"text": note.text, "note_id": note.note_id},
        "predictions": [{"model_version": "deidrelease", "result": result}],
    }


def _interface(labels: Iterable[str]) -> str:
    # It brings urllib.request and ssl along, which reading a corpus has no use for.
    from xml.sax.saxutils import quoteattr

    choices = "".join(f"    <Label value={quoteattr(label)}/>\n" for label in labels)
    return (
        f'<View>\n  <Labels name="label" toName="text">\n{choices}  </Labels>\n'
        '  <Text name="text" value="$text" granularity="symbol"/>\n</View>\n'
    )
