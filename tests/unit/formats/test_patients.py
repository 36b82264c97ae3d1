"""Whose note it is: from where the user said, and from nowhere else."""

import json
from pathlib import Path

import pytest

from deidrelease.errors import ConfigError, CorpusError
from deidrelease.formats import PatientSource, ReadOptions, brat, open_corpus
from deidrelease.notes import Note


def patients(path: Path, source: str) -> list[str]:
    return [note.patient_id for note in open_corpus(path, options=ReadOptions(PatientSource.parse(source)))]


def records(path: Path, *records: dict[str, object]) -> Path:
    path.write_text("\n".join(json.dumps(record) for record in records))
    return path


def problem(path: Path, source: str) -> str:
    with pytest.raises(CorpusError) as caught:
        patients(path, source)
    (found,) = caught.value.problems
    return str(found)


@pytest.mark.parametrize("text", ["recorded", "note", "field:mrn", "field:meta.mrn", "file:(\\d+)_", "table:a:b.csv"])
def test_a_source_is_written_as_it_is_parsed(text: str) -> None:
    assert str(PatientSource.parse(text)) == text


@pytest.mark.parametrize("text", ["", "field", "field:", "note:x", "patient", "Field:x"])
def test_what_names_no_source_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="does not say where patient ids stand"):
        PatientSource.parse(text)


def test_a_field_of_the_record_or_of_its_meta(tmp_path: Path) -> None:
    path = records(
        tmp_path / "n.jsonl",
        {"note_id": "a", "text": "x", "mrn": "p1"},
        {"note_id": "b", "text": "x", "meta": {"mrn": 7}},
    )
    assert patients(path, "field:mrn") == ["p1", "7"]


def test_a_field_inside_another(tmp_path: Path) -> None:
    path = records(tmp_path / "n.jsonl", {"note_id": "a", "text": "x", "meta": {"who": {"mrn": "p1"}}})
    assert patients(path, "field:who.mrn") == ["p1"]


@pytest.mark.parametrize("value", [None, "", True, 1.5, ["p"]])
def test_a_field_that_names_nobody_is_a_problem(value: object, tmp_path: Path) -> None:
    path = records(tmp_path / "n.jsonl", {"note_id": "a", "text": "x", "mrn": value})
    assert problem(path, "field:mrn").startswith(f"{path}:1: has no field mrn")


def test_an_unknown_field_is_a_problem_where_patients_do_not_come_from_it(tmp_path: Path) -> None:
    path = records(tmp_path / "n.jsonl", {"note_id": "a", "text": "x", "mrn": "p1", "ward": 3})
    assert "has 1 field(s) that the format does not know" in problem(path, "field:mrn")


def folder(tmp_path: Path, *names: str) -> Path:
    path = tmp_path / "notes"
    path.mkdir()
    for name in names:
        (path / f"{name}.txt").write_text("x")
        (path / f"{name}.ann").touch()
    return path


@pytest.mark.parametrize("pattern", [r"(\d+)-", r"(?P<patient>\d+)-(\d+)", r"^(?:note-)?(\d+)-\d+\.txt$"])
def test_the_file_name_by_a_pattern(pattern: str, tmp_path: Path) -> None:
    assert patients(folder(tmp_path, "17-1", "17-2", "note-23-1"), f"file:{pattern}") == ["17", "17", "23"]


def test_a_name_that_the_pattern_does_not_fit_is_a_problem(tmp_path: Path) -> None:
    path = folder(tmp_path, "17-1", "extra")
    assert problem(path, r"file:(\d+)-").startswith(f"{path / 'extra.txt'}: has a file name that the pattern")


def test_a_patient_in_a_file_name_is_kept_out_of_messages(tmp_path: Path) -> None:
    path = folder(tmp_path, "4711-1")
    (path / "4711-1.ann").write_text("T1\tX 0 9\tx\n")
    message = problem(path, r"file:(\d+)-")
    assert message.startswith(f"{path / '<patient>-1.ann'}:1: span 0-9")
    assert "4711" not in message.removeprefix(str(path))


@pytest.mark.parametrize("pattern", ["(", "x", "(a)(b)"])
def test_a_pattern_without_a_place_for_the_patient_is_refused(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="The pattern for patients cannot be used"):
        patients(folder(tmp_path, "a"), f"file:{pattern}")


def test_a_table_beside_the_corpus(tmp_path: Path) -> None:
    table = tmp_path / "p.csv"
    table.write_text('\ufeffnote_id,ward,patient_id\na,3,p1\nb,3,"p,2"\n', encoding="utf-8")
    assert patients(folder(tmp_path, "a", "b"), f"table:{table}") == ["p1", "p,2"]


BAD_TABLES = {
    "no header": ("a,p1\n", ":1: the header does not name"),
    "an empty id": ("note_id,patient_id\na,\n", ":2: a note or patient id is empty"),
    "a second patient": ("note_id,patient_id\na,p1\na,p2\n", ":3: gives a note a second patient"),
    "latin-1": ("note_id,patient_id\na,p\xe1\n", "is not UTF-8"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_bad_table_is_named_with_its_line(case: str, tmp_path: Path) -> None:
    content, message = BAD_TABLES[case]
    table = tmp_path / "p.csv"
    table.write_bytes(content.encode("latin-1"))
    with pytest.raises(CorpusError, match=message):
        patients(folder(tmp_path, "a"), f"table:{table}")


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read"):
        patients(folder(tmp_path, "a"), f"table:{tmp_path / 'none.csv'}")


def test_a_note_that_the_table_does_not_list(tmp_path: Path) -> None:
    table = tmp_path / "p.csv"
    table.write_text("note_id,patient_id\na,p1\n")
    path = folder(tmp_path, "a", "b")
    assert problem(path, f"table:{table}").startswith(f"{path / 'b.txt'}: is not listed in {table}")


def test_a_declared_source_wins_over_what_is_recorded(tmp_path: Path) -> None:
    brat.write([Note("a", "p1", "x", (), {"mrn": "m1"})], tmp_path / "out")
    assert patients(tmp_path / "out", "recorded") == ["p1"]
    assert patients(tmp_path / "out", "note") == ["a"]
    assert patients(tmp_path / "out", "field:mrn") == ["m1"]
