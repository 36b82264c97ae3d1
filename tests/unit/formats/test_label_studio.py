"""Label Studio's tasks: code points, a labelling interface that fits, and no patient."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from deidrelease.errors import CorpusError
from deidrelease.formats import label_studio, open_corpus
from deidrelease.notes import Note, Span

TEXT = "\U0001f600 Ana\r\nGil"
NOTES = [Note("n1", "p1", TEXT, (Span(2, 5, "NAME"), Span(7, 10, "<odd>"))), Note("n2", "p1", "")]


def test_tasks_hold_text_and_predictions(tmp_path: Path) -> None:
    label_studio.write(NOTES, tmp_path / "out")
    first, second = json.loads((tmp_path / "out" / "tasks.json").read_bytes())
    assert first["data"] == {"text": TEXT, "note_id": "n1"}
    (prediction,) = first["predictions"]
    assert [one["value"] for one in prediction["result"]] == [
        {"start": 2, "end": 5, "text": "Ana", "labels": ["NAME"]},
        {"start": 7, "end": 10, "text": "Gil", "labels": ["<odd>"]},
    ]
    assert second["predictions"][0]["result"] == []


def test_the_interface_names_what_the_tasks_refer_to(tmp_path: Path) -> None:
    label_studio.write(NOTES, tmp_path / "out")
    view = ET.parse(tmp_path / "out" / "labels.xml").getroot()
    labels, text = view.find("Labels"), view.find("Text")
    assert labels is not None
    assert text is not None
    results = json.loads((tmp_path / "out" / "tasks.json").read_bytes())[0]["predictions"][0]["result"]
    assert {(one["from_name"], one["to_name"], one["type"]) for one in results} == {
        (labels.get("name"), text.get("name"), "labels")
    }
    assert len({one["id"] for one in results}) == len(results)
    assert labels.get("toName") == text.get("name")
    assert [label.get("value") for label in labels] == ["<odd>", "NAME"]
    assert text.get("value") == "$text"


def test_no_patient_and_no_meta_goes_along(tmp_path: Path) -> None:
    label_studio.write([Note("n", "secret-patient", "x", (), {"ward": "secret-ward"})], tmp_path / "out")
    assert b"secret" not in (tmp_path / "out" / "tasks.json").read_bytes()


def test_it_is_whole_or_not_there_and_written_only(tmp_path: Path) -> None:
    def notes():  # type: ignore[no-untyped-def]
        yield NOTES[0]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        label_studio.write(notes(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    label_studio.write([], tmp_path / "out")
    assert json.loads((tmp_path / "out" / "tasks.json").read_bytes()) == []
    with pytest.raises(CorpusError, match="exists already"):
        label_studio.write(NOTES, tmp_path / "out")
    with pytest.raises(CorpusError, match="written only"):
        open_corpus(tmp_path / "out", "label-studio")
