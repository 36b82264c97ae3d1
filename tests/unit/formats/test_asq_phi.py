"""The blocks of ASQ-PHI: what is read, what is refused, and the whole corpus."""

import os
from collections import Counter
from pathlib import Path

import pytest

from deidrelease.errors import Problem
from deidrelease.formats import EVERY_NOTE_A_PATIENT, PatientSource, ReadOptions, drafts, open_corpus
from deidrelease.formats.table import find_format
from deidrelease.notes import Note, Span

SECRET = "Lázaro"
MEND = ReadOptions(PatientSource("note"), mend=True)
TAG = '{"identifier_type": "NAME", "value": "Lázaro"}'
GOOD = f"===QUERY===\nSeen by {SECRET}?\n===PHI_TAGS===\n{TAG}\n\n"


def file(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "queries.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def items(path: Path, options: ReadOptions = EVERY_NOTE_A_PATIENT) -> tuple[list[Note], list[Problem]]:
    everything = list(open_corpus(path, "asq-phi", options).everything())
    bad = [item for item in everything if isinstance(item, Problem)]
    assert not any("zaro" in str(problem) for problem in bad)
    return [item.note for item in everything if not isinstance(item, Problem)], bad


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_queries_are_read_and_numbered(end: str, tmp_path: Path) -> None:
    text = GOOD + "===QUERY===\none\n\ntwo\n===PHI_TAGS===\n"
    path = file(tmp_path, text.replace("\n", end))
    assert find_format(path).name == "asq-phi"
    assert items(path) == (
        [Note("1", "1", f"Seen by {SECRET}?", (Span(8, 14, "NAME"),)), Note("2", "2", "one\n\ntwo")],
        [],
    )


BAD = {
    "no tags": (f"===QUERY===\n{SECRET}\n", 1, "missing-annotations"),
    "no json": (GOOD.replace('"value"', "value"), 4, "syntax"),
    "a list": (GOOD.replace(TAG, "[1]"), 4, "field"),
    "another field": (GOOD.replace("value", "text"), 4, "field"),
    "an empty value": (GOOD.replace(f'"{SECRET}"', '""'), 4, "field"),
    "a number": (GOOD.replace(f'"{SECRET}"', "7"), 4, "field"),
    "nested deeply": (GOOD.replace(TAG, "[" * 100_000), 4, "syntax"),
    "absent": (GOOD.replace(f"by {SECRET}", "by x"), 4, "unlocated-value"),
    "ambiguous": (GOOD.replace("?", f" or {SECRET}"), 4, "ambiguous-value"),
    "latin-1": (GOOD.encode("latin-1"), 2, "encoding"),
    "byte order mark": (b"\xef\xbb\xbf" + GOOD.encode(), 1, "byte-order-mark"),
    "NUL": (GOOD.replace("?", "\0"), 1, "control-characters"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_query_is_named_and_the_others_read(case: str, tmp_path: Path) -> None:
    content, line, kind = BAD[case]
    path = file(tmp_path, (content.encode() if isinstance(content, str) else content) + GOOD.encode())
    good, bad = items(path)
    assert (f"{path}:{line}", kind) in {(problem.where, problem.kind) for problem in bad}
    assert {problem.kind for problem in bad} <= {kind, "encoding", "unlocated-value"}
    assert [note.note_id for note in good] == ["2"]


def test_what_stands_before_the_first_query_is_a_problem(tmp_path: Path) -> None:
    path = file(tmp_path, f"{SECRET}\n" + GOOD)
    good, bad = items(path)
    assert [(problem.where, problem.kind) for problem in bad] == [(f"{path}:1", "syntax")]
    assert len(good) == 1


def test_a_huge_query_and_an_absent_file_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, GOOD.replace("?", "?" * 200) + GOOD)
    monkeypatch.setattr(drafts, "NOTE_BYTES", 150)
    good, bad = items(path)
    assert ([note.note_id for note in good], [problem.kind for problem in bad]) == (["2"], ["too-large"])
    path.unlink()
    path.mkdir()
    assert [problem.kind for problem in items(path)[1]] == ["unreadable"]


@pytest.fixture
def corpus() -> Path:
    folder = os.environ.get("DEIDRELEASE_CORPORA", "")
    if not folder:
        pytest.skip("DEIDRELEASE_CORPORA is not set; it names the folder that holds asq-phi/")
    return Path(folder) / "asq-phi" / "synthetic_clinical_queries.txt"


def test_the_whole_corpus_has_one_value_that_cannot_be_located(corpus: Path) -> None:
    assert find_format(corpus).name == "asq-phi"
    good, bad = items(corpus)
    assert [(problem.where, problem.kind) for problem in bad] == [(f"{corpus}:1030", "unlocated-value")]
    assert len(good) == 1050
    assert sum(not note.spans for note in good) == 219
    mended, bad = items(corpus, MEND)
    assert (len(mended), bad) == (1051, [])
    # An independent count: every listed value is one line, and each is marked once.
    listed = Counter(line.split('"')[3] for line in corpus.read_text(encoding="utf-8").split("\n") if line[:1] == "{")
    assert Counter(span.label for note in mended for span in note.spans) == listed
