"""doccano's JSONL: offsets as a browser counts them, and no patient."""

import json
from pathlib import Path

import pytest

from deidrelease.errors import CorpusError
from deidrelease.formats import doccano, open_corpus
from deidrelease.notes import Note, Span

TEXT = "\U0001f600 Ana\r\n\U0001f468\u200d\U0001f469 Jose\u0301 Gil"
NOTES = [Note("n1", "p1", TEXT, (Span(2, 5, "NAME"), Span(7, 10, "FACE"), Span(11, 20, "NAME"))), Note("n2", "p1", "x")]


def test_offsets_are_utf_16_code_units(tmp_path: Path) -> None:
    doccano.write(NOTES, tmp_path / "out.jsonl")
    first, second = [json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().split(b"\n")[:-1]]
    assert second == {"text": "x", "label": [], "note_id": "n2"}
    assert (first["text"], first["note_id"]) == (TEXT, "n1")
    # As a browser would cut it: two bytes a unit.
    units = TEXT.encode("utf-16-le")
    cut = [units[2 * start : 2 * end].decode("utf-16-le") for start, end, _ in first["label"]]
    assert cut == [NOTES[0].value(span) for span in NOTES[0].spans]
    assert [label for *_, label in first["label"]] == ["NAME", "FACE", "NAME"]


def test_no_patient_and_no_meta_goes_along(tmp_path: Path) -> None:
    doccano.write([Note("n", "secret-patient", "x", (), {"ward": "secret-ward"})], tmp_path / "out.jsonl")
    assert b"secret" not in (tmp_path / "out.jsonl").read_bytes()


def test_it_is_whole_or_not_there_and_written_only(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="note 3 has no text"):
        doccano.write([*NOTES, Note("n3", "p", "")], tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []
    doccano.write(NOTES, tmp_path / "out.jsonl")
    with pytest.raises(CorpusError, match="exists already"):
        doccano.write(NOTES, tmp_path / "out.jsonl")
    with pytest.raises(CorpusError, match="written only"):
        open_corpus(tmp_path / "out.jsonl", "doccano")
