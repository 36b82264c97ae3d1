"""The fictitious hospital: stable, consistent and annotated where the values stand."""

import random
import re
from collections import defaultdict
from datetime import date

import pytest

from deidrelease.demo.hospital import LABELS, LANGUAGES, notes
from deidrelease.demo.ids import luhn_digit, national_id
from deidrelease.demo.people import make_person, make_places
from deidrelease.demo.templates import Scope, render, slots
from deidrelease.demo.visits import Visit, scope_of
from deidrelease.notes import Note, Span, digest_of, overlaps

CORPUS = list(notes(60, seed=5))


def scope(**values: str) -> Scope:
    return Scope(
        rng=random.Random(0),
        values={f"{label}:full": (lambda value=value: value) for label, value in values.items()},
        phrases={"greeting": ("saw {PATIENT_NAME:full} today",)},
        agreement={"patient": 1, "doctor": 0},
    )


def in_language(code: str) -> list[Note]:
    return [note for note in CORPUS if note.meta["language"] == code]


def values_by_patient(label: str, corpus: list[Note]) -> dict[str, set[str]]:
    found = defaultdict(set)
    for note in corpus:
        found[note.patient_id] |= {note.value(span) for span in note.spans if span.label == label}
    return {patient: values for patient, values in found.items() if values}


@pytest.mark.parametrize(
    ("template", "text", "spans"),
    [
        ("Dr {CLINICIAN_NAME:full}.", "Dr Åsa Ek.", (Span(3, 9, "CLINICIAN_NAME"),)),
        (
            "{PATIENT_NAME:full} saw {CLINICIAN_NAME:full}",
            "Bo saw Åsa Ek",
            (Span(0, 2, "PATIENT_NAME"), Span(7, 13, "CLINICIAN_NAME")),
        ),
        ("We {greeting}", "We saw Bo today", (Span(7, 9, "PATIENT_NAME"),)),
        ("{^greeting}", "Saw Bo today", (Span(4, 6, "PATIENT_NAME"),)),
        ("{he|she} met {him|her@doctor}, {7..7} mg", "she met him, 7 mg", ()),
        ("colaborador{|a}", "colaboradora", ()),
    ],
)
def test_renderer_puts_spans_where_the_values_stand(template: str, text: str, spans: tuple[Span, ...]) -> None:
    assert render(template, scope(PATIENT_NAME="Bo", CLINICIAN_NAME="Åsa Ek")) == (text, spans)


@pytest.mark.parametrize(
    "template", ["{nothing}", "{DATE:full}", "{PATIENT_NAME:half}", "{a|b@nobody}", "{a", "b}", "{}"]
)
def test_renderer_refuses_unknown_slots_and_stray_braces(template: str) -> None:
    with pytest.raises(ValueError, match=r"unknown|stands alone"):
        render(template, scope(PATIENT_NAME="Bo"))


def test_a_phrase_comes_again_only_after_all_others() -> None:
    drawn = Scope(random.Random(3), {}, {"drug": ("a", "b", "c")}, {})
    first, second = (sorted(drawn.phrase("drug") for _ in range(3)) for _ in range(2))
    assert first == second == ["a", "b", "c"]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_template_of_a_language_renders_with_known_slots(code: str) -> None:
    from faker import Faker

    language, fake = LANGUAGES[code], Faker(LANGUAGES[code].locale)
    places = make_places(language, fake, "places")
    person = make_person(language, fake, places, "person")
    doctor, nurse = places[0].doctors[0], places[0].nurses[0]
    for condition in language.conditions:
        visit = Visit("round", date(2020, 5, 2), date(2020, 5, 1), condition, doctor, doctor, nurse)
        bound = scope_of(language, person, visit, random.Random(0))
        sources = [*bound.phrases.values(), *language.kinds.values()]
        templates = [template for source in sources for template in source]
        assert all(render(template, bound)[0] for template in templates)
        assert {slot.split(":")[0] for t in templates for slot in slots(t) if ":" in slot} == set(LABELS)


def test_same_seed_same_notes_other_seed_other_notes() -> None:
    assert digest_of(notes(5, seed=1)) == digest_of(notes(5, seed=1))
    assert digest_of(notes(5, seed=1)) != digest_of(notes(5, seed=2))


def test_more_patients_leave_the_earlier_ones_as_they_were() -> None:
    few = list(notes(4, ["sv", "en"], seed=1))
    assert few == [note for note in notes(9, ["sv", "en"], seed=1) if int(note.patient_id[-6:]) <= 4]


def test_a_language_does_not_depend_on_the_others() -> None:
    assert list(notes(60, ["sv"], seed=5)) == in_language("sv")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="no such language: tlh"):
        next(notes(1, ["tlh"]))


def test_ids_are_unique_and_name_language_patient_and_number() -> None:
    assert len({note.note_id for note in CORPUS}) == len(CORPUS)
    for note in CORPUS:
        assert re.fullmatch(rf"{note.meta['language']}-\d{{6}}", note.patient_id)
        assert re.fullmatch(rf"{note.patient_id}-[1-5]", note.note_id)


