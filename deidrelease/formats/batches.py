"""Notes as Arrow record batches: what is written to Parquet and to Hugging Face folders."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from deidrelease.errors import CorpusError, Problem
from deidrelease.notes import Note

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_NOTES = 4096
BATCH_BYTES = 64 * 1024 * 1024


def schema() -> "pa.Schema":
    """The columns as they are written: `meta` is JSON, so that it can hold anything."""
    import pyarrow as pa

    span = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("label", pa.string())])
    columns = [(name, pa.string()) for name in ("note_id", "patient_id", "text")]
    return pa.schema([*columns, ("spans", pa.list_(span)), ("meta", pa.string())])


def batches(notes: Iterable[Note]) -> Iterator["pa.RecordBatch"]:
    """`notes` as record batches of `schema`, none with much more than `BATCH_BYTES` of text.

    Raises:
        CorpusError: A note holds half a surrogate pair.
    """
    held: list[dict[str, object]] = []
    size = 0
    for number, note in enumerate(notes, 1):
        row = _row(note)
        size += _bytes_of(row, number)
        held.append(row)
        if len(held) == BATCH_NOTES or size >= BATCH_BYTES:
            yield _batch(held)
            held, size = [], 0
    if held:
        yield _batch(held)


def _batch(held: list[dict[str, object]]) -> "pa.RecordBatch":
    import pyarrow as pa

    return pa.RecordBatch.from_pylist(held, schema=schema())


def _row(note: Note) -> dict[str, object]:
    return {
        "note_id": note.note_id,
        "patient_id": note.patient_id,
        "text": note.text,
        "spans": [{"start": span.start, "end": span.end, "label": span.label} for span in note.spans],
        "meta": json.dumps(dict(note.meta), ensure_ascii=False, separators=(",", ":")),
    }


def _bytes_of(row: Mapping[str, Any], number: int) -> int:
    """The UTF-8 of a row in bytes."""
    try:
        labels = sum(len(span["label"].encode("utf-8")) for span in row["spans"])
        return labels + sum(len(value.encode("utf-8")) for value in row.values() if isinstance(value, str))
    except UnicodeEncodeError:
        what = "holds half a surrogate pair, which UTF-8 cannot carry"
        problem = Problem(f"note {number}", what, "save it anew from its source", "surrogate")
        raise CorpusError("Nothing was written.", [problem]) from None
