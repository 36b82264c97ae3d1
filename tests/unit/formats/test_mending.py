"""What is mended, how it is told, and what is left a defect because nobody can know the right answer."""

import json
from pathlib import Path

import pytest

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import PatientSource, ReadOptions, open_corpus
from deidrelease.formats.checking import advice
from deidrelease.formats.drafts import Draft, DraftSpan, decode
from deidrelease.formats.mending import mend
from deidrelease.notes import Located, Note, Span, longest


def draft(text: str, *spans: tuple[int, int, str | None]) -> Draft:
    return Draft("f:1", "n", text, tuple(DraftSpan("f:1", start, end, "X", covered) for start, end, covered in spans))


def places(mended: Draft) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in mended.spans]


# text, spans as the source has them → text, spans as they should be, kinds of repairs
MENDED = {
    "nothing": ("Ana Gil", [(0, 3, "Ana")], "Ana Gil", [(0, 3)], []),
    "a mark, not counted": ("\ufeffAna", [(0, 3, "Ana")], "Ana", [(0, 3)], ["text-mismatch", "mark-in-text"]),
    "a mark, counted": ("\ufeffAna", [(1, 4, "Ana")], "Ana", [(0, 3)], ["mark-in-text"]),
    "NUL": ("A\0na", [(0, 4, "A\0na")], "A na", [(0, 4)], ["control-characters"]),
    "CR LF as one": ("a\r\nAna\r\nGil", [(2, 5, "Ana"), (6, 9, "Gil")], None, [(3, 6), (8, 11)], ["text-mismatch"]),
    "LF as CR LF": ("a\nAna\nGil", [(3, 6, "Ana"), (8, 11, "Gil")], None, [(2, 5), (6, 9)], ["text-mismatch"]),
    "UTF-16": ("\U0001f600Ana Ana", [(2, 5, "Ana")], None, [(1, 4)], ["text-mismatch"]),
    "UTF-8": ("é Ana Ana", [(3, 6, "Ana")], None, [(2, 5)], ["text-mismatch"]),
    "the only place": ("era Ana Gil", [(0, 3, "Gil")], None, [(8, 11)], ["text-mismatch"]),
    "outside, with its text": ("era Ana Gil", [(90, 93, "Gil")], None, [(8, 11)], ["text-mismatch"]),
    "twice": ("Ana", [(0, 3, None), (0, 3, None)], None, [(0, 3)], ["duplicate-span"]),
    "nested": ("Ana Gil", [(0, 3, None), (0, 7, None)], None, [(0, 7)], ["overlap"]),
}


@pytest.mark.parametrize("case", MENDED)
def test_what_can_be_known_is_mended(case: str) -> None:
    text, spans, expected_text, expected, kinds = MENDED[case]
    mended = mend(draft(text, *spans), "keep-longest")
    assert (mended.text, places(mended)) == (expected_text or text, expected)
    assert [fix.kind for fix in mended.fixes] == kinds
    assert all(fix.remedy for fix in mended.fixes)


# Two places have the quoted text; none has it; nothing is quoted.
UNKNOWN = [
    draft("Ana y Ana.", (1, 4, "Ana")),
    draft("Eva", (0, 3, "Ana")),
    draft("Eva", (2, 9, None)),
    draft("Eva", (2, 2, None)),
]


@pytest.mark.parametrize("index", range(len(UNKNOWN)))
def test_what_nobody_can_know_stays_a_defect(index: int) -> None:
    assert mend(UNKNOWN[index], "keep-longest") == UNKNOWN[index]


def test_overlaps_stay_where_both_are_to_be_kept() -> None:
    nested = draft("Ana Gil", (0, 3, None), (0, 7, None))
    assert mend(nested, "keep-both") == nested


def test_a_mended_corpus_still_refuses_what_could_not_be_mended(tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    record = {"note_id": "a", "text": "Eva", "spans": [{"start": 2, "end": 9, "label": "X"}]}
    path.write_text(json.dumps(record))
    with pytest.raises(CorpusError, match="lies outside the text"):
        list(open_corpus(path, options=ReadOptions(PatientSource("note"), mend=True)))


@pytest.mark.parametrize(
    ("raw", "text", "kinds"),
    [
        (b"Ana", "Ana", []),
        (b"\xef\xbb\xbfAna", "Ana", ["byte-order-mark"]),
        (b"L\xe1zaro", "Lázaro", ["encoding"]),
        (b"\x93Ana\x94 \x80", "“Ana” €", ["encoding"]),
        (b"\x81\xe1", "\ufffdá", ["encoding"]),
    ],
)
def test_bytes_are_decoded_with_what_was_done_said(raw: bytes, text: str, kinds: list[str]) -> None:
    decoded = decode(raw, "f", mend=True)
    assert not isinstance(decoded, Problem)
    assert (decoded.text, [fix.kind for fix in decoded.fixes]) == (text, kinds)
    strict = decode(raw, "f", mend=False)
    assert isinstance(strict, Problem) == bool(kinds)


@pytest.mark.parametrize(
    ("spans", "kept"),
    [
        ([], []),
        ([(0, 3), (3, 6)], [(0, 3), (3, 6)]),
        ([(0, 3), (2, 7)], [(2, 7)]),
        ([(0, 4), (2, 6)], [(0, 4)]),
        ([(0, 9), (1, 3), (4, 8)], [(0, 9)]),
        # The longest of a chain takes both its neighbours away.
        ([(0, 4), (3, 9), (8, 12)], [(3, 9)]),
        ([(0, 5), (4, 8), (7, 12)], [(0, 5), (7, 12)]),
    ],
)
def test_the_longest_stay(spans: list[tuple[int, int]], kept: list[tuple[int, int]]) -> None:
    assert longest([Span(a, b, "X") for a, b in spans]) == tuple(Span(a, b, "X") for a, b in kept)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Ana", []),
        (" \n", ["empty-note"]),
        ("\ufeffAna", ["mark-in-text"]),
        ("a\r\nb", ["line-ends"]),
        ("Jose\u0301", ["not-nfc"]),
        ("José", []),
    ],
)
def test_advice_names_what_does_no_harm(text: str, kinds: list[str]) -> None:
    assert [problem.kind for problem in advice(Located("f:1", Note("n", "p", text)))] == kinds


def test_a_quote_in_another_normal_form_is_the_same_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Jose\u0301 Gil", encoding="utf-8")
    (tmp_path / "a.ann").write_text("T1\tNAME 0 5\tJosé\n", encoding="utf-8")
    (note,) = open_corpus(tmp_path, options=ReadOptions(PatientSource("note")))
    assert (note.text, note.spans) == ("Jose\u0301 Gil", (Span(0, 5, "NAME"),))
