"""CSV and JSON files for `hf`: values as they stand, places by line, the same rows as `datasets` reads."""

import csv
import io
import json
from pathlib import Path

import datasets
import pytest

from deidrelease.errors import Problem
from deidrelease.formats import EVERY_NOTE_A_PATIENT, STRICT, PatientSource, ReadOptions, data_files, open_corpus
from deidrelease.notes import Note, Span

SECRET = "Lázaro"
MEND = ReadOptions(PatientSource("note"), mend=True)
NOTES = [
    Note("007", "0012", f'{SECRET},\r\n"vino"', (Span(0, 6, "NAME"),), {"ward": 3}),
    Note("NA", "null", " \t\U0001f600 ", (), {}),
    Note("2016-03-12", "1e5", "None", (), {}),
]


def rows(notes: list[Note]) -> list[dict[str, str]]:
    return [
        {
            "note_id": note.note_id,
            "patient_id": note.patient_id,
            "text": note.text,
            "spans": json.dumps([{"start": s.start, "end": s.end, "label": s.label} for s in note.spans]),
            "meta": json.dumps(dict(note.meta)),
        }
        for note in notes
    ]


def csv_file(tmp_path: Path, name: str = "f.csv", delimiter: str = ",", end: str = "\r\n") -> Path:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(rows(NOTES)[0]), delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows(NOTES))
    return file(tmp_path, stream.getvalue(), name)


def file(tmp_path: Path, content: str | bytes, name: str) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def notes(path: Path, options: ReadOptions = STRICT) -> list[Note]:
    return list(open_corpus(path, "hf", options))


def problems(path: Path, options: ReadOptions = STRICT) -> list[tuple[str, str]]:
    found = [item for item in open_corpus(path, "hf", options).everything() if isinstance(item, Problem)]
    assert not any("zaro" in str(problem) for problem in found)
    return [(problem.where.removeprefix(str(path)), problem.kind) for problem in found]


@pytest.mark.parametrize(
    ("name", "delimiter", "end"), [("f.csv", ",", "\r\n"), ("f.CSV", ",", "\n"), ("f.tsv", "\t", "\n")]
)
def test_values_of_csv_are_taken_as_they_stand(name: str, delimiter: str, end: str, tmp_path: Path) -> None:
    assert notes(csv_file(tmp_path, name, delimiter, end)) == NOTES


def test_datasets_streams_the_same_rows_when_it_is_told_that_all_are_strings(tmp_path: Path) -> None:
    path = csv_file(tmp_path)
    features = datasets.Features(dict.fromkeys(rows(NOTES)[0], datasets.Value("string")))
    found = datasets.load_dataset(
        "csv",
        data_files=str(path),
        split="train",
        streaming=True,
        cache_dir=str(tmp_path / "cache"),
        features=features,
        keep_default_na=False,
    )
    assert list(found) == rows(NOTES)
    # Without, it guesses, which is why it does not read for us.
    guessed = datasets.load_dataset(
        "csv", data_files=str(path), split="train", streaming=True, cache_dir=str(tmp_path / "cache")
    )
    assert [row["note_id"] for row in guessed] != [note.note_id for note in NOTES]


def test_json_lines_and_arrays_are_read_with_their_lines(tmp_path: Path) -> None:
    records = [{**row, "spans": json.loads(row["spans"]), "meta": json.loads(row["meta"])} for row in rows(NOTES)]
    lines = file(tmp_path, "\n\n".join(json.dumps(record) for record in records), "f.jsonl")
    array = file(tmp_path, json.dumps(records, indent=1), "g.json")
    plain = file(tmp_path, "\n".join(json.dumps(record) for record in records), "h.json")
    for path in (lines, array, plain):
        assert notes(path) == NOTES
    places = [located.where for located in open_corpus(lines, "hf").located()]
    assert places == [f"{lines}:{number}" for number in (1, 3, 5)]
    streamed = datasets.load_dataset(
        "json", data_files=str(lines), split="train", streaming=True, cache_dir=str(tmp_path / "cache")
    )
    assert [row["text"] for row in streamed] == [note.text for note in NOTES]


def test_tokens_and_tags_are_read_from_json_and_csv(tmp_path: Path) -> None:
    record = {"id": 7, "tokens": ["Ana", "Gil"], "ner_tags": ["B-PER", "I-PER"]}
    expected = [Note("7", "7", "Ana Gil", (Span(0, 7, "PER"),))]
    assert notes(file(tmp_path, json.dumps(record), "f.json"), EVERY_NOTE_A_PATIENT) == expected
    line = '7,"[""Ana"",""Gil""]","[""B-PER"",""I-PER""]"\n'
    assert notes(file(tmp_path, f"id,tokens,ner_tags\n{line}", "f.csv"), EVERY_NOTE_A_PATIENT) == expected


