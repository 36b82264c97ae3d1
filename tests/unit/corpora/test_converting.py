"""A conversion keeps everything, or says what it cannot keep, or leaves nothing."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from deidrelease.corpora import writing
from deidrelease.corpora.converting import Source, convert
from deidrelease.corpora.writing import format_of_target, write_corpus
from deidrelease.errors import CorpusError
from deidrelease.formats import FORMATS, Format, ReadOptions, open_corpus
from deidrelease.notes import Note, Span

NOTES = [
    Note("n1", "p1", "Roe seen by Ek", (Span(0, 3, "NAME"), Span(12, 14, "NAME")), {"ward": 3}),
    Note("n2", "p1", "Doe of Lund", (Span(0, 3, "NAME"), Span(0, 11, "PERSON"))),
    Note("n3", "n3", "nobody"),
]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    FORMATS["jsonl"].write(NOTES, tmp_path / "notes.jsonl")  # type: ignore[misc]
    return Source(tmp_path / "notes.jsonl", options=ReadOptions(overlaps="keep-both"))


def poor(carries: Iterable[str]) -> Format:
    """JSONL, said to carry less than it does."""
    return replace(FORMATS["jsonl"], name="poor", carries=frozenset(carries))


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_there_and_back(source: Source, tmp_path: Path) -> None:
    there = convert(source, tmp_path / "brat", "brat")
    assert (there.written.contents.notes, there.patients, there.written.spans) == (3, 2, 4)
    assert there.written.verified
    assert not there.written.lost
    convert(Source(tmp_path / "brat", options=source.options), tmp_path / "back.jsonl")
    assert (tmp_path / "back.jsonl").read_bytes() == source.path.read_bytes()
    assert left(tmp_path) == ["back.jsonl", "brat", "notes.jsonl"]


@pytest.mark.parametrize("target", ["notes.jsonl", "notes.jsonl/x.jsonl", "taken", "folder/inner.jsonl", "link"])
def test_nothing_is_overwritten_and_nothing_put_into_the_source(source: Source, tmp_path: Path, target: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    source.path.rename(folder / "notes.jsonl")
    (tmp_path / "notes.jsonl").write_text("mine")
    (tmp_path / "taken").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    before = left(tmp_path)
    with pytest.raises(CorpusError, match=r"exists already|lies in the corpus|cannot be written"):
        convert(replace(source, path=folder), tmp_path / target, "jsonl")
    assert (left(tmp_path), left(folder)) == (before, ["notes.jsonl"])
    assert (tmp_path / "notes.jsonl").read_text() == "mine"


def test_overlaps_are_an_error_unless_somebody_decides(source: Source, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"notes.jsonl:2: spans 0-3 and 0-11 overlap"):
        convert(Source(source.path), tmp_path / "out.jsonl")
    chosen = convert(Source(source.path, options=ReadOptions(overlaps="keep-longest")), tmp_path / "out.jsonl")
    assert chosen.written.spans == 3
    assert chosen.choices == {"overlap": 1}
    assert [span.label for span in list(open_corpus(tmp_path / "out.jsonl"))[1].spans] == ["PERSON"]


def test_what_a_format_cannot_carry_is_refused_with_counts(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as refused:
        write_corpus(NOTES, tmp_path / "out.jsonl", poor([]))
    message = str(refused.value)
    assert "span(s) that overlap longer ones: 1" in message
    assert "note(s) with meta: 1" in message
    assert "note(s) whose patient is not the note itself: 2" in message
    assert left(tmp_path) == []


def test_or_left_behind_and_counted(tmp_path: Path) -> None:
    written = write_corpus(NOTES, tmp_path / "out.jsonl", poor([]), lossy=True)
    assert written.lost == {"overlaps": 1, "meta": 1, "patients": 2}
    assert written.verified
    kept = list(open_corpus(tmp_path / "out.jsonl"))
    assert [(note.patient_id, note.meta) for note in kept] == [("n1", {}), ("n2", {}), ("n3", {})]
    assert [len(note.spans) for note in kept] == [2, 1, 0]


def _without_last(notes: Iterable[Note]) -> Iterable[Note]:
    return list(notes)[:-1]


def _shifted(notes: Iterable[Note]) -> Iterable[Note]:
    return [replace(note, spans=tuple(replace(s, end=s.end - 1) for s in note.spans)) for note in notes]


def _trimmed(notes: Iterable[Note]) -> Iterable[Note]:
    return [replace(note, text=f"{note.text} ") for note in notes]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_without_last, "3 notes were written and 2 read back"),
        (_shifted, "differs from what was written in its spans"),
        (_trimmed, "differs from what was written in its texts"),
    ],
)
def test_a_writer_that_loses_something_is_found_out(
    tmp_path: Path, damage: Callable[[Iterable[Note]], Iterable[Note]], message: str
) -> None:
    good = FORMATS["jsonl"]
    bad = replace(good, write=lambda notes, path: good.write(damage(notes), path))  # type: ignore[misc]
    with pytest.raises(CorpusError, match=message) as refused:
        write_corpus(NOTES, tmp_path / "out.jsonl", bad)
    assert ".partial" not in str(refused.value)
    assert left(tmp_path) == []
    assert not write_corpus(NOTES, tmp_path / "out.jsonl", bad, verify=False).verified


def test_no_notes_are_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="there are no notes"):
        write_corpus([], tmp_path / "out.jsonl", FORMATS["jsonl"])
    assert left(tmp_path) == []


def test_what_the_writer_refuses_names_the_target(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=f"{tmp_path}/out: note 1 has 1 label"):
        write_corpus([Note("n", "p", "Roe", (Span(0, 3, "A B"),))], tmp_path / "out", FORMATS["brat"])
    assert left(tmp_path) == []


def test_the_format_is_that_of_the_ending(tmp_path: Path) -> None:
    assert format_of_target(tmp_path / "a.jsonl", None).name == "jsonl"
    assert format_of_target(tmp_path / "a", "brat").name == "brat"
    for target, name in (("a", None), ("a.doc", None), ("a.jsonl", "nothing")):
        with pytest.raises(CorpusError, match=r"ending|none called nothing"):
            format_of_target(tmp_path / target, name)


def test_the_longest_ending_tells_and_what_can_only_be_read_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jsonl = FORMATS["jsonl"]
    table = {
        "jsonl": jsonl,
        "review": replace(jsonl, name="review", suffix=".review.jsonl"),
        "one": replace(jsonl, name="one", suffix=".x"),
        "two": replace(jsonl, name="two", suffix=".x"),
        "mute": replace(jsonl, name="mute", suffix=".mute", write=None),
    }
    monkeypatch.setattr(writing, "formats", lambda: table)
    monkeypatch.setattr(writing, "named_format", table.__getitem__)
    assert format_of_target(tmp_path / "a.review.jsonl", None).name == "review"
    assert format_of_target(tmp_path / "a.jsonl", None).name == "jsonl"
    with pytest.raises(CorpusError, match=r"--to one\|two"):
        format_of_target(tmp_path / "a.x", None)
    with pytest.raises(CorpusError, match="no ending"):
        format_of_target(tmp_path / "a.mute", None)
    with pytest.raises(CorpusError, match="read only"):
        format_of_target(tmp_path / "a.mute", "mute")
