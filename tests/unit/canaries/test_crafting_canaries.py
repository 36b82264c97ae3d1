"""Canaries are made up: of public or shared phrases, never of a patient's, and never equal to anything real."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from made.canaries import made_canaries
from pydantic import ValidationError
from scipy.stats import binomtest

from deidrelease.canaries import crafting
from deidrelease.canaries.canary import planted_in
from deidrelease.canaries.crafting import craft, squeezed
from deidrelease.canaries.phrases import PUBLIC, form_phrases, forms_for
from deidrelease.canaries.planting import canaries_of
from deidrelease.canaries.record import CANARIES
from deidrelease.demo import hospital
from deidrelease.notes import Corpus, Held, Note, Span
from deidrelease.settings import AdaptSettings, CanarySettings


def note(patient: int, text: str, *values: str) -> Note:
    spans = tuple(Span(text.index(value), text.index(value) + len(value), "NAME") for value in values)
    return Note(f"n{patient}", f"p{patient}", text, spans)


def corpus(*notes: Note) -> Corpus:
    return Corpus("memory", (Held(notes),))


def test_a_phrase_is_the_forms_if_many_patients_have_it_and_ends_before_values_and_digits() -> None:
    notes = [note(i, f"Name: Ana{i} Ruiz\nRoom 1{i} east\nsaid she was tired\n", f"Ana{i} Ruiz") for i in range(5)]
    notes += [note(9, "Name: Eva\na rare disease\n", "Eva"), note(10, "a rare disease\n"), note(11, "a rare disease\n")]
    assert form_phrases(notes, 5) == ("Name:", "Room", "said she was tired")
    assert form_phrases(notes, 3)[-1] == "a rare disease"
    assert not any("Ana" in phrase or "Eva" in phrase for phrase in form_phrases(notes, 1))


def test_a_line_inside_a_value_gives_no_phrase() -> None:
    notes = [note(i, "Lives at Long Road\nSecond Part of it\nAnd so on", "Long Road\nSecond Part") for i in range(9)]
    assert form_phrases(notes, 9) == ("And so on", "Lives at")


def test_many_notes_of_one_patient_make_no_form() -> None:
    assert form_phrases([Note(f"n{i}", "one", "always the same words") for i in range(100)], 2) == ()


def test_public_phrases_look_at_no_note() -> None:
    def notes() -> Note:
        raise AssertionError("a note was read")
        yield

    assert forms_for(notes(), True, 20, "sv") == (PUBLIC["sv"],)
    assert forms_for([], False, 20, None) == tuple(PUBLIC.values())


def test_nothing_of_a_canary_stands_in_the_notes() -> None:
    notes = list(hospital.notes(30, seed=3))
    whole = " ".join(squeezed(n.text) for n in notes)
    canaries = made_canaries(100, tuple(notes))
    for canary in canaries:
        assert canary.text == canary.prefix + canary.secret
        assert len(canary.words) == 6
        for part in (*canary.words, *canary.identifiers):
            assert part in canary.secret
            assert squeezed(part) not in whole
    assert len({c.name for c in canaries}) == len({c.secret for c in canaries}) == 100


def test_what_is_found_in_a_note_is_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    words = iter(["Kafpaz", "Wokjit", *(f"Zok{i}" for i in range(100))])
    monkeypatch.setattr(crafting, "_word", lambda: next(words))
    [canary] = craft(1, 2, (("A form:",),), [[Note("n", "p", "said kaf-paz twice")]])
    assert canary.words == ("Zok0", "Zok1")


def test_the_coin_is_fair_and_tells_nothing_by_place() -> None:
    canaries = made_canaries(4000)
    planted = [canary.inserted for canary in canaries]
    assert binomtest(sum(planted), 4000).pvalue > 1e-6
    assert binomtest(sum(planted[:2000]), 2000).pvalue > 1e-6
    again = [a == b for a, b in pairwise(planted)]
    assert binomtest(sum(again), len(again)).pvalue > 1e-6


def test_two_runs_make_different_ones() -> None:
    assert {c.secret for c in made_canaries(20)}.isdisjoint(c.secret for c in made_canaries(20))


def test_each_planted_one_is_a_patient_of_its_own_among_the_notes() -> None:
    train = corpus(*(Note(f"n{i}", f"p{i}", "text") for i in range(3)))
    canaries = made_canaries(40)
    learnt = planted_in(train, canaries)
    for _ in range(2):  # as often as one likes
        notes = list(learnt)
        assert [n.note_id for n in notes[:3]] == ["n0", "n1", "n2"]
        assert [n.text for n in notes[3:]] == [c.text for c in canaries if c.inserted]
        assert max(Counter(n.patient_id for n in notes).values()) == 1
    assert planted_in(train, ()) is train


def test_a_killed_attempt_goes_on_with_its_own_canaries(tmp_path: Path) -> None:
    train = corpus(*hospital.notes(4, seed=1))
    known = corpus(Note("d", "d", "text"))
    first = canaries_of(CanarySettings(count=30), train, [train, known], tmp_path / "c", private=False)
    assert canaries_of(CanarySettings(count=30), train, [train, known], tmp_path / "c", private=False) == first
    assert canaries_of(CanarySettings(count=30), train, [train, known], tmp_path / "other", private=False) != first
    assert (tmp_path / "c" / CANARIES).stat().st_mode & 0o777 == 0o600
    assert canaries_of(None, train, [train, known], tmp_path / "none", private=False) == ()
    assert not (tmp_path / "none").exists()


def test_with_privacy_no_note_decides_how_a_canary_begins(tmp_path: Path) -> None:
    train = corpus(*(Note(f"n{i}", f"p{i}", "One line:\nTwo lines:\nThree lines:\n") for i in range(40)))
    settings = CanarySettings(count=50)
    shared = canaries_of(settings, train, [train], tmp_path / "a", private=False)
    public = canaries_of(settings, train, [train], tmp_path / "b", private=True)
    lines = {phrase for phrases in PUBLIC.values() for phrase in phrases}
    assert {line for c in shared for line in c.prefix.strip().split("\n")} == {
        "One line:",
        "Two lines:",
        "Three lines:",
    }
    assert {line for c in public for line in c.prefix.strip().split("\n")} <= lines


def test_a_form_of_private_notes_is_refused_with_privacy() -> None:
    told = {"model": "m", "canaries": {"prefix": "form"}, "dp": {"epsilon": 4}}
    with pytest.raises(ValidationError, match=re.escape("canaries.prefix")):
        AdaptSettings.model_validate(told)
    assert AdaptSettings.model_validate({**told, "dp": None}).canaries is not None