HEAD = "note_id,patient_id,text,spans\n"
BAD_CSV = {
    "no text": ("note_id,patient_id\na,p\n", [(":1", "field")]),
    "a column twice": ("note_id,text,text\n", [(":1", "field")]),
    "a field too few": (f"{HEAD}a,p,x,\nb,p,{SECRET}\nc,p,x,\n", [(":3", "syntax")]),
    "a field too many": (f"{HEAD}a,p,x,,{SECRET}\n", [(":2", "syntax")]),
    "a quote that stays open": (f'{HEAD}a,p,x,\nb,p,"{SECRET}\n\n', [(":3", "syntax")]),
    "text behind a quote": (f'{HEAD}a,p,"x"{SECRET},\n', [(":2", "syntax")]),
    "spans no JSON": (f"{HEAD}a,p,x,[{SECRET}\n", [(":2", "field")]),
    "offsets outside": (f'{HEAD}a,p,x,"[{{""start"":0,""end"":9,""label"":""X""}}]"\n', [(":2", "offsets")]),
    "Latin-1": (f"{HEAD}a,p,{SECRET},\nb,p,x,\n".encode("latin-1"), [(":2", "encoding")]),
    "a mark": (b"\xef\xbb\xbf" + f"{HEAD}a,p,x,\n".encode(), [(":1", "byte-order-mark")]),
    "NUL": (f"{HEAD}a,p,x\0,\n", [(":2", "control-characters")]),
    "behind lines in a field": (f'{HEAD}a,p,"x\ny\nz",\n,p,x,\n', [(":5", "field")]),
    "an id twice": (f"{HEAD}a,p,x,\na,p,x,\n", [(":3", "duplicate-note-id")]),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_bad_csv_is_named_by_its_line(case: str, tmp_path: Path) -> None:
    content, expected = BAD_CSV[case]
    assert problems(file(tmp_path, content, "f.csv")) == expected


GOOD = {"note_id": "n", "patient_id": "p", "text": "x"}
BAD_JSON = {
    "cut off": (json.dumps(GOOD)[:-5], [(":1", "syntax")]),
    "no object": (f'{json.dumps(GOOD)}\n"{SECRET}"\n', [(":2", "syntax")]),
    "nested too deeply": ('{"a":' * 100_000, [(":1", "syntax")]),
    "a number of 5,000 digits": ('{"a":' + "9" * 5000 + "}", [(":1", "syntax")]),
    "Latin-1": (json.dumps({**GOOD, "text": SECRET}, ensure_ascii=False).encode("latin-1"), [(":1", "encoding")]),
    "half a pair": (json.dumps({**GOOD, "text": "\ud83d"}), [(":1", "surrogate")]),
    "half a pair in a label": (
        json.dumps({**GOOD, "spans": [{"start": 0, "end": 1, "label": "\ud83d"}]}),
        [(":1", "label")],
    ),
    "meta with NaN is kept as JSON has it": (json.dumps({**GOOD, "meta": {"a": 1}}), []),
    "an unknown field": (json.dumps({**GOOD, SECRET: 1}), [(":1", "field")]),
    "in an array": (f'[\n{json.dumps(GOOD)},\n{{"note_id": 1.5, "text": null}}\n]', [(":3", "field"), (":3", "field")]),
    "an array cut off": (f"[\n{json.dumps(GOOD)},\n", [(":3", "syntax")]),
    "a mark": (b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), [(":1", "byte-order-mark")]),
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_bad_json_is_named_by_its_line(case: str, tmp_path: Path) -> None:
    content, expected = BAD_JSON[case]
    assert problems(file(tmp_path, content, "f.json")) == expected


@pytest.mark.parametrize("name", ["f.csv", "f.json", "g.json"])
def test_a_mark_and_latin_1_are_mended_and_recorded(name: str, tmp_path: Path) -> None:
    record = json.dumps({"note_id": "a", "text": SECRET}, ensure_ascii=False)
    content = {"f.csv": f"note_id,text\na,{SECRET}\n", "f.json": record, "g.json": f"[{record}]"}[name]
    path = file(tmp_path, b"\xef\xbb\xbf" + content.encode("latin-1"), name)
    (located,) = open_corpus(path, "hf", MEND).located()
    assert located.note.text == SECRET
    assert [fix.kind for fix in located.fixes] == ["byte-order-mark", "encoding"]


def test_what_is_larger_than_any_note_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_files, "NOTE_BYTES", 50)
    long = json.dumps({**GOOD, "note_id": "m", "text": "x" * 100})
    lines = file(tmp_path, f"{json.dumps(GOOD)}\n{long}\n{json.dumps({**GOOD, 'note_id': 'o'})}", "f.json")
    assert problems(lines) == [(":2", "too-large")]
    # A quote that is never closed would take in all that follows.
    open_quote = file(tmp_path, f'{HEAD}a,p,x,\nb,p,"{"x" * 30}' + "\n" * 100, "f.csv")
    assert problems(open_quote) == [(":3", "too-large")]


def test_a_file_that_cannot_be_opened_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "f.csv").mkdir()
    (tmp_path / "g.json").mkdir()
    assert problems(tmp_path) == [("/f.csv", "unreadable"), ("/g.json", "unreadable")]
