"""Streets, towns, hospitals, ages: the form of the old value around an invented name."""

import random
import re

import pytest

from deidrelease.surrogates.ages import new_age
from deidrelease.surrogates.lexicon import lexicon
from deidrelease.surrogates.places import new_institution, new_place, new_street
from deidrelease.surrogates.source import pools, source

W = r"[\w'-]+"


@pytest.mark.parametrize(
    ("language", "old", "new"),
    [
        ("es", "Calle del Pez, 28", rf"Calle {W}, \d\d"),
        ("es", "c/ del Abedul 5-7, 2º dcha", rf"c/ {W} \d-\d, \dº dcha"),
        ("es", "C/ Irunlarrea, 3", rf"C/ {W}, \d"),
        ("es", "Avda. de França, s/n", rf"Avda\. {W}, s/n"),
        ("es", "Calle Mayor 12, 28013 Madrid", rf"Calle {W} \d\d, \d{{5}}"),  # no town stays behind
        ("es", "Eduardo Rivas, 3, 5 A", rf"{W}\.? {W}, \d, \d [A-Z]"),
        ("sv", "Storgatan 12 B", rf"{W}gatan \d\d [A-Z]"),
        ("sv", "Björkvägen 3, lgh 1201", rf"{W}vägen \d, lgh \d{{4}}"),
        ("en", "12 Baker Street", rf"\d\d {W} Street"),
        ("en", "Flat 2, 14 Elm Gardens", rf"Flat \d, \d\d {W} Gardens"),
        ("en", "742 Evergreen Terrace Apt 5", rf"\d{{3}} {W} Terrace Apt \d"),
        ("en", "Suite 501", r"Suite \d{3}"),
    ],
)
def test_streets(language: str, old: str, new: str) -> None:
    for seed in range(20):
        made = new_street(old, source(language, random.Random(seed)))
        assert re.fullmatch(new, made), made


@pytest.mark.parametrize(
    ("language", "old", "new"),
    [
        ("es", "28016", r"(0[1-9]|[1-4]\d|5[0-2])\d{3}"),
        ("sv", "123 45", r"[1-9]\d\d [1-9]\d"),
        ("en", "EX4 3AB", r"[A-Z]{2}\d \d[A-Z]{2}"),
        ("en", "TX", r"[A-Z]{2}"),
    ],
)
def test_codes_keep_their_shape(language: str, old: str, new: str) -> None:
    for seed in range(20):
        assert re.fullmatch(new, new_place(old, source(language, random.Random(seed))))


def test_places_are_invented_from_names() -> None:
    surnames = pools("es_ES").surnames
    for seed in range(30):
        place = new_place("Madrid", source("es", random.Random(seed)))
        assert any(name in place for name in surnames)


@pytest.mark.parametrize(
    ("language", "old", "sort"),
    [
        ("es", "Hospital Universitario La Paz", "Hospital"),
        ("es", "Complejo Hospitalario de Navarra", "Hospital"),
        ("es", "Centro de Salud Zona 4", "Centro de Salud"),
        ("es", "Clínica Puerta de Hierro", "Clínica"),
        ("es", "La Paz", "Hospital"),
        ("sv", "Karolinska universitetssjukhuset", "universitetssjukhus"),
        ("sv", "Lundby vårdcentral", "årdcentral"),
        ("en", "Elm Clinic", "Clinic"),
        ("en", "St Aldwyn's Hospital", "Hospital"),
    ],
)
def test_hospitals_stay_of_their_sort(language: str, old: str, sort: str) -> None:
    for seed in range(10):
        assert sort in new_institution(old, source(language, random.Random(seed)))


@pytest.mark.parametrize(
    ("language", "old", "kept", "bucket"),
    [
        ("es", "38 años", "38 años", "30-39 años"),
        ("es", "93 años", "90+ años", "90+ años"),
        ("es", "90", "90+", "90+"),
        ("es", "noventa y tres años", "90+", "90+"),
        ("es", "setenta y dos años", "setenta y dos años", "70-79"),
        ("es", "Lactante", "Lactante", "Lactante"),
        ("es", "8 meses", "8 meses", "0-9 años"),
        ("es", "100 meses", "100 meses", "0-9 años"),
        ("sv", "82-årig", "82-årig", "80-89-årig"),
        ("sv", "nittiotre år", "90+", "90+"),
        ("sv", "10 veckor", "10 veckor", "0-9 år"),
        ("en", "89-year-old", "89-year-old", "80-89-year-old"),
        ("en", "101 years", "90+ years", "90+ years"),
        ("en", "ninety-five", "90+", "90+"),
        ("en", "70yo", "70yo", "70-79yo"),
    ],
)
def test_ages(language: str, old: str, kept: str, bucket: str) -> None:
    words = lexicon(language)
    assert (new_age(old, words, "keep"), new_age(old, words, "bucket")) == (kept, bucket)
