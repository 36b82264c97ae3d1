"""BRAT standoff: what is refused, and how it is said; ids that are no file names."""

import json
from pathlib import Path

import pytest

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import EVERY_NOTE_A_PATIENT, PatientSource, ReadOptions, brat, open_corpus
from deidrelease.notes import Note, Span, digest_of

SECRET = "Lázaro"  # stands in every note below; no message may hold it
TEXT = f"{SECRET} Gil\r\nvive en Lugo.\n"  # Lázaro 0-6, Gil 7-10, CR 10, LF 11, vive 12-16, en 17-19, Lugo 20-24


def folder(tmp_path: Path, ann: str | bytes = "", text: str | bytes = TEXT) -> Path:
    path = tmp_path / "corpus"
    path.mkdir()
    (path / "a.txt").write_bytes(text.encode() if isinstance(text, str) else text)
    (path / "a.ann").write_bytes(ann.encode() if isinstance(ann, str) else ann)
    return path


def problems(path: Path, patients: str = "note") -> tuple[Problem, ...]:
    with pytest.raises(CorpusError) as caught:
        list(open_corpus(path, "brat", ReadOptions(PatientSource(patients))))
    assert SECRET not in str(caught.value)
    assert "Lugo" not in str(caught.value)
    assert all(problem.remedy for problem in caught.value.problems)
    return caught.value.problems


@pytest.mark.parametrize(
    ("ann", "spans"),
    [
        ("", ()),
        ("\n \n", ()),
        ("T1\tNAME 0 6\tLázaro\n", (Span(0, 6, "NAME"),)),
        ("T1\tNAME 0 6\tLázaro\r\nT2\tCITY 20 24\tLugo\r\n", (Span(0, 6, "NAME"), Span(20, 24, "CITY"))),
        # Out of order, no LF at the end.
        ("T2\tCITY 20 24\tLugo\nT1\tNAME 0 10\tLázaro Gil", (Span(0, 10, "NAME"), Span(20, 24, "CITY"))),
        # A span over a line end, which brat writes as spaces.
        ("T1\tX 7 16\tGil  vive\n", (Span(7, 16, "X"),)),
        # The line end alone.
        ("T1\tX 10 12\t  \n", (Span(10, 12, "X"),)),
    ],
)
def test_standoff_is_read(ann: str, spans: tuple[Span, ...], tmp_path: Path) -> None:
    assert list(open_corpus(folder(tmp_path, ann), "brat", EVERY_NOTE_A_PATIENT)) == [Note("a", "a", TEXT, spans)]


def test_combining_characters_and_emoji_are_counted_one_by_one(tmp_path: Path) -> None:
    text = "\U0001f468\u200d\U0001f469 Jose\u0301\u2028Gil"  # emoji 0-3, Jose + accent 4-9, separator 9, Gil 10-13
    path = folder(tmp_path, "T1\tNAME 4 13\tJose\u0301 Gil\n", text)
    assert list(open_corpus(path, "brat", EVERY_NOTE_A_PATIENT)) == [Note("a", "a", text, (Span(4, 13, "NAME"),))]


