"""Random notes survive Parquet and Hugging Face folders whole; bytes changed in a file break no reader."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deidrelease.formats import EVERY_NOTE_A_PATIENT, FORMATS, ReadOptions, open_corpus
from deidrelease.notes import Located, Note, Span, digest_of

PIECES = (
    "e\u0301",
    "\U0001f468\u200d\U0001f469",
    "\r\n",
    "\r",
    "\n",
    "\u2028",
    "\x85",
    "\t",
    "\\ud83d",
    '"',
    "null",
    "",
)
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(PIECES),
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff"),
    ),
    max_size=15,
).map("".join)
NAMES = TEXTS.filter(bool)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)


@st.composite
def corpora(draw: st.DrawFn) -> list[Note]:
    """Up to six notes with ids that differ and spans anywhere, overlapping ones included."""
    notes = []
    for note_id in draw(st.lists(NAMES, max_size=6, unique=True)):
        text = draw(TEXTS)
        spans = set()
        for _ in range(draw(st.integers(0, 5)) if text else 0):
            start = draw(st.integers(0, len(text) - 1))
            label = draw(st.sampled_from(("NAME", "B-X", "Ålder", "x y")))
            spans.add(Span(start, draw(st.integers(start + 1, len(text))), label))
        meta = draw(st.dictionaries(TEXTS, JSON, max_size=2))
        notes.append(Note(note_id, draw(NAMES), text, tuple(spans), meta))
    return notes


@pytest.mark.parametrize("name", ["parquet", "hf"])
@settings(max_examples=40, deadline=None)
@given(notes=corpora())
def test_what_is_written_reads_back_equal(name: str, notes: list[Note]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        form = FORMATS[name]
        path = Path(folder) / f"written{form.suffix}"
        assert form.write is not None
        form.write(iter(notes), path)
        corpus = open_corpus(path)
        assert list(corpus) == notes
        assert corpus.digest() == digest_of(notes)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """A well-formed file of each kind, by its suffix."""
    notes = [
        Note(f"n{i}", "p", f"Ana \U0001f600 Gil {i} " * (i % 4), (Span(0, 3, "NAME"),) if i % 4 else (), {"i": i})
        for i in range(12)
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("parquet", "hf"):
            write = FORMATS[name].write
            assert write is not None
            write(notes, Path(folder) / f"{name}{FORMATS[name].suffix}")
        return {
            ".parquet": (Path(folder) / "hf.parquet").with_stem("parquet").read_bytes(),
            ".arrow": next((Path(folder) / "hf").glob("*.arrow")).read_bytes(),
        }


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
@settings(max_examples=100, deadline=None)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=3),
    mend=st.booleans(),
)
def test_changed_bytes_make_problems_or_notes(
    suffix: str, changes: list[tuple[float, int]], mend: bool, files: dict[str, bytes]
) -> None:
    content = bytearray(files[suffix])
    for place, byte in changes:
        content[int(place * len(content))] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"f{suffix}"
        path.write_bytes(content)
        options = ReadOptions(EVERY_NOTE_A_PATIENT.patients, mend=mend)
        for item in open_corpus(path, "hf", options).everything():
            if isinstance(item, Located):
                assert all(0 <= span.start < span.end <= len(item.note.text) for span in item.note.spans)
