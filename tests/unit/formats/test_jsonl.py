"""JSONL: what is refused, and how it is said; shards by bytes."""

import json
from pathlib import Path

import pytest

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import EVERY_NOTE_A_PATIENT, PatientSource, ReadOptions, jsonl, open_corpus
from deidrelease.notes import Note, Span, digest_of

SECRET = "Lázaro"  # stands in every bad line below; no message may hold it


def record(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "note_id": "n1",
        "patient_id": "p1",
        "text": f"{SECRET} vino.",
        "spans": [{"start": 0, "end": 6, "label": "NAME"}],
        "meta": {},
    }
    return {**whole, **changes}


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in record().items() if key != name}


def line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def problems(path: Path, patients: str = "recorded") -> tuple[Problem, ...]:
    with pytest.raises(CorpusError) as caught:
        list(open_corpus(path, "jsonl", ReadOptions(PatientSource(patients))))
    assert SECRET not in str(caught.value)
    assert "zaro" not in str(caught.value)
    assert all(problem.remedy for problem in caught.value.problems)
    return caught.value.problems


ODD_SPANS = "is not an object of integers start and end and a string label"
BAD_LABEL = "a span at 0-6 has a label that is empty or holds what no label may"
BAD_ID = "note_id holds control characters or half a surrogate pair"
BAD = {
    "latin-1": (f'{{"note_id": "{SECRET}"}}'.encode("latin-1"), ["byte 14 is not UTF-8"]),
    "truncated": (line(record())[:-20], ["is not JSON at column"]),
    "no json": (SECRET.encode(), ["is not JSON at column 1"]),
    "two on a line": (line(record()) + line(record()), ["is not JSON at column"]),
    "a list": (line([SECRET]), ["is not a JSON object"]),
    "a string": (line(SECRET), ["is not a JSON object"]),
    "nested too deeply": (b"[" * 100_000, ["is nested too deeply"]),
    "a number of 5,000 digits": (line(record())[:-1] + b',"n":' + b"9" * 5000 + b"}", ["is not JSON"]),
    "no note_id": (line(without("note_id")), ["note_id is missing, empty or not a string"]),
    "empty note_id": (line(record(note_id="")), ["note_id is missing, empty or not a string"]),
    "note_id a number": (line(record(note_id=7)), ["note_id is missing, empty or not a string"]),
    "no patient_id": (line(without("patient_id")), ["patient_id is missing, empty or not a string"]),
    "patient_id null": (line(record(patient_id=None)), ["patient_id is missing, empty or not a string"]),
    "no text": (line(without("text")), ["text is missing or not a string"]),
    "text a list": (line(record(text=[SECRET])), ["text is missing or not a string"]),
    "unknown field": (
        line(record(**{SECRET: 1})),
        ["has 1 field(s) that the format does not know"],
    ),
    "meta a list": (line(record(meta=[SECRET])), ["meta is not an object"]),
    "spans an object": (line(record(spans={SECRET: 1})), ["spans is not a list"]),
    "a span a list": (line(record(spans=[[0, 6, SECRET]])), [f"span 0 {ODD_SPANS}"]),
    "a float offset": (line(record(spans=[{"start": 0.0, "end": 6, "label": "X"}])), [f"span 0 {ODD_SPANS}"]),
    "a truth offset": (line(record(spans=[{"start": False, "end": True, "label": "X"}])), [f"span 0 {ODD_SPANS}"]),
    "no label": (line(record(spans=[{"start": 0, "end": 6}])), [f"span 0 {ODD_SPANS}"]),
    "empty label": (
        line(record(spans=[{"start": 0, "end": 6, "label": ""}])),
        ["a span at 0-6 has a label that is empty or holds what no label may"],
    ),
    "outside": (line(record(spans=[{"start": 0, "end": 60, "label": "X"}])), ["span 0-60 is empty or lies outside"]),
    "turned round": (line(record(spans=[{"start": 6, "end": 0, "label": "X"}])), ["span 6-0 is empty or lies outside"]),
    "twice": (line(record(spans=[{"start": 0, "end": 6, "label": "X"}] * 2)), ["span 0-6 stands twice"]),
    "surrogate in text": (rb'{"note_id":"n","patient_id":"p","text":"\ud83d"}', ["text holds an unpaired surrogate"]),
    "surrogate in id": (
        rb'{"note_id":"\ude00","patient_id":"p","text":""}',
        [BAD_ID],
    ),
    "surrogate in meta": (
        rb'{"note_id":"n","patient_id":"p","text":"","meta":{"a":["\uDC00"]}}',
        ["holds an unpaired surrogate"],
    ),
    "surrogate in label": (
        rb'{"note_id":"n","patient_id":"p","text":"abc","spans":[{"start":0,"end":1,"label":"\ud83d"}]}',
        ["a span at 0-1 has a label that is empty or holds"],
    ),
    "several at once": (
        line(record(note_id="", meta=3, spans=[{"start": 9, "end": 3, "label": "X"}, 4])),
        ["meta is not an object", f"span 1 {ODD_SPANS}", "note_id is missing", "span 9-3 is empty"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_line_is_named_with_its_number_and_a_remedy(case: str, tmp_path: Path) -> None:
    bad, expected = BAD[case]
    path = tmp_path / "notes.jsonl"
    path.write_bytes(line(record(note_id="n0")) + b"\n\n" + bad + b"\n" + line(record(note_id="n9")) + b"\n")
    found = problems(path)
    assert [problem.where for problem in found] == [f"{path}:3"] * len(expected)
    for problem, what in zip(found, expected, strict=True):
        assert what in problem.what


def test_a_byte_order_mark_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line(record()) + b"\n")
    (problem,) = problems(path)
    assert problem.where == f"{path}:1"
    assert "byte order mark" in problem.what
    assert "without a mark" in problem.remedy


def test_the_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"{\n" + line(record()) + b"\n")
    (tmp_path / "b.jsonl").write_bytes(line(record()) + b"\n[]\n")
    found = [problem.where for problem in problems(tmp_path)]
    assert found == [f"{tmp_path / 'a.jsonl'}:1", f"{tmp_path / 'b.jsonl'}:1", f"{tmp_path / 'b.jsonl'}:2"]


def test_each_note_may_be_declared_a_patient_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_bytes(line(without("patient_id")) + b"\n" + line(record(note_id="n2", patient_id=None)))
    assert [note.patient_id for note in open_corpus(path, "jsonl", EVERY_NOTE_A_PATIENT)] == ["n1", "n2"]


def test_spans_and_meta_may_be_absent_and_lines_may_end_in_crlf(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_bytes(b'{"note_id":"a","patient_id":"p","text":""}\r\n{"note_id":"b","patient_id":"p","text":"x\\r"}')
    assert list(open_corpus(path, "jsonl")) == [Note("a", "p", ""), Note("b", "p", "x\r")]


def test_a_surrogate_pair_is_one_code_point(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    span = b'{"start":1,"end":3,"label":"NAME"}'
    path.write_bytes(rb'{"note_id":"n","patient_id":"p","text":"\ud83d\ude00Bo","spans":[' + span + b"]}")
    assert list(open_corpus(path, "jsonl")) == [Note("n", "p", "\U0001f600Bo", (Span(1, 3, "NAME"),))]


def test_an_empty_file_is_an_empty_corpus_and_an_empty_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.jsonl").touch()
    assert list(open_corpus(tmp_path / "full", "jsonl")) == []
    (tmp_path / "bare").mkdir()
    with pytest.raises(CorpusError, match=r"no \.jsonl file"):
        open_corpus(tmp_path / "bare", "jsonl")


NOTES = [Note(f"n{i}", f"p{i % 3}", "é\U0001f600\r\n" * (i * 7 % 12), (), {"i": i}) for i in range(40)]


@pytest.mark.parametrize("shard_bytes", [1, 2, 7, 64, 97, 100_000])
def test_shards_by_bytes_read_each_line_once(shard_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notes.jsonl"
    jsonl.write(NOTES, path)
    monkeypatch.setattr(jsonl, "SHARD_BYTES", shard_bytes)
    corpus = open_corpus(path, "jsonl")
    assert len(corpus.shards) == -(-path.stat().st_size // shard_bytes)
    assert [located.where for located in corpus.located()] == [f"{path}:{i + 1}" for i in range(40)]
    assert list(corpus) == NOTES
    assert corpus.digest() == digest_of(NOTES)


def test_a_shard_that_begins_at_a_line_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notes.jsonl"
    jsonl.write([Note(f"n{i}", "p", "x") for i in range(3)], path)
    monkeypatch.setattr(jsonl, "SHARD_BYTES", path.stat().st_size // 3)
    ids = [[item.note.note_id for item in shard.read()] for shard in open_corpus(path, "jsonl").shards]
    assert ids == [["n0"], ["n1"], ["n2"]]


def test_line_numbers_are_right_in_later_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notes.jsonl"
    lines = [line(record(note_id=f"n{i}")) for i in range(30)]
    lines[11], lines[28], lines[20] = b"{", b"\xff", b""
    path.write_bytes(b"\n".join(lines))
    monkeypatch.setattr(jsonl, "SHARD_BYTES", 256)
    assert [problem.where for problem in problems(path)] == [f"{path}:12", f"{path}:29"]


def test_an_existing_target_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text("precious")
    with pytest.raises(CorpusError, match="exists already — name a new file"):
        jsonl.write([Note("n", "p", SECRET)], path)
    assert path.read_text() == "precious"


def test_nothing_appears_where_writing_fails(tmp_path: Path) -> None:
    def notes():  # type: ignore[no-untyped-def]
        yield Note("n", "p", SECRET)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        jsonl.write(notes(), tmp_path / "notes.jsonl")
    assert list(tmp_path.iterdir()) == []
