"""What counts as a value of the private corpus."""

from datetime import date

import pytest

from deidrelease.labels import load_label_map
from deidrelease.notes import Note, Span
from deidrelease.surrogates import Forbidden

PRIVATE = Forbidden(
    [
        "Ana Ruiz Gil", "José", "Calle Mayor 12", "+34 612 345 678", "12345678-Z", "ana.ruiz@hospital.example",
        "12 de marzo de 2016", "Uppsala", "19640823-3234",
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("value", "kind", "hit"),
    [
        ("ANA  RUIZ-GIL", "person", True),
        ("Ruiz Gil, Ana", "person", True),
        ("Ána Ruiz Gíl", "person", True),
        ("Ana Ruis Gil", "person", True),  # one letter
        ("Ana Soto Gil", "person", False),
        ("Jose", "person", True),
        ("Josefa", "person", False),
        ("Calle Mayor 13", "street", True),  # nearly the same
        ("Calle Menor 13", "street", False),
        ("612345678", "phone", True),
        ("612345679", "phone", False),  # one digit off is another subscriber, and reserved ranges are dense
        ("12345678 Z", "id", True),
        ("12345678", "id", True),  # the digits are the number
        ("640823-3234", "id", True),  # a personnummer without its century
        ("ana.ruiz@example.com", "email", True),  # the mailbox
        ("eva.ruiz@example.com", "email", False),
        ("12 DE MARZO DE 2016", "date", True),
        ("13 de marzo de 2016", "date", False),
        ("upsala", "place", False),  # too short for nearness
        ("uppsala", "place", True),
        ("Ana Ruiz Gil", "keep", False),
        ("", "place", False),
    ],
)
def test_hits(value: str, kind: str, hit: bool) -> None:
    assert PRIVATE.hit(value, kind) is hit


def test_a_day_counts_however_it_is_written() -> None:
    assert PRIVATE.has_day(date(2016, 3, 12))
    assert not PRIVATE.has_day(date(2016, 3, 13))
    assert Forbidden(["04/03/2016"]).has_day(date(2016, 4, 3))  # either order
    assert Forbidden(["04/03/2016"]).has_day(date(2016, 3, 4))


def test_names_that_stand_apart_are_forbidden_together() -> None:
    text = "Nombre: Ana\nApellidos: Ruiz Gil\nMédico: Eva Sol\n"
    spans = (Span(8, 11, "PATIENT_NAME"), Span(23, 31, "PATIENT_NAME"), Span(40, 47, "CLINICIAN_NAME"))
    forbidden = Forbidden.from_notes([Note("n", "p", text, spans)], load_label_map("demo"))
    assert forbidden.hit("Ana Ruiz Gil", "person")
    assert not forbidden.hit("Ruiz Gil Eva Sol", "person")
    assert len(forbidden) == 4


def test_without_a_map_every_value_counts() -> None:
    forbidden = Forbidden.from_notes([Note("n", "p", "el 12/03/2016", (Span(3, 13, "X"),))])
    assert forbidden.hit("12-03-2016", "date")
    assert forbidden.has_day(date(2016, 3, 12))
