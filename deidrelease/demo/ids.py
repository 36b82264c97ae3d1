"""National identity numbers that nobody has.

Each has the form of the real thing, so that a model meets the real shape, and none can be issued: the Spanish letter
and the Swedish check digit are off by one on purpose, and the English number lies in the range 999 that the NHS keeps
for tests.
"""

import random
from datetime import date

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_NHS_WEIGHTS = (10, 9, 8, 7, 6, 5, 4, 3, 2)


def national_id(language: str, rng: random.Random, born: date, sex: int) -> str:
    """An identity number in the form of `language` (`es`, `sv` or `en`); `sex` is 0 for male, 1 for female."""
    if language == "es":
        return _dni(rng)
    return _personnummer(rng, born, sex) if language == "sv" else _nhs_number(rng)


def luhn_digit(digits: str) -> int:
    """The check digit that makes `digits` pass the Luhn test (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * (2 - index % 2) for index, digit in enumerate(digits))
    return -sum(value // 10 + value % 10 for value in doubled) % 10


def _dni(rng: random.Random) -> str:
    number = rng.randint(10_000_000, 89_999_999)
    letter = _DNI_LETTERS[(number + 1) % 23]
    return rng.choice((f"{number}{letter}", f"{number}-{letter}"))


def _personnummer(rng: random.Random, born: date, sex: int) -> str:
    # The third serial digit is odd for men and even for women.
    serial = f"{rng.randint(0, 99):02}{rng.randrange(0, 10, 2) + 1 - sex}"
    check = (luhn_digit(f"{born:%y%m%d}{serial}") + 1) % 10
    return f"{born:%Y%m%d}-{serial}{check}"


def _nhs_number(rng: random.Random) -> str:
    while True:
        digits = f"999{rng.randint(0, 999_999):06}"
        check = 11 - sum(weight * int(digit) for weight, digit in zip(_NHS_WEIGHTS, digits, strict=True)) % 11
        # By the rule a remainder that asks for the digit 10 makes the number unusable.
        if check != 10:
            return f"{digits[:3]} {digits[3:6]} {digits[6:]}{check % 11}"
