"""Random notes survive i2b2 XML and CoNLL columns wherever these can carry them; random bytes break no reader."""

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import FORMATS, STRICT, PatientSource, ReadOptions, open_corpus
from deidrelease.formats.locating import Listed, locate
from deidrelease.notes import Note, Span, longest

# What XML and columns trip over, more often than chance would have it; then anything that a note may hold.
PIECES = (
    "]]>",
    "&amp;",
    "<a>",
    "\r\n",
    "\r",
    "\n\n",
    "\t",
    " ",
    "  ",
    "#",
    '"',
    "\\n",
    "-DOCSTART-",
    "O",
    "B-X",
    "\x85",
)
TEXTS = st.lists(
    st.one_of(
        st.sampled_from((*PIECES, "e\u0301", "\U0001f468\u200d\U0001f469", "\u2028", "\u3000", "Ana", "# text = x")),
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff"),
    ),
    max_size=20,
).map("".join)
LABELS = st.sampled_from(("NAME", "B-NAME", "O", "0", "Ålder", "<x>&\"'", "E-MAIL", "#"))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)


@st.composite
def corpora(draw: st.DrawFn) -> list[Note]:
    """One to five notes with ids that differ and spans anywhere, overlapping ones included."""
    notes = []
    for note_id in draw(st.lists(TEXTS.filter(bool), min_size=1, max_size=5, unique=True)):
        text = draw(TEXTS)
        spans = set()
        for _ in range(draw(st.integers(0, 6)) if text else 0):
            start = draw(st.integers(0, len(text) - 1))
            spans.add(Span(start, draw(st.integers(start + 1, len(text))), draw(LABELS)))
        meta = draw(st.dictionaries(TEXTS, JSON, max_size=2))
        notes.append(Note(note_id, draw(TEXTS.filter(bool)), text, tuple(spans), meta))
    return notes


def there_and_back(notes: Iterable[Note], name: str) -> list[Note]:
    form = FORMATS[name]
    assert form.write is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"out{form.suffix}"
        form.write(notes, path)
        return list(open_corpus(path, options=STRICT))


def by_id(notes: Iterable[Note]) -> dict[str, Note]:
    return {note.note_id: note for note in notes}


@settings(max_examples=25, deadline=None)
@given(corpora())
def test_i2b2_keeps_every_note(notes: list[Note]) -> None:
    # No form feed and the like in XML 1.0, and no code point that is none.
    assume(not any(re.search("[\x0b\x0c\ufffe\uffff]", note.text) for note in notes))
    assert by_id(there_and_back(notes, "i2b2")) == by_id(notes)


@settings(max_examples=40, deadline=None)
@given(corpora())
def test_columns_keep_every_note_without_overlaps(notes: list[Note]) -> None:
    plain = [Note(n.note_id, n.patient_id, n.text, longest(n.spans), n.meta) for n in notes]
    assert there_and_back(plain, "conll") == plain


@settings(max_examples=15, deadline=None)
@given(corpora())
def test_columns_refuse_overlaps_rather_than_lose_them(notes: list[Note]) -> None:
    assume(any(longest(note.spans) != note.spans for note in notes))
    with pytest.raises(CorpusError, match="overlapping"):
        there_and_back(notes, "conll")


GRAMMAR = {
    "i2b2": ("<r>", "</r>", "<TEXT>", "</TEXT>", "<TEXT><![CDATA[", "]]></TEXT>", "<TAGS>", "</TAGS>", "<!DOCTYPE r [",
             '<X start="0" end="1" TYPE="A"/>', "&#0;", "&a;", "<!--", "-->", "<?deidrelease {}?>"),
    "conll": ("# text = ", '# text = "a b"', "# note_id = 1", "# meta = {", "-DOCSTART-", "a\tB-X", "b I-X", "c S-Y"),
    "asq-phi": ("===QUERY===", "===PHI_TAGS===", '{"identifier_type": "A", "value": "a"}', "a a", "{}"),
    "presidio": ("[", "{", "}", "]", ",", '"full_text": "a"', '"spans": []', '"', "\\", "1e999", "NaN"),
    "brackets": ("( ", " )", "[ ", " ]", "{ ", " }", "a", "."),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAMMAR)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), mend=st.booleans())
def test_no_bytes_break_a_reader(name: str, data: st.DataObject, mend: bool) -> None:
    pieces = st.one_of(
        st.sampled_from([piece.encode() for piece in (*GRAMMAR[name], "\n", "a")]), st.binary(max_size=4)
    )
    raw = b"".join(data.draw(st.lists(pieces, max_size=25)))
    options = ReadOptions(PatientSource("note"), merge=mend, mend=mend)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.xml"
        path.write_bytes(raw)
        for item in open_corpus(path, name, options).everything():
            assert isinstance(item, Problem) or all(item.note.value(span) for span in item.note.spans)


@settings(max_examples=200, deadline=None)
@given(st.text("ab ", max_size=12), st.lists(st.text("ab ", min_size=1, max_size=4), max_size=4))
def test_located_values_never_share_a_place_and_each_is_marked_or_told(text: str, values: list[str]) -> None:
    located = locate(text, [Listed(f"f:{n}", "A", value) for n, value in enumerate(values)], mend=False)
    taken = [place for span in located.spans for place in range(span.start, span.end)]
    assert len(taken) == len(set(taken))
    assert all(text[span.start : span.end] == span.covered for span in located.spans)
    told = {span.covered for span in located.spans}
    assert len(located.spans) + sum(value not in told for value in values) == len(values)
    assert bool(located.problems) == any(value not in told for value in values)
