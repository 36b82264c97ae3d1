"""The line heads that a corpus shares, and which samples have them."""

import pytest

from deidrelease.errors import ModelError
from deidrelease.models.causal.structure import Structure, heads
from deidrelease.notes import Note

FORM = "Patient data.\nName: {}\nAge : 40\nSeen on 12 May.\n\nHistory\n{}"


def note(patient: str, text: str, number: int = 0) -> Note:
    return Note(f"{patient}-{number}", patient, text)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Name: Eva Roe", {"name"}),
        ("  Past   History. ", {"past history"}),
        ("Tel 555: call", set()),
        ("One two three four five six", set()),
        ("12:30", set()),
        (": nothing before it", set()),
        ("", set()),
        ("Antecedentes:", {"antecedentes"}),
        ("Antecedentes: fiebre desde hace más de seis días", {"antecedentes"}),
    ],
)
def test_a_head_stands_before_a_colon_or_alone_on_a_short_line(line: str, found: set[str]) -> None:
    assert heads(line) == found


def test_what_half_of_the_patients_share_is_common_and_no_value_is() -> None:
    corpus = [note(name, FORM.format(name, f"{name} has a cough")) for name in ("Ann", "Bob", "Cyd", "Dee")]
    assert Structure.of(corpus).common == {"patient data", "name", "age", "history"}


def test_many_notes_of_one_patient_make_nothing_common() -> None:
    notes = [note("ann", "Ann's own heading\nfever", number) for number in range(9)]
    others = [note(name, "Name: x") for name in ("bob", "cyd")]
    assert Structure.of([*notes, *others]).common == {"name"}


def test_the_share_is_of_the_common_heads() -> None:
    structure = Structure(frozenset({"name", "age", "history", "plan"}))
    assert structure.share("Name: Eva\nAGE: 4\nother: 5") == 0.5
    assert structure.share("") == 0.0
    assert structure.share("Plan\nHistory\nAge\nName") == 1.0


@pytest.mark.parametrize("texts", [["Name: Eva"], ["It began on a Monday and then went on", "Another one"], []])
def test_a_corpus_without_one_is_refused(texts: list[str]) -> None:
    with pytest.raises(ModelError, match="no structure to ask for"):
        Structure.of([note(f"p{number}", text) for number, text in enumerate(texts)])
