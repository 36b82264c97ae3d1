"""presidio's span JSON: what is read, what is refused, and the whole corpus."""

import json
import os
from pathlib import Path

import pytest

from deidrelease.errors import Problem
from deidrelease.formats import EVERY_NOTE_A_PATIENT, PatientSource, ReadOptions, open_corpus, presidio_spans
from deidrelease.formats.table import find_format
from deidrelease.notes import Note, Span

SECRET = "Lázaro"
MEND = ReadOptions(PatientSource("note"), mend=True)


def sample(**changes: object) -> dict[str, object]:
    span = {"entity_type": "PERSON", "entity_value": SECRET, "start_position": 0, "end_position": 6}
    whole: dict[str, object] = {
        "full_text": f"{SECRET} vino.",
        "masked": "{{PERSON}} vino.",
        "spans": [span],
        "template_id": 7,
        "metadata": None,
    }
    return {**whole, **changes}


def span(**changes: object) -> dict[str, object]:
    return {"entity_type": "X", "entity_value": SECRET, "start_position": 0, "end_position": 6, **changes}


def file(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "samples.json"
    raw = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False, indent=1).encode()
    path.write_bytes(raw)
    return path


def items(path: Path, options: ReadOptions = EVERY_NOTE_A_PATIENT) -> tuple[list[Note], list[Problem]]:
    everything = list(open_corpus(path, "presidio", options).everything())
    bad = [item for item in everything if isinstance(item, Problem)]
    assert not any("zaro" in str(problem) for problem in bad)
    return [item.note for item in everything if not isinstance(item, Problem)], bad


def test_samples_are_read_and_numbered(tmp_path: Path) -> None:
    path = file(tmp_path, [sample(), sample(full_text="x", spans=[], template_id=None, metadata={"patient": 3})])
    assert find_format(path).name == "presidio"
    first = Note("0", "0", f"{SECRET} vino.", (Span(0, 6, "PERSON"),), {"template_id": 7})
    assert items(path) == ([first, Note("1", "1", "x", (), {"metadata": {"patient": 3}})], [])
    (second,), bad = items(path, ReadOptions(PatientSource("field", "metadata.patient")))
    assert (second.patient_id, [problem.kind for problem in bad]) == ("3", ["no-patient"])


BAD = {
    "no text": (sample(full_text=None), "field"),
    "text a list": (sample(full_text=[SECRET]), "field"),
    "no spans": ({"full_text": SECRET}, "field"),
    "spans an object": (sample(spans={SECRET: 1}), "field"),
    "unknown field": (sample(**{SECRET: 1}), "field"),
    "span a list": (sample(spans=[[0, 6]]), "field"),
    "span without value": (sample(spans=[{"entity_type": "X", "start_position": 0, "end_position": 6}]), "field"),
    "a truth offset": (sample(spans=[span(start_position=False)]), "field"),
    "a float offset": (sample(spans=[span(end_position=6.0)]), "field"),
    "empty label": (sample(spans=[span(entity_type="")]), "label"),
    "outside": (sample(spans=[span(start_position=90, end_position=96)]), "offsets"),
    "negative": (sample(spans=[span(start_position=-6)]), "offsets"),
    "mismatch": (sample(spans=[span(start_position=1, end_position=7)]), "text-mismatch"),
    "twice": (sample(spans=[span(), span()]), "duplicate-span"),
    "NUL": (sample(full_text=f"{SECRET}\0"), "control-characters"),
    "surrogate": (json.dumps(sample(full_text="\ud83d")).encode(), "surrogate"),
    "latin-1": (json.dumps(sample(), ensure_ascii=False).encode("latin-1"), "encoding"),
    "no json": (b'{"full_text": ' + SECRET.encode() + b"}", "syntax"),
    "nested deeply": (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "syntax"),
    "5,000 digits": (b'{"a": ' + b"9" * 5000 + b"}", "syntax"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_sample_is_named_and_the_others_read(case: str, tmp_path: Path) -> None:
    content, kind = BAD[case]
    raw = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    good = json.dumps(sample()).encode()
    path = file(tmp_path, b"[\n" + good + b",\n" + raw + b",\n" + good + b"]")
    notes, bad = items(path)
    assert [(problem.where, problem.kind) for problem in bad] == [(f"{path}:3", kind)]
    assert [note.note_id for note in notes] == ["0", "2"]


def test_a_cut_off_file_keeps_what_was_whole(tmp_path: Path) -> None:
    raw = json.dumps([sample(), sample()], indent=1).encode()
    notes, bad = items(file(tmp_path, raw[:-20]))
    assert ([note.note_id for note in notes], [problem.kind for problem in bad]) == (["0"], ["syntax"])


def test_a_byte_order_mark_is_named_or_dropped(tmp_path: Path) -> None:
    path = file(tmp_path, b"\xef\xbb\xbf" + json.dumps([sample(), sample()]).encode())
    assert find_format(path).name == "presidio"
    assert [problem.kind for problem in items(path)[1]] == ["byte-order-mark"]
    located = list(open_corpus(path, "presidio", MEND).located())
    assert [[fix.kind for fix in one.fixes] for one in located] == [["byte-order-mark"], []]


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "samples.json").mkdir()
    assert [problem.kind for problem in items(tmp_path / "samples.json")[1]] == ["unreadable"]


@pytest.mark.parametrize("content", [[], {"full_text": "x"}, [{"data": {"text": "x"}}], [["full_text"]]])
def test_other_json_is_not_taken_for_it(content: object, tmp_path: Path) -> None:
    assert not presidio_spans.recognises(file(tmp_path, content))


@pytest.fixture
def corpus() -> Path:
    folder = os.environ.get("DEIDRELEASE_CORPORA", "")
    if not folder:
        pytest.skip("DEIDRELEASE_CORPORA is not set; it names the folder that holds presidio-synthetic/")
    return Path(folder) / "presidio-synthetic" / "synth_dataset_v2.json"


def test_the_whole_corpus_is_read(corpus: Path) -> None:
    assert find_format(corpus).name == "presidio"
    notes, bad = items(corpus)
    assert bad == []
    whole = json.loads(corpus.read_bytes())
    assert [note.text for note in notes] == [one["full_text"] for one in whole]
    assert [len(note.spans) for note in notes] == [len(one["spans"]) for one in whole]
    assert (len(notes), sum(len(note.spans) for note in notes)) == (1500, 2863)
