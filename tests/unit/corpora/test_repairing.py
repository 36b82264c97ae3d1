"""A mended copy: what is mended, what is left out, what the log says, and that the copy has no defect left."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from deidrelease.corpora import repairing
from deidrelease.corpora.converting import Source
from deidrelease.corpora.inspecting import inspect
from deidrelease.corpora.repairing import log_of, repair
from deidrelease.errors import CorpusError
from deidrelease.formats import FORMATS, PatientSource, ReadOptions, open_corpus
from deidrelease.notes import Note

Record = dict[str, object]
WriteJsonl = Callable[..., Path]

FIXING = ReadOptions(overlaps="keep-longest")


def note(name: str, text: str = "Roe seen", patient: str = "p", **more: object) -> Record:
    return {"note_id": name, "patient_id": patient, "text": text, **more}


def span(start: int, end: int, label: str = "NAME") -> dict[str, object]:
    return {"start": start, "end": end, "label": label}


def read_log(target: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in log_of(target).read_text(encoding="utf-8").splitlines()]


def test_what_can_be_mended_is_and_what_cannot_is_left_out(jsonl: WriteJsonl, tmp_path: Path) -> None:
    path = jsonl(
        note("n1", "a\x00b"),
        note("n2", spans=[span(0, 3), span(0, 3), span(0, 8, "PERSON")]),
        note("n3", spans=[span(0, 3), span(4, 77), span(80, 99)]),
        "{",
        note("n5", "\ufeffRoe", spans=[span(1, 4)]),
    )
    target = tmp_path / "out.jsonl"
    done = repair(Source(path, options=FIXING), target)
    assert [(n.note_id, n.text, [(s.start, s.end, s.label) for s in n.spans]) for n in open_corpus(target)] == [
        ("n1", "a b", []),
        ("n2", "Roe seen", [(0, 8, "PERSON")]),
        ("n5", "Roe", [(0, 3, "NAME")]),
    ]
    assert done.left_out == {"offsets": 1, "syntax": 1}
    assert done.repairs["control-characters"] == done.repairs["duplicate-span"] == done.repairs["overlap"] == 1
    left_out = [entry for entry in read_log(target) if entry["done"] == "left the note out"]
    assert [(entry["where"], entry["kind"]) for entry in left_out] == [
        (f"{path}:3", "offsets"), (f"{path}:3", "offsets"), (f"{path}:4", "syntax"),
    ]  # fmt: skip
    assert len(read_log(target)) == 3 + sum(done.repairs.values())
    assert log_of(target).stat().st_mode & 0o777 == 0o600
    assert "Roe" not in log_of(target).read_text(encoding="utf-8")
    assert inspect(Source(target).open).problems == 0


def test_ids_become_unique_and_identical_notes_one(jsonl: WriteJsonl, tmp_path: Path) -> None:
    path = jsonl(
        note("n"),
        note("n"),
        note("n", "other text"),
        note("n", "Roe seen", "another patient"),
        note("n~2", "taken already"),
        note("n", "other text"),
        note("n~3", "taken too"),
        note("n~2", "again"),
    )
    target = tmp_path / "out.jsonl"
    done = repair(Source(path, options=FIXING), target)
    assert [(n.note_id, n.patient_id, n.text) for n in open_corpus(target)] == [
        ("n", "p", "Roe seen"),
        ("n~4", "p", "other text"),
        ("n~5", "another patient", "Roe seen"),
        ("n~2", "p", "taken already"),
        ("n~3", "p", "taken too"),
        ("n~2~2", "p", "again"),
    ]
    assert done.repeats == 2
    assert done.repairs == {"duplicate-note-id": 2, "note-id-of-two-patients": 1}
    assert inspect(Source(target).open).problems == 0


def test_in_a_folder_the_defects_of_one_note_count_once(tmp_path: Path) -> None:
    folder = tmp_path / "brat"
    folder.mkdir()
    for name, text, standoff in (
        ("a", b"Roe seen", b"T1\tNAME 0 3\tRoe\n"),
        ("b", b"\xff\xfe\x00Doe" * 2, None),
        ("c", b"Roe seen", b"T1\tNAME 0 3\tDoe\nR1\tof T1 T2\n*\tx\n"),
        ("d", b"Se\xf1or Roe", b"T1\tNAME 6 9\tRoe\n"),
    ):
        (folder / f"{name}.txt").write_bytes(text)
        if standoff is not None:
            (folder / f"{name}.ann").write_bytes(standoff)
    (folder / "e.ann").write_bytes(b"")
    options = ReadOptions(PatientSource("note"), "keep-longest")
    done = repair(Source(folder, options=options), tmp_path / "out.jsonl")
    assert [n.text for n in open_corpus(tmp_path / "out.jsonl")] == ["Roe seen", "Señor Roe"]
    assert sum(done.left_out.values()) == 3
    assert done.repairs == {"encoding": 1}


def test_the_copy_may_be_of_another_format(jsonl: WriteJsonl, tmp_path: Path) -> None:
    repair(Source(jsonl(note("n1", "a\x00b"), note("n2")), options=FIXING), tmp_path / "brat", "brat")
    assert [n.text for n in open_corpus(tmp_path / "brat")] == ["a b", "Roe seen"]
    assert log_of(tmp_path / "brat").exists()


@pytest.mark.parametrize("there", ["out.jsonl", "out.jsonl.log.jsonl"])
def test_nothing_is_overwritten(jsonl: WriteJsonl, tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(CorpusError, match="exists already"):
        repair(Source(jsonl(note("n1"))), tmp_path / "out.jsonl")
    assert (tmp_path / there).read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["notes.jsonl", there])


def test_a_copy_in_its_own_source_is_refused(jsonl: WriteJsonl) -> None:
    path = jsonl(note("n1"))
    with pytest.raises(CorpusError, match="lies in the corpus"):
        repair(Source(path.parent), path.parent / "out.jsonl")


def test_a_copy_of_nothing_and_its_log_are_not_left(jsonl: WriteJsonl, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="there are no notes"):
        repair(Source(jsonl("{", "[")), tmp_path / "out.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.jsonl"]


def test_a_copy_that_fails_takes_its_log_with_it(
    jsonl: WriteJsonl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = FORMATS["jsonl"]

    def lossy(notes: Iterable[Note], path: Path) -> None:
        assert good.write is not None
        good.write(list(notes)[1:], path)

    bad = replace(good, write=lossy)
    monkeypatch.setattr(repairing, "format_of_target", lambda *_: bad)
    with pytest.raises(CorpusError, match="2 notes were written and 1 read back"):
        repair(Source(jsonl(note("n1"), note("n2"))), tmp_path / "out.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.jsonl"]
