"""A corpus with its spans replaced."""

import pytest

from deidrelease.detection.corpus import Detection, hipaa_names
from deidrelease.detection.detector import Detector
from deidrelease.errors import CorpusError
from deidrelease.labels import load_label_map
from deidrelease.models.tagging.tagger import Tagger
from deidrelease.notes import Note


def test_spans_are_replaced_and_all_else_is_kept(tagger: Tagger, notes: list[Note]) -> None:
    detection = Detection(Detector(tagger=tagger), {"CITY": "B"}, score=True)
    made = list(detection.notes(iter(notes), len(notes)))
    kept = [(note.note_id, note.patient_id, note.text, note.meta) for note in notes]
    assert [(note.note_id, note.patient_id, note.text, note.meta) for note in made] == kept
    expected = [[(s.start, s.end, {"CITY": "B"}.get(s.label, s.label)) for s in spans] for spans in
                tagger.tag(note.text for note in notes)]  # fmt: skip
    assert [[(s.start, s.end, s.label) for s in note.spans] for note in made] == expected
    assert detection.spans == {
        label: sum(span.label == label for note in made for span in note.spans) for label in ("B", "NAME")
    }
    assert detection.characters == sum(len(note.text) for note in notes)
    assert detection.compared.overall.whole.units == sum(len(note.spans) for note in notes)


def test_labels_become_hipaa_classes() -> None:
    maps = [load_label_map("presidio"), load_label_map("meddocan")]
    labels = ["EMAIL_ADDRESS", "PHONE_NUMBER", "NOMBRE_SUJETO_ASISTENCIA", "SEXO_SUJETO_ASISTENCIA", "DATE_TIME"]
    assert list(hipaa_names(labels, maps).values()) == ["F", "D", "A", "none", "C"]


def test_every_label_without_a_meaning_is_listed() -> None:
    with pytest.raises(CorpusError) as caught:
        hipaa_names(["ES_NASS", "CITY_X", "NAME_X"], [load_label_map("presidio")])
    assert [problem.what for problem in caught.value.problems] == [
        "CITY_X is in no label map",
        "NAME_X is in no label map",
    ]