def test_spans_are_clean() -> None:
    for note in CORPUS:
        assert not overlaps(note.spans)
        assert all(note.value(span) == note.value(span).strip() != "" for span in note.spans)


def test_no_slot_is_left_in_the_text_and_lengths_are_a_notes() -> None:
    for note in CORPUS:
        assert not set("{}|@") & set(re.sub(r"\S+@example\.\w+| \| ", "", note.text))
        assert "  " not in note.text.replace("  Alta:", "").replace("  Utskriven:", "").replace("  Discharged:", "")
        assert 40 <= len(note.text.split()) <= 230


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_label_and_every_kind_occurs(code: str) -> None:
    assert {span.label for note in in_language(code) for span in note.spans} == set(LABELS)
    assert {note.meta["kind"] for note in in_language(code)} == set(LANGUAGES[code].kinds)
    assert len(LANGUAGES[code].kinds) >= 4


@pytest.mark.parametrize("code", LANGUAGES)
def test_some_patients_have_several_notes_that_share_their_values(code: str) -> None:
    corpus = in_language(code)
    identified = [note for note in corpus if any(s.label == "NATIONAL_ID" for s in note.spans)]
    counts = [sum(note.patient_id == patient for note in corpus) for patient in {n.patient_id for n in corpus}]
    assert 0.4 < counts.count(1) / len(counts) < 0.8
    assert max(counts) <= 5
    assert identified
    for label in ("STREET", "POSTCODE", "NATIONAL_ID", "OCCUPATION"):
        assert all(len(values) == 1 for values in values_by_patient(label, corpus).values())


def test_a_patient_keeps_the_name_over_all_notes() -> None:
    repeated = 0
    for note in CORPUS:
        names = values_by_patient("PATIENT_NAME", [n for n in CORPUS if n.patient_id == note.patient_id])
        words = {frozenset(re.findall(r"[^\s,]+", name)) for values in names.values() for name in values}
        longest = max(words, key=len, default=frozenset())
        assert all(word <= longest for word in words)
        repeated += len(words) > 1
    assert repeated


def test_clinicians_recur_over_patients() -> None:
    patients = defaultdict(set)
    for patient, values in values_by_patient("CLINICIAN_NAME", CORPUS).items():
        for value in values:
            patients[value].add(patient)
    assert sum(len(p) > 1 for p in patients.values()) > 0.5 * len(patients)


def test_personnummer_carries_the_birth_date() -> None:
    checked = 0
    people = values_by_patient("NATIONAL_ID", in_language("sv"))
    for note in in_language("sv"):
        for born in re.findall(r"(?:född|födelsedatum): (\d{4})-?(\d\d)-?(\d\d) ?(?:\(|\n)", note.text, re.IGNORECASE):
            ids = people.get(note.patient_id, set())
            assert all(value.startswith("".join(born) + "-") for value in ids)
            checked += len(ids)
    assert checked
    assert all(re.fullmatch(r"\d{8}-\d{4}", value) for values in people.values() for value in values)


def test_luhn_digit_of_the_textbook_example() -> None:
    # By hand, 7992739871 doubled from the right sums to 67, so the digit is 3. Here doubling starts at the left, as a
    # personnummer's nine digits have it, so a leading zero keeps the last digit doubled.
    assert luhn_digit("07992739871") == 3
    assert luhn_digit("811218987") == 6


def test_national_ids_have_the_form_and_cannot_have_been_issued() -> None:
    rng = random.Random(0)
    for _ in range(200):
        swedish = national_id("sv", rng, date(1948, 3, 2), sex=1)
        assert re.fullmatch(r"19480302-\d\d[02468]\d", swedish)
        assert luhn_digit(swedish[2:8] + swedish[9:12]) != int(swedish[-1])
        number, letter = re.fullmatch(r"(\d{8})-?([A-Z])", national_id("es", rng, date(1948, 3, 2), sex=0)).groups()
        assert "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] != letter
        english = national_id("en", rng, date(1948, 3, 2), sex=0)
        assert re.fullmatch(r"999 \d{3} \d{4}", english)
        digits = [int(digit) for digit in english.replace(" ", "")]
        assert sum(weight * digit for weight, digit in zip(range(10, 0, -1), digits, strict=True)) % 11 == 0


def test_mail_goes_to_example_domains_only() -> None:
    assert {mail.rsplit("@", 1)[1] for note in CORPUS for mail in re.findall(r"\S+@[\w.]*\w", note.text)} <= {
        "example.org",
        "example.com",
        "example.net",
    }


def test_dates_lie_in_the_reference_years() -> None:
    dates = [note.value(span) for note in CORPUS for span in note.spans if span.label == "DATE"]
    years = {
        int(year) for value in dates for year in re.findall(r"^\d{4}(?=-)|\d{4}$", value) if year[:2] in ("19", "20")
    }
    assert 1915 < min(years) < max(years) <= 2025
