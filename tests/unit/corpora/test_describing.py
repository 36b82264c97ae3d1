"""A description worked by hand, and what it must not tell."""

import json

import pytest

from deidrelease.corpora.describing import describe
from deidrelease.errors import CorpusError, Problem
from deidrelease.notes import Corpus, Located, Note, Span


class Shard:
    def __init__(self, *notes: Note) -> None:
        self.notes = notes

    def read(self):  # type: ignore[no-untyped-def]
        return (Located("here", note) for note in self.notes)


# Roe is seen by Dr. Ek; so is Doe, whose name is written in two ways.
CORPUS = Corpus(
    "corpus",
    (
        Shard(
            Note("n1", "p-Roe", "Roe, by Dr. Ek.", (Span(0, 3, "NAME"), Span(12, 14, "DOCTOR"))),
            Note("n2", "p-Doe", "John  Doe, by Ek!", (Span(0, 9, "NAME"), Span(14, 16, "DOCTOR"))),
        ),
        Shard(
            Note("n3", "p-Doe", "john doe again", (Span(0, 8, "NAME"),)),
            Note("n4", "p-Doe", "well"),
        ),
    ),
)


def test_a_description_by_hand() -> None:
    found = describe(CORPUS)
    assert (found.notes, found.patients, found.notes_without_spans) == (4, 2, 1)
    assert found.characters == 15 + 17 + 14 + 4
    # Roe , by Dr . Ek . — John Doe , by Ek ! — john doe again — well
    assert found.tokens == 7 + 6 + 3 + 1
    assert found.note_characters == [4, 4, 14, 15, 17, 17]
    assert found.note_tokens == [1, 1, 3, 6, 7, 7]
    assert found.patient_notes == [1, 1, 1, 3, 3, 3]
    name, doctor = found.types["NAME"], found.types["DOCTOR"]
    assert list(found.types) == ["NAME", "DOCTOR"]
    assert (name.spans, name.notes, name.values, name.median_length, name.shared.value) == (3, 3, 2, 8, 0.0)
    assert (doctor.spans, doctor.notes, doctor.values, doctor.median_length) == (2, 2, 1, 2)
    assert (doctor.shared.value, doctor.shared.n) == (1.0, 1)
    assert doctor.shared.low < 0.5


def test_it_tells_no_value_and_no_id() -> None:
    told = json.dumps(describe(CORPUS).as_record("corpus")).casefold()
    assert not [word for word in ("roe", "doe", "john", "again", "n1", "p-") if word in told]


def test_an_empty_corpus_is_no_corpus() -> None:
    with pytest.raises(CorpusError, match="holds no notes"):
        describe(Corpus("corpus", (Shard(),)))


def test_a_corpus_with_defects_is_not_described() -> None:
    class Bad:
        def read(self):  # type: ignore[no-untyped-def]
            yield Problem("here:1", "is bad", "mend it")

    with pytest.raises(CorpusError, match="here:1"):
        describe(Corpus("corpus", (Bad(),)))
