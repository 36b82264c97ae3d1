"""CoNLL columns: texts and offsets made anew, documents and sentences, what is refused, exact round trips."""

import json
import os
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import EVERY_NOTE_A_PATIENT, STRICT, PatientSource, ReadOptions, conll, drafts, open_corpus
from deidrelease.formats.table import find_format
from deidrelease.notes import Note, Span

SECRET = "Lázaro"
MEND = ReadOptions(PatientSource("note"), mend=True)


def file(tmp_path: Path, content: str | bytes, name: str = "f.conll") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def notes(path: Path, options: ReadOptions = EVERY_NOTE_A_PATIENT) -> list[Note]:
    return list(open_corpus(path, "conll", options))


def problems(path: Path, options: ReadOptions = EVERY_NOTE_A_PATIENT) -> list[Problem]:
    found = [item for item in open_corpus(path, "conll", options).everything() if isinstance(item, Problem)]
    assert not any("zaro" in str(problem) or "Lugo" in str(problem) for problem in found)
    return found


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("gap", ["\t", " ", "   ", "\t_\t"])
def test_without_documents_every_sentence_is_a_note(gap: str, end: str, tmp_path: Path) -> None:
    lines = [f"Ana{gap}B-PER", f"Gil{gap}I-PER", f"vino{gap}O", f".{gap}O", "", "", f"Lugo{gap}B-LOC"]
    assert notes(file(tmp_path, end.join(lines))) == [
        Note("f-1", "f-1", "Ana Gil vino .", (Span(0, 7, "PER"),)),
        Note("f-7", "f-7", "Lugo", (Span(0, 4, "LOC"),)),
    ]


def test_bare_labels_with_a_zero_for_outside(tmp_path: Path) -> None:
    path = file(tmp_path, "Gunhild\tPER\nWestman\tPER\n,\t0\nLund\tLOC\n\n", "f.txt")
    assert find_format(path).name == "conll"
    assert notes(path) == [Note("f-1", "f-1", "Gunhild Westman , Lund", (Span(0, 15, "PER"), Span(18, 22, "LOC")))]


def test_docstart_begins_a_document_whose_sentences_are_lines(tmp_path: Path) -> None:
    text = "-DOCSTART- -X- O O\n\nAna NNP B-NP B-PER\n\nLugo NNP B-NP B-LOC\n\n-DOCSTART-\n\nx X B-NP O\n"
    assert notes(file(tmp_path, text)) == [
        Note("f-1", "f-1", "Ana\nLugo", (Span(0, 3, "PER"), Span(4, 8, "LOC"))),
        Note("f-7", "f-7", "x"),
    ]


def test_a_span_does_not_run_over_the_end_of_a_sentence(tmp_path: Path) -> None:
    path = file(tmp_path, "# newdoc id = d\nAna PER\n\nGil PER\n")
    assert notes(path) == [Note("d", "d", "Ana\nGil", (Span(0, 3, "PER"), Span(4, 7, "PER")))]


def test_the_text_of_a_sentence_may_stand_in_a_comment(tmp_path: Path) -> None:
    lines = ["# newdoc id = d1", "# sent_id = 1", "# text = (Ana)  vino", "( O", "Ana B-PER", ") O", "vino O", "",
             '# text = "Lugo, sí"', "Lugo B-LOC", ", O", "sí O"]  # fmt: skip
    assert notes(file(tmp_path, "\n".join(lines))) == [
        Note("d1", "d1", "(Ana)  vino\nLugo, sí", (Span(1, 4, "PER"), Span(12, 16, "LOC")))
    ]


def test_patients_and_meta_stand_in_comments(tmp_path: Path) -> None:
    lines = ['# note_id = "a\\tb"', "# patient_id = 7", '# meta = {"ward": 3}', "# x", "Ana\tO"]
    assert notes(file(tmp_path, "\n".join(lines)), STRICT) == [Note("a\tb", "7", "Ana", (), {"ward": 3})]


def test_a_hash_is_a_token_where_a_label_follows(tmp_path: Path) -> None:
    assert notes(file(tmp_path, "# O\n1 B-ID\n# a comment\n\n#\tO\n"))[0].text == "# 1"


