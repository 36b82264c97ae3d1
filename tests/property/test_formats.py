"""Random notes survive JSONL, BRAT and the way between them, with an equal digest."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from deidrelease.formats import brat, jsonl
from deidrelease.formats.table import FORMATS, open_corpus
from deidrelease.notes import Note, Span, digest_of

# What offsets, line ends and tabs trip over, more often than chance would have it; then anything that UTF-8 can carry
# but controls and marks of byte order, which no note may hold.
PIECES = ("e\u0301", "\u0301", "\U0001f468\u200d\U0001f469", "\r\n", "\r", "\n", "\n\n", "\u2028", "\x85", "\t")
LABELS = ("NAME", "FECHA-NACIMIENTO", "Ålder", "x;1", "T1")
TEXTS = st.lists(
    st.one_of(
        st.sampled_from((*PIECES, "\v", " ", "Ana", "\\ud83d")),
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff"),
    ),
    max_size=20,
).map("".join)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)


@st.composite
def spans(draw: st.DrawFn, text: str) -> tuple[Span, ...]:
    """Up to six spans anywhere in `text`, overlapping ones included."""
    found = set()
    for _ in range(draw(st.integers(0, 6)) if text else 0):
        start = draw(st.integers(0, len(text) - 1))
        found.add(Span(start, draw(st.integers(start + 1, len(text))), draw(st.sampled_from(LABELS))))
    return tuple(found)


@st.composite
def corpora(draw: st.DrawFn) -> list[Note]:
    """One to six notes with ids that differ."""
    ids = draw(st.lists(TEXTS.filter(bool), min_size=1, max_size=6, unique=True))
    notes = []
    for note_id in ids:
        text = draw(TEXTS)
        meta = draw(st.dictionaries(TEXTS, JSON, max_size=2))
        notes.append(Note(note_id, draw(TEXTS.filter(bool)), text, draw(spans(text)), meta))
    return notes


@settings(max_examples=100, deadline=None)
@given(corpora())
def test_jsonl_to_brat_and_back_keeps_every_note(notes: list[Note]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        there, over, back = (Path(folder) / name for name in ("there.jsonl", "over", "back.jsonl"))
        FORMATS["jsonl"].write(notes, there)
        FORMATS["brat"].write(open_corpus(there), over)
        FORMATS["jsonl"].write(open_corpus(over), back)
        assert list(open_corpus(over)) == notes
        assert list(open_corpus(back)) == notes
        assert open_corpus(over).digest() == open_corpus(back).digest() == digest_of(notes)
        assert there.read_bytes() == back.read_bytes()


@settings(max_examples=60, deadline=None)
@given(corpora(), st.integers(1, 400), st.integers(1, 4))
def test_shards_hold_every_note_once_in_order(notes: list[Note], shard_bytes: int, shard_files: int) -> None:
    old = jsonl.SHARD_BYTES, brat.SHARD_FILES
    with tempfile.TemporaryDirectory() as folder:
        jsonl.write(notes, Path(folder) / "n.jsonl")
        brat.write(notes, Path(folder) / "n")
        try:
            jsonl.SHARD_BYTES, brat.SHARD_FILES = shard_bytes, shard_files
            corpora = [open_corpus(Path(folder) / "n.jsonl"), open_corpus(Path(folder) / "n")]
        finally:
            jsonl.SHARD_BYTES, brat.SHARD_FILES = old
        for corpus in corpora:
            items = [item for shard in corpus.shards for item in shard.read()]
            assert [item.note for item in items] == notes  # type: ignore[union-attr]
        places = [located.where for located in corpora[0].located()]
        assert places == [f"{Path(folder) / 'n.jsonl'}:{i + 1}" for i in range(len(notes))]
