"""Numbers: the shape of the old one, check digits that another library accepts, and what nobody can be given."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iban, luhn
from stdnum.es import dni, nie
from stdnum.gb import nhs
from stdnum.se import orgnr, personnummer

from deidrelease.surrogates.check_digits import dni_letter, iban_digits, luhn_digit, nass_digits, nhs_digit
from deidrelease.surrogates.identifiers import new_identifier, pour
from deidrelease.surrogates.source import source


def made(value: str, language: str, seed: int = 0, **more: int) -> str:
    return new_identifier(value, source(language, random.Random(seed)), **more)


def shape(value: str) -> str:
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", value))


@pytest.mark.parametrize(
    ("language", "value"),
    [
        ("es", "12345678Z"), ("es", "12345678-z"), ("es", "12.345.678 Z"), ("es", "X1234567L"),
        ("es", "26 63514095 12"),
        ("es", "28 28 70973"), ("es", "368503"), ("es", "HC-123456"), ("es", "12/345678"), ("es", "AB123456"),
        ("sv", "19640823-3234"), ("sv", "640823-3234"), ("sv", "6408233234"), ("sv", "556016-0680"),
        ("sv", "J123456-78"),
        ("en", "123-45-6789"), ("en", "943 476 5919"), ("en", "MRN998877"), ("en", "GB82 WEST 1234 5698 7654 32"),
        ("en", "4111 1111 1111 1111"), ("en", "123e4567-e89b-12d3-a456-426614174000"),
    ],
)  # fmt: skip
def test_the_shape_stays(language: str, value: str) -> None:
    for seed in range(20):
        assert shape(made(value, language, seed)) == shape(value)


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_check_digits_satisfy_another_library(seed: int) -> None:
    assert dni.is_valid(made("12345678Z", "es", seed))
    assert nie.is_valid(made("X1234567L", "es", seed))
    assert personnummer.is_valid(made("640823-3234", "sv", seed))
    assert orgnr.is_valid(made("556016-0680", "sv", seed))
    assert nhs.is_valid(made("943 476 5919", "en", seed))
    assert iban.is_valid(made("GB82 WEST 1234 5698 7654 32", "en", seed), check_country=False)
    assert luhn.is_valid(made("4111111111111111", "en", seed))


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_a_nass_satisfies_the_rule(seed: int) -> None:
    digits = made("26 63514095 12", "es", seed).replace(" ", "")
    province, serial, control = int(digits[:2]), int(digits[2:10]), int(digits[10:])
    assert 1 <= province <= 52
    # Read as one number; a serial below ten million has seven digits.
    joined = province * 10**7 + serial if serial < 10**7 else province * 10**8 + serial
    assert joined % 97 == control


@pytest.mark.parametrize(
    ("found", "known"),
    [
        (dni_letter("12345678"), "Z"),
        (dni_letter("00000000"), "T"),
        (luhn_digit("640823323"), "4"),  # Skatteverket's own example, 640823-3234
        (luhn_digit("411111111111111"), "1"),
        (nhs_digit("943476591"), "9"),
        (iban_digits("GB", "WEST12345698765432"), "82"),
        (nass_digits("28", "12345678"), f"{2812345678 % 97:02}"),
        (nass_digits("28", "01234567"), f"{281234567 % 97:02}"),
    ],
)
def test_known_check_digits(found: str | None, known: str) -> None:
    assert found == known


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_nobody_can_have_these(seed: int) -> None:
    area, group, serial = made("123-45-6789", "en", seed).split("-")
    assert area.startswith("9")  # never issued as SSN
    assert 1 <= int(group) <= 49  # nor as ITIN: 50-65, 70-88, 90-92, 94-99
    assert serial != "0000"
    assert made("943 476 5919", "en", seed).startswith("999")
    assert 980 <= int(made("19640823-3234", "sv", seed)[9:12]) <= 999
    assert int(made("00:1B:44:11:3A:B7", "en", seed)[1], 16) & 2  # locally administered


def test_a_personnummer_keeps_its_parity_and_moves_with_the_note() -> None:
    for value, odd in (("19640823-3234", 1), ("19640823-3242", 0)):
        new = made(value, "sv", shift=100)
        assert int(new[11]) % 2 == odd
        assert "19641117" <= new[:8] <= "19641215"  # 100 days later, give or take a fortnight


def test_a_coordination_number_stays_one() -> None:
    assert 61 <= int(made("701063-2391", "sv")[4:6]) <= 91


def test_the_province_of_a_collegiate_number_stands_twice() -> None:
    first, second, _ = made("28 28 70973", "es").split()
    assert first == second


def test_a_number_grows_where_all_of_its_size_were_turned_down() -> None:
    assert len(made("7", "es", attempt=29)) == 1
    assert len(made("7", "es", attempt=30)) == 2
    assert len(made("7", "es", attempt=50)) == 4


def test_pouring() -> None:
    assert pour("87654321X", "12.345.678-z") == "87.654.321-x"
    assert pour("12", "123") == "12"