BAD = {
    "one column": ("Ana B-PER\nLázaro\n", 2, "has one column only", "syntax"),
    "no label": ("Ana\tB-PER\nLázaro\t\n", 2, "its token or its label is empty", "syntax"),
    "no token": ("Ana\tB-PER\n\tO\n", 2, "its token or its label is empty", "syntax"),
    "a bare label among IOB2": ("Ana B-PER\nLázaro PER\n", 2, "not of the scheme", "label"),
    "I- that continues nothing": ("Ana B-PER\nLugo I-LOC\nx B-X\n", 2, "continues a span that does not begin", "label"),
    "not ended": ("Ana B-PER\nLugo O\nx S-X\n", 2, "is not ended", "label"),
    "latin-1": ("x B-X\nLázaro O\n".encode("latin-1"), 2, "is not UTF-8", "encoding"),
    "byte order mark": (b"\xef\xbb\xbfx O\nAna B-PER\n", 1, "byte order mark", "byte-order-mark"),
    "NUL": ("x\0 O\n", 1, "control character U+0000", "control-characters"),
    "text that differs": ("# text = Ana Lugo\nAna O\nLázaro O\nLugo O\n", 3, "is not what comes next", "text-mismatch"),
    "text left out": ("# text = Ana Lázaro Lugo\nAna O\nLugo O\n", 3, "is not what comes next", "text-mismatch"),
    "text that goes on": ("# text = Ana Lázaro\nAna O\n", 2, "goes on behind its last token", "text-mismatch"),
    "meta a list": ("# note_id = a\n# meta = [1]\nAna O\n", 2, "# meta is no JSON object", "field"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_line_is_named_and_its_note_left_out(case: str, tmp_path: Path) -> None:
    content, line, what, kind = BAD[case]
    raw = content.encode() if isinstance(content, str) else content
    path = file(tmp_path, raw + b"\nlast O\n")
    items = list(open_corpus(path, "conll", EVERY_NOTE_A_PATIENT).everything())
    bad = problems(path)
    assert {(problem.where, problem.kind) for problem in bad} == {(f"{path}:{line}", kind)}
    assert what in bad[0].what
    good = [item.note.text for item in items if not isinstance(item, Problem)]
    assert good == ([] if case.startswith("meta") else ["last"])


def test_mending_takes_runs_of_one_label_and_leaves_out_what_stays_unclear(tmp_path: Path) -> None:
    path = file(tmp_path, "Ana B-PER\nLugo I-LOC\n\nGil PER\n\nx\n")
    located, *bad = open_corpus(path, "conll", MEND).everything()
    assert not isinstance(located, Problem)
    assert located.note.spans == (Span(0, 3, "PER"), Span(4, 8, "LOC"))
    assert [(fix.where, fix.kind) for fix in located.fixes] == [(f"{path}:2", "label")]
    assert [(problem.where, problem.kind) for problem in bad if isinstance(problem, Problem)] == [
        (f"{path}:4", "label"),
        (f"{path}:6", "syntax"),
    ]


def test_mending_decodes(tmp_path: Path) -> None:
    (located,) = open_corpus(file(tmp_path, "Lázaro B-PER\n".encode("latin-1")), "conll", MEND).located()
    assert located.note.text == SECRET
    assert [fix.kind for fix in located.fixes] == ["encoding"]


def test_a_huge_document_is_named_and_the_next_one_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "NOTE_BYTES", 64)
    path = file(tmp_path, "# note_id = a\n" + "x O\n" * 30 + "# note_id = b\nx O\n# note_id = c\n" + "x" * 99 + " O\n")
    assert [(problem.where, problem.kind) for problem in problems(path)] == [
        (f"{path}:1", "too-large"),
        (f"{path}:34", "too-large"),
    ]


def test_what_lies_at_the_path_may_be_a_folder_or_unreadable(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file(folder, "Ana O\n", "a.conll")
    file(folder, "Gil O\n", "b.conll")
    assert find_format(folder).name == "conll"
    assert [note.note_id for note in notes(folder)] == ["a-1", "b-1"]
    (folder / "b.conll").unlink()
    (folder / "b.conll").mkdir()
    assert [problem.kind for problem in problems(folder)] == ["unreadable"]
    (tmp_path / "bare").mkdir()
    with pytest.raises(CorpusError, match=r"holds no \.conll file"):
        notes(tmp_path / "bare")


def test_an_empty_file_is_an_empty_corpus(tmp_path: Path) -> None:
    assert notes(file(tmp_path, "")) == notes(file(tmp_path, "\n\n# a comment\n\n")) == []


@pytest.mark.parametrize("text", ["Two words\nand three here\n", "[ salva ] mot ( eksem ) .\n", "===QUERY===\nx\n", ""])
def test_prose_is_not_taken_for_columns(text: str, tmp_path: Path) -> None:
    assert not conll.recognises(file(tmp_path, text, "f.txt"))


ODD = [
    Note("a", "p1", "Ana Gil, de Lugo.\n\nVino  hoy.\n", (Span(0, 7, "PER"), Span(12, 16, "LOC")), {"k": [1, "é\n"]}),
    Note('"b"', "p1", ' #\t"\r\nx\u2028y\x85z ', (Span(0, 1, "SPACE"), Span(4, 7, "O"), Span(8, 9, "B-X"))),
    Note("c\n", "p 2", "aaabbb", (Span(0, 2, "A"), Span(2, 3, "A"), Span(4, 6, "B"))),
    Note("d", "p3", ""),
    Note("e", "p3", " \n "),
    Note("f", "p3", "\n\n\n\n", (Span(1, 2, "A"), Span(2, 3, "A"))),
    Note(
        "g", "p3", "-DOCSTART- Jose\u0301 \U0001f600", (Span(0, 10, "A"), Span(11, 16, "NAME"), Span(17, 18, "E-MOJI"))
    ),
    Note("h", "p3", "a   b", (Span(2, 3, "GAP"),)),
]


def test_what_is_written_reads_back_equal(tmp_path: Path) -> None:
    conll.write(ODD, tmp_path / "f.conll")
    assert notes(tmp_path / "f.conll", STRICT) == ODD


def test_each_row_is_a_token_and_its_label(tmp_path: Path) -> None:
    conll.write(ODD[:1], tmp_path / "f.conll")
    written = (tmp_path / "f.conll").read_text(encoding="utf-8").split("\n")
    assert written[:4] == [
        '# note_id = "a"',
        '# patient_id = "p1"',
        '# meta = {"k": [1, "é\\n"]}',
        "# text = " + json.dumps(ODD[0].text, ensure_ascii=False),
    ]
    assert [row.replace("\t", "/") for row in written[4:]] == [
        "Ana/B-PER", "Gil/I-PER", ",/O", "de/O", "Lugo/B-LOC", "./O", "", "Vino/O", "hoy/O", "./O", "", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spans", "what"),
    [((Span(0, 4, "A"), Span(2, 6, "B")), "1 overlapping span"), ((Span(0, 4, "A B"),), "1 label.s. with white space")],
)
def test_what_columns_cannot_carry_is_refused_and_nothing_appears(
    spans: tuple[Span, ...], what: str, tmp_path: Path
) -> None:
    with pytest.raises(CorpusError, match=f"note 2 has {what}"):
        conll.write([Note("a", "p", "x"), Note("b", "p", SECRET, spans)], tmp_path / "f.conll")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_target_is_left_alone(tmp_path: Path) -> None:
    path = file(tmp_path, "precious")
    with pytest.raises(CorpusError, match="exists already"):
        conll.write(ODD, path)
    assert path.read_text() == "precious"


@pytest.fixture
def corpora() -> Path:
    folder = os.environ.get("DEIDRELEASE_CORPORA", "")
    if not folder:
        pytest.skip("DEIDRELEASE_CORPORA is not set; it names the folder that holds swedish-ner/ and meddocan/")
    return Path(folder)


def test_the_swedish_news_are_read_but_for_the_one_malformed_line(corpora: Path, tmp_path: Path) -> None:
    path = corpora / "swedish-ner" / "train_corpus.txt"
    assert find_format(path).name == "conll"
    items = list(open_corpus(path, options=EVERY_NOTE_A_PATIENT).everything())
    found = [item.note for item in items if not isinstance(item, Problem)]
    bad = [item for item in items if isinstance(item, Problem)]
    assert [(problem.where, problem.kind) for problem in bad] == [(f"{path}:90310", "syntax")]
    # An independent reader: sentences by blank lines, runs of one label.
    counts: Counter[str] = Counter()
    sentences = [block.split("\n") for block in path.read_text(encoding="utf-8").strip("\n").split("\n\n")]
    whole = [rows for rows in sentences if all(len(row.split()) == 2 for row in rows)]
    for rows in whole:
        labels = [row.split()[1] for row in rows]
        counts.update(b for a, b in zip(["0", *labels], labels, strict=False) if b not in ("0", a))
    assert len(found) == len(whole) == len(sentences) - 1
    assert Counter(span.label for note in found for span in note.spans) == counts
    assert [note.text for note in found] == [" ".join(row.split()[0] for row in rows) for rows in whole]
    conll.write(found[:1000], tmp_path / "f.conll")
    assert notes(tmp_path / "f.conll", STRICT) == found[:1000]


def test_meddocan_survives_columns(corpora: Path, tmp_path: Path) -> None:
    mended = ReadOptions(PatientSource("note"), overlaps="keep-longest", mend=True)
    before = list(islice(open_corpus(corpora / "meddocan" / "dev", "brat", mended), 50))
    conll.write(before, tmp_path / "f.conll")
    assert notes(tmp_path / "f.conll", STRICT) == before
