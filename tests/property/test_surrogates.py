"""Whatever the text and wherever its spans: spans stay exact, all else stays as it was, nothing private comes out."""

from hypothesis import given, settings
from hypothesis import strategies as st

from deidrelease.labels import load_label_map
from deidrelease.notes import Note, Span, note_to_json
from deidrelease.settings import SubstituteSettings
from deidrelease.surrogates import Forbidden, substitute

MAPS = {name: load_label_map(name) for name in ("demo", "meddocan", "presidio", "swedish-ner")}
PIECES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["Ana Ruiz", "Dr. ", "12/03/2016", "93 años", "Calle Mayor, 12", "12345678Z", "ana@x.es", "\n", "Lind", "A. B.",
         "de la", "070-123 45 67", "640823-3234", "mars 2016", "http://a.b/c", "10.0.0.1", "n\u0303", "ß", "İ"]
    ),
)  # fmt: skip


@st.composite
def notes(draw: st.DrawFn) -> tuple[str, Note]:
    name = draw(st.sampled_from(sorted(MAPS)))
    labels = st.sampled_from(sorted(MAPS[name].labels))
    text, spans = "", []
    for piece, tagged in draw(st.lists(st.tuples(PIECES, st.booleans()), max_size=8)):
        if tagged and piece:
            spans.append(Span(len(text), len(text) + len(piece), draw(labels)))
        text += piece
    return name, Note(draw(st.text(min_size=1, max_size=5)), "p", text, tuple(spans))


def gaps(note: Note) -> list[str]:
    starts = [0, *(span.end for span in note.spans)]
    ends = [*(span.start for span in note.spans), len(note.text)]
    return [note.text[start:end] for start, end in zip(starts, ends, strict=True)]


@settings(deadline=None)
@given(notes(), st.integers(0, 2**32), st.sampled_from(["es", "sv", "en"]), st.sampled_from(["keep", "bucket"]))
def test_only_the_covered_text_changes(named: tuple[str, Note], seed: int, language: str, ages: str) -> None:
    name, note = named
    how = SubstituteSettings(language=language, ages=ages)
    new = substitute(note, MAPS[name], Forbidden([]), seed, how)
    assert gaps(new) == gaps(note)
    assert [span.label for span in new.spans] == [span.label for span in note.spans]
    assert all(new.value(span) for span in new.spans)
    assert note_to_json(new) == note_to_json(substitute(note, MAPS[name], Forbidden([]), seed, how))


@settings(deadline=None)
@given(notes(), st.integers(0, 2**32), st.sampled_from(["es", "sv", "en"]))
def test_a_corpus_substituted_against_itself_shares_no_value(named: tuple[str, Note], seed: int, language: str) -> None:
    name, note = named
    forbidden = Forbidden.from_notes([note], MAPS[name])
    new = substitute(note, MAPS[name], forbidden, seed, SubstituteSettings(language=language))
    for span in new.spans:
        kind = MAPS[name][span.label].surrogate
        if kind not in ("keep", "age", "kinship", "date"):  # dates: years and months alone are few and shared
            assert not forbidden.hit(new.value(span), kind), kind
