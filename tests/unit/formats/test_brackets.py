"""Sentences with entities in brackets: text without the marks, what is refused, and the whole corpus."""

import os
from collections import Counter
from pathlib import Path

import pytest

from deidrelease.errors import Problem
from deidrelease.formats import EVERY_NOTE_A_PATIENT, PatientSource, ReadOptions, drafts, open_corpus
from deidrelease.formats.table import find_format
from deidrelease.notes import Note, Span

MEND = ReadOptions(PatientSource("note"), mend=True)


def file(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "sentences.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def items(path: Path, options: ReadOptions = EVERY_NOTE_A_PATIENT) -> tuple[list[Note], list[Problem]]:
    everything = list(open_corpus(path, "brackets", options).everything())
    bad = [item for item in everything if isinstance(item, Problem)]
    return [item.note for item in everything if not isinstance(item, Problem)], bad


@pytest.mark.parametrize(
    ("line", "text", "spans"),
    [
        ("Ingen alls.", "Ingen alls.", ()),
        ("( Ont ) i { magen } .", "Ont i magen.", (Span(0, 3, "DISORDER"), Span(6, 11, "BODY"))),
        ("Ta [ två ] , ( sen ) vila", "Ta två, sen vila", (Span(3, 6, "DRUG"), Span(8, 11, "DISORDER"))),
        ("[salva]", "salva", (Span(0, 5, "DRUG"),)),
        ("a { b } ( c ) !", "a b c!", (Span(2, 3, "BODY"), Span(4, 5, "DISORDER"))),
    ],
)  # fmt: skip
def test_marks_become_spans(line: str, text: str, spans: tuple[Span, ...], tmp_path: Path) -> None:
    assert items(file(tmp_path, f"\n{line}\r\n")) == ([Note("2", "2", text, spans)], [])


BAD = {
    "not closed": ("( hemlig", "syntax"),
    "not opened": ("hemlig )", "syntax"),
    "closed by another": ("( hemlig ]", "syntax"),
    "nested": ("( hemlig { och } så )", "syntax"),
    "empty": ("a ( ) b", "offsets"),
    "latin-1": ("( så )".encode("latin-1"), "encoding"),
    "NUL": ("( hemlig )\0", "control-characters"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_line_is_named_and_the_others_read(case: str, tmp_path: Path) -> None:
    content, kind = BAD[case]
    raw = content if isinstance(content, bytes) else content.encode()
    path = file(tmp_path, b"x\n" + raw + b"\nx\n")
    notes, bad = items(path)
    assert {(problem.where, problem.kind) for problem in bad} == {(f"{path}:2", kind)}
    assert "hemlig" not in str(bad)
    assert [note.note_id for note in notes] == ["1", "3"]


def test_a_huge_line_a_mark_and_an_unreadable_file_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, b"\xef\xbb\xbf( a )\n" + b"x" * 200 + b"\ny\n")
    assert next(iter(items(path, MEND)[0])).text == "a"
    monkeypatch.setattr(drafts, "NOTE_BYTES", 100)
    notes, bad = items(path)
    assert [problem.kind for problem in bad] == ["byte-order-mark", "too-large"]
    assert [note.text for note in notes] == ["y"]
    path.unlink()
    path.mkdir()
    assert [problem.kind for problem in items(path)[1]] == ["unreadable"]


def test_the_whole_corpus_is_read() -> None:
    folder = os.environ.get("DEIDRELEASE_CORPORA", "")
    if not folder:
        pytest.skip("DEIDRELEASE_CORPORA is not set; it names the folder that holds swedish-medical/")
    path = Path(folder) / "swedish-medical" / "1177_annotated_sentences.txt"
    assert find_format(path).name == "brackets"
    notes, bad = items(path)
    assert bad == []
    raw = path.read_text(encoding="utf-8")
    assert len(notes) == sum(bool(line.strip()) for line in raw.split("\n")) == 926
    counts = Counter(span.label for note in notes for span in note.spans)
    assert counts == {"DISORDER": raw.count("( "), "DRUG": raw.count("[ "), "BODY": raw.count("{ ")}
    # Nothing but marks and spaces went.
    kept = "".join(note.text for note in notes).replace(" ", "")
    assert kept == raw.translate(str.maketrans("", "", "()[]{} \n"))
