"""Identity, insurance, record, licence and account numbers: the shape of the old value, check digits where known.

What can be given to nobody is taken where the issuer keeps such a range:

- US social security numbers begin with 9, in groups that are no ITIN either; the Social Security Administration has
  never issued an area of 9xx (20 CFR 422.103; IRM 3.21.263 for the groups of ITIN).
- British NHS numbers begin with 999, which NHS Digital sets aside for tests.
- Swedish personnummer have the birth numbers 980 to 999, as those have that Skatteverket publishes for tests (data set
  "Testpersonnummer", dataportal.se). The published list is not contained here, so a number may be off that list.

Spain keeps no range of DNI, NIE or NASS free, nor Sweden of organisationsnummer: these are valid numbers that may have
been issued to somebody. A record number has no issuer beyond the hospital, so only the private corpus can be avoided.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta

from deidrelease.surrogates.check_digits import dni_letter, iban_digits, luhn_digit, nass_digits, nhs_digit
from deidrelease.surrogates.source import Source

_GROW_FROM, _GROW_EVERY = 30, 10
_HEX = frozenset("0123456789abcdefABCDEF")
_CARD = range(13, 20)


def new_identifier(value: str, source: Source, shift: int = 0, attempt: int = 0) -> str:
    """A number or code of the shape of `value`.

    Args:
        value: The old one; letters, digits, separators and spaces keep their places.
        source: Its language decides which shapes are known.
        shift: Days by which the note's dates move; a birth date inside a number moves along.
        attempt: How many were turned down already; from the 30th on, the number grows.
    """
    bare = "".join(c for c in value if c.isalnum())
    for known in _KNOWN[source.words.code] + _KNOWN["any"]:
        if (new := known(bare.upper(), value, source, shift)) is not None:
            return pour(new, value)
    scrambled = _scrambled(value, source)
    return scrambled + source.digits(max(0, (attempt - _GROW_FROM) // _GROW_EVERY + 1))


def pour(characters: str, shape: str) -> str:
    """`characters` in the places of the letters and digits of `shape`, in its case; as they are if they do not fit."""
    if sum(c.isalnum() for c in shape) != len(characters):
        return characters
    left = iter(characters)
    poured = (next(left) if c.isalnum() else c for c in shape)
    return "".join(new.lower() if old.islower() else new for old, new in zip(shape, poured, strict=True))


def _scrambled(value: str, source: Source) -> str:
    rng = source.rng
    is_hex = len(value) >= 12 and any(c.isalpha() for c in value) and all(c in _HEX for c in value if c.isalnum())
    letters = "ABCDEF" if is_hex else "ABCDEFGHJKLMNPRSTUVWXYZ"
    first = True
    out = []
    for c in value:
        if c.isdigit():
            out.append(str(rng.randint(int(first and c != "0"), 9)))
            first = False
        elif c.isalpha():
            letter = rng.choice(letters)
            out.append(letter.lower() if c.islower() else letter)
        else:
            out.append(c)
    return "".join(out)


def _dni(bare: str, _value: str, source: Source, _shift: int) -> str | None:
    if not re.fullmatch(r"\d{8}[A-Z]", bare):
        return None
    number = source.digits(8)
    return number + dni_letter(number)


def _nie(bare: str, _value: str, source: Source, _shift: int) -> str | None:
    if not re.fullmatch(r"[XYZ]\d{7}[A-Z]", bare):
        return None
    first, number = source.rng.randrange(3), source.digits(7)
    return f"{'XYZ'[first]}{number}{dni_letter(f'{first}{number}')}"


def _nass(bare: str, _value: str, source: Source, _shift: int) -> str | None:
    if not re.fullmatch(r"\d{12}", bare):
        return None
    province, number = f"{source.rng.randint(1, 52):02}", source.digits(8)
    return province + number + nass_digits(province, number)


def _collegiate(bare: str, _value: str, source: Source, _shift: int) -> str | None:
    """The province twice, then the number within it."""
    if not (re.fullmatch(r"\d{9}", bare) and bare[:2] == bare[2:4] and 1 <= int(bare[:2]) <= 52):
        return None
    return f"{source.rng.randint(1, 52):02}" * 2 + source.digits(5)


def _personnummer(bare: str, _value: str, source: Source, shift: int) -> str | None:
    match = re.fullmatch(r"(18|19|20)?(\d\d)(\d\d)(\d\d)\d\d(\d)\d", bare)
    if match is None:
        return None
    century, extra = int(match[1] or 19), 60 if int(match[4]) > 60 else 0
    try:
        born = date(100 * century + int(match[2]), int(match[3]), int(match[4]) - extra)
    except ValueError:
        return None
    born += timedelta(days=shift or source.rng.randint(1, 364)) + timedelta(days=source.rng.randint(-14, 14))
    serial = 980 + 2 * source.rng.randrange(10) + int(match[5]) % 2
    digits = f"{born:%y%m}{born.day + extra:02}{serial}"
    return (f"{born:%Y}"[:2] if match[1] else "") + digits + luhn_digit(digits)


def _organisation(bare: str, _value: str, source: Source, _shift: int) -> str | None:
    if not (re.fullmatch(r"(16)?\d\d[2-9]\d{7}", bare) and luhn_digit(bare[-10:-1]) == bare[-1]):
        return None
    digits = f"5{source.rng.randint(0, 9)}{source.rng.randint(2, 9)}{source.digits(6)}"
    return bare[:-10] + digits + luhn_digit(digits)


def _ssn(bare: str, value: str, source: Source, _shift: int) -> str | None:
    if not (re.fullmatch(r"\d{3}([- ])\d{2}\1\d{4}", value.strip()) and len(bare) == 9):
        return None
    return f"9{source.rng.randint(0, 99):02}{source.rng.randint(1, 49):02}{source.rng.randint(1, 9999):04}"


def _nhs(bare: str, value: str, source: Source, _shift: int) -> str | None:
    if not re.fullmatch(r"\d{10}", bare):
        return None
    if not re.fullmatch(r"\d{3}([- ])\d{3}\1\d{4}", value.strip()) and nhs_digit(bare[:9]) != bare[9]:
        return None
    while True:
        digits = f"999{source.rng.randint(0, 999_999):06}"
        if (check := nhs_digit(digits)) is not None:
            return digits + check


def _iban(bare: str, _value: str, source: Source, _shift: int) -> str | None:
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", bare):
        return None
    country, account = bare[:2], _scrambled(bare[4:], source)
    return country + iban_digits(country, account) + account


def _card(bare: str, _value: str, source: Source, _shift: int) -> str | None:
    if not (bare.isdigit() and len(bare) in _CARD and bare[0] in "3456" and luhn_digit(bare[:-1]) == bare[-1]):
        return None
    digits = bare[0] + source.digits(len(bare) - 2)
    return digits + luhn_digit(digits)


def _mac(_bare: str, value: str, source: Source, _shift: int) -> str | None:
    """Locally administered addresses, which no maker is given (IEEE 802c, bit 2 of the first octet)."""
    if not re.fullmatch(r"([0-9A-Fa-f]{2}([:-])){5}[0-9A-Fa-f]{2}", value.strip()):
        return None
    nibbles = "".join(source.rng.choice("0123456789ABCDEF") for _ in range(10))
    return source.rng.choice("0123456789ABCDEF") + source.rng.choice("26AE") + nibbles


_Known = Callable[[str, str, Source, int], str | None]
_KNOWN: dict[str, tuple[_Known, ...]] = {
    "es": (_dni, _nie, _nass, _collegiate),
    "sv": (_personnummer, _organisation),
    "en": (_ssn, _nhs),
    "any": (_mac, _iban, _card),
}