OFFSETS = "they count Unicode code points"
UNITS = "if they count CR LF as one"
BAD = {
    "relation": ("R1\tmet Arg1:T1 Arg2:T2\n", "is no text-bound annotation", "remove relations"),
    "comment": (f"#1\tAnnotatorNotes T1\t{SECRET}\n", "is an annotator's remark", "read with merge"),
    "discontinuous": (f"T1\tNAME 0 6;20 24\t{SECRET} Lugo\n", "is a discontinuous span", "spans of their own"),
    "no tab": (f"T1 NAME 0 6 {SECRET}\n", "is not 'T<n> TAB LABEL", "correct the line"),
    "no offsets": (f"T1\tNAME\t{SECRET}\n", "is not 'T<n> TAB LABEL", "correct the line"),
    "negative": (f"T1\tNAME -1 6\t{SECRET}\n", "is not 'T<n> TAB LABEL", "correct the line"),
    "a float": (f"T1\tNAME 0.0 6\t{SECRET}\n", "is not 'T<n> TAB LABEL", "correct the line"),
    "5,000 digits": (f"T1\tNAME 0 {'9' * 5000}\t{SECRET}\n", "", "correct the"),
    "outside": (f"T1\tNAME 0 99\t{SECRET} Gil\n", "span 0-99 is empty or lies outside the text", "correct the offsets"),
    "turned round": (f"T1\tNAME 6 0\t{SECRET}\n", "span 6-0 is empty or lies outside the text", "correct the offsets"),
    "empty": ("T1\tNAME 6 6\t\n", "span 6-6 is empty or lies outside the text", "correct the offsets"),
    "other text": (f"T1\tCITY 20 24\t{SECRET}\n", "its text is not what the note has at 20-24", OFFSETS),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_annotation_is_named_with_its_line_and_a_remedy(case: str, tmp_path: Path) -> None:
    bad, what, remedy = BAD[case]
    path = folder(tmp_path, f"T9\tX 7 10\tGil\n\n{bad}")
    (problem,) = problems(path)
    assert problem.where == f"{path / 'a.ann'}:3"
    assert what in problem.what
    assert remedy in problem.remedy


UNITS = {
    # Offsets of other tools, of NAME and CITY: proven by the texts that they quote.
    "CR LF as one": "T1\tNAME 0 6\tLázaro\nT2\tCITY 19 23\tLugo\n",
    "UTF-8 bytes": "T1\tNAME 0 7\tLázaro\nT2\tCITY 21 25\tLugo\n",
}


@pytest.mark.parametrize("units", UNITS)
def test_offsets_in_other_units_are_told_and_can_be_mended(units: str, tmp_path: Path) -> None:
    path = folder(tmp_path, UNITS[units])
    assert all(f"if they count {units}" in problem.remedy for problem in problems(path))
    options = ReadOptions(PatientSource("note"), mend=True)
    (located,) = open_corpus(path, "brat", options).located()
    assert located.note.spans == (Span(0, 6, "NAME"), Span(20, 24, "CITY"))
    (fix,) = located.fixes
    assert (fix.kind, fix.what) == ("text-mismatch", f"its offsets count {units}")


def test_all_bad_lines_of_all_notes_come_at_once(tmp_path: Path) -> None:
    path = folder(tmp_path, "T1\tNAME 0 99\tx\nT2\tX 7 10\tGil\nR1\t\n")
    (path / "b.txt").write_bytes(b"\xe9")
    (path / "b.ann").touch()
    assert sorted(problem.where for problem in problems(path)) == [
        f"{path / 'a.ann'}:1",
        f"{path / 'a.ann'}:3",
        f"{path / 'b.txt'}",
    ]


@pytest.mark.parametrize("name", ["a.txt", "a.ann", "notes.jsonl"])
def test_a_file_that_is_not_utf_8_is_named_with_the_byte(name: str, tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / name).write_bytes(b"L\xe1zaro")
    (problem,) = problems(path)
    assert problem.where.startswith(str(path / name))
    assert "byte 1 is not UTF-8" in problem.what


def test_the_same_annotation_twice_is_a_problem(tmp_path: Path) -> None:
    path = folder(tmp_path, f"T1\tNAME 0 6\t{SECRET}\nT2\tNAME 0 6\t{SECRET}\n")
    (problem,) = problems(path)
    assert problem.where == f"{path / 'a.ann'}:2"
    assert "stands twice" in problem.what


def test_a_note_without_ann_is_named(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "a.ann").unlink()
    (problem,) = problems(path)
    assert problem.where == str(path / "a.ann")
    assert "is missing" in problem.what
    assert "empty file means a note without PII" in problem.remedy


def test_ann_without_a_note_is_named(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "b.ann").touch()
    (path / "c.ann").touch()
    assert [problem.where for problem in problems(path)] == [str(path / "b.ann"), str(path / "c.ann")]


def test_a_byte_order_mark_is_a_code_point_of_the_text(tmp_path: Path) -> None:
    path = folder(tmp_path, "T1\tX 1 4\tAna\n", b"\xef\xbb\xbfAna")
    (note,) = open_corpus(path, "brat", EVERY_NOTE_A_PATIENT)
    assert (note.text, note.spans) == ("\ufeffAna", (Span(1, 4, "X"),))


def test_offsets_that_do_not_count_the_mark_are_told(tmp_path: Path) -> None:
    path = folder(tmp_path, "T1\tX 0 3\tAna\n", b"\xef\xbb\xbfAna")
    (problem,) = problems(path)
    assert "if they count no byte order mark" in problem.remedy


@pytest.mark.parametrize("ann", ["T1\tX 0 3\tAna\n", "T1\tX 1 4\tAna\n"])
def test_a_mended_copy_has_no_mark_whether_offsets_counted_it_or_not(ann: str, tmp_path: Path) -> None:
    path = folder(tmp_path, ann, b"\xef\xbb\xbfAna")
    (note,) = open_corpus(path, "brat", ReadOptions(PatientSource("note"), mend=True))
    assert (note.text, note.spans) == ("Ana", (Span(0, 3, "X"),))


MERGED = {
    "discontinuous": (f"T1\tNAME 0 6;20 24\t{SECRET} Lugo\n", (Span(0, 24, "NAME"),), {}),
    "parts turned round": (f"T1\tNAME 20 24;0 6\tLugo {SECRET}\n", (Span(0, 24, "NAME"),), {}),
    "a remark": (
        "T1\tNAME 0 6\tLázaro\n#1\tAnnotatorNotes T1\tsure?\n",
        (Span(0, 6, "NAME"),),
        {"annotator_notes": [{"on": "T1", "text": "sure?"}]},
    ),
}


@pytest.mark.parametrize("case", MERGED)
def test_what_brat_alone_has_can_be_merged(case: str, tmp_path: Path) -> None:
    ann, spans, meta = MERGED[case]
    (note,) = open_corpus(folder(tmp_path, ann), "brat", ReadOptions(PatientSource("note"), merge=True))
    assert (note.spans, note.meta) == (spans, meta)


def test_parts_that_quote_another_text_are_not_merged(tmp_path: Path) -> None:
    path = folder(tmp_path, "T1\tNAME 0 6;20 24\tLugo Lugo\n")
    with pytest.raises(CorpusError, match="its text is not what the note has"):
        list(open_corpus(path, "brat", ReadOptions(PatientSource("note"), merge=True)))


def test_patients_must_be_named_or_declared(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (problem,) = problems(path, "recorded")
    assert "corpus.patients: note" in problem.remedy
    (path / "b.txt").touch()
    (path / "b.ann").touch()
    (path / "notes.jsonl").write_text('{"file": "a.txt", "note_id": "1", "patient_id": "p"}\n')
    (problem,) = problems(path, "recorded")
    assert problem.where == str(path / "b.txt")


@pytest.mark.parametrize(
    "entry",
    [
        "{",
        "[]",
        f'"{SECRET}"',
        f'{{"file": "a.txt", "note_id": "{SECRET}"}}',
        f'{{"file": "a.txt", "patient_id": "{SECRET}"}}',
        f'{{"note_id": "1", "patient_id": "{SECRET}"}}',
        # Were it taken as the text "None", all notes like it would become one patient.
        '{"file": "a.txt", "note_id": "1", "patient_id": null}',
        '{"file": "a.txt", "note_id": "1", "patient_id": ""}',
        '{"file": "a.txt", "note_id": 1, "patient_id": "p"}',
        '{"file": "a.txt", "note_id": "1", "patient_id": "p", "meta": 3}',
        r'{"file": "a.txt", "note_id": "1", "patient_id": "\ud83d"}',
        r'{"file": "a.txt", "note_id": "1", "patient_id": "p", "meta": {"a": "\ud83d"}}',
    ],
)
def test_a_bad_sidecar_entry_is_named_with_its_line(entry: str, tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "notes.jsonl").write_text(f"\n{entry}\n", encoding="utf-8")
    (problem,) = problems(path, "recorded")
    assert problem.where == f"{path / 'notes.jsonl'}:2"


def test_a_file_listed_twice_is_named(tmp_path: Path) -> None:
    path = folder(tmp_path)
    entry = {"file": "a.txt", "note_id": "1", "patient_id": "p"}
    (path / "notes.jsonl").write_text(f"{json.dumps(entry)}\n{json.dumps({**entry, 'patient_id': 'q'})}\n")
    (problem,) = problems(path, "recorded")
    assert problem.where == f"{path / 'notes.jsonl'}:2"


def test_listed_files_that_are_gone_are_a_problem(tmp_path: Path) -> None:
    path = folder(tmp_path)
    lines = [json.dumps({"file": f, "note_id": f, "patient_id": "p"}) for f in ("a.txt", "b.txt", "c.txt")]
    (path / "notes.jsonl").write_text("\n".join(lines))
    assert [problem.where for problem in problems(path, "recorded")] == [str(path / "b.txt"), str(path / "c.txt")]


def test_a_sidecar_name_that_can_be_no_file_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "notes.jsonl").write_text(json.dumps({"file": "a\0.txt", "note_id": "b", "patient_id": "p"}))
    (problem,) = problems(path, "recorded")
    assert problem.where == f"{path / 'notes.jsonl'}:1"


def test_the_sidecar_cannot_reach_outside_the_folder(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (tmp_path / "b.txt").write_text(SECRET)
    (tmp_path / "b.ann").touch()
    (path / "notes.jsonl").write_text(json.dumps({"file": "../b.txt", "note_id": "b", "patient_id": "p"}))
    (problem,) = problems(path, "recorded")
    assert problem.where == f"{path / 'notes.jsonl'}:1"


def test_the_sidecar_decides_the_order(tmp_path: Path) -> None:
    notes = [Note(name, "p", SECRET) for name in ("b", "c", "a")]
    brat.write(notes, tmp_path / "out")
    assert list(open_corpus(tmp_path / "out", "brat")) == notes


ODD_IDS = [
    "a/b",
    "A",
    "a",
    "x" * 200,
    "x" * 201,
    "..",
    ".",
    ".hidden",
    "a%2Fb",
    "né",
    "né\u0301",
    " ",
    "\n",
    "a b",
    "CON",
]


def test_ids_that_are_no_file_names_come_back(tmp_path: Path) -> None:
    notes = [Note(note_id, f"p-{note_id}", f"{i}") for i, note_id in enumerate(ODD_IDS)]
    out = tmp_path / "out"
    brat.write(notes, out)
    assert list(open_corpus(out, "brat")) == notes
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    names = [path.name for path in out.glob("*.txt")]
    assert len({name.casefold() for name in names}) == len(ODD_IDS)
    assert all(name.isascii() and len(name) < 120 and not name.startswith(".") for name in names)


def test_an_id_that_looks_like_a_made_name_takes_no_file_away(tmp_path: Path) -> None:
    notes = [Note("n00000001-" + "x" * 80, "p", "first"), Note("x" * 200, "p", "second")]
    brat.write(notes, tmp_path / "out")
    assert list(open_corpus(tmp_path / "out", "brat")) == notes


def test_a_label_with_white_space_cannot_be_written(tmp_path: Path) -> None:
    notes = [Note("a", "p", SECRET), Note("b", "p", SECRET, (Span(0, 6, f"{SECRET} X"), Span(0, 2, "Y")))]
    with pytest.raises(CorpusError, match="note 2 has 1 label") as caught:
        brat.write(notes, tmp_path / "out")
    assert SECRET not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_target_is_left_alone(tmp_path: Path) -> None:
    path = folder(tmp_path)
    with pytest.raises(CorpusError, match="exists already — name a new folder"):
        brat.write([Note("z", "p", "x")], path)
    assert {file.name for file in path.iterdir()} == {"a.txt", "a.ann"}


@pytest.mark.parametrize("shard_files", [1, 3, 7, 100])
def test_shards_do_not_change_what_is_read(shard_files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = [Note(f"n{i}", f"p{i % 3}", TEXT, (Span(20, 24, "CITY"),), {"i": i}) for i in range(7)]
    brat.write(notes, tmp_path / "out")
    monkeypatch.setattr(brat, "SHARD_FILES", shard_files)
    corpus = open_corpus(tmp_path / "out", "brat")
    assert len(corpus.shards) == -(-7 // shard_files)
    assert corpus.digest() == digest_of(notes)
