"""Check digits of the numbers whose shape is recognised, each with where its rule is laid down."""

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_NHS_WEIGHTS = (10, 9, 8, 7, 6, 5, 4, 3, 2)


def luhn_digit(digits: str) -> str:
    """The digit that makes `digits` pass the Luhn test: cards, personnummer, organisationsnummer.

    ISO/IEC 7812-1, annex B; for the personnummer SKV 704.
    """
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - index % 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def dni_letter(number: str) -> str:
    """The letter of a DNI of eight digits, or of a NIE whose first letter X, Y, Z was read as 0, 1, 2.

    Real Decreto 1553/2005, article 11; Orden INT/2058/2008 for the NIE.
    """
    return _DNI_LETTERS[int(number) % 23]


def nass_digits(province: str, number: str) -> str:
    """The two control digits of a Spanish affiliation number (NASS): province of two digits, number of eight.

    Province and number read as one number, the latter without its leading zero where it has one, modulo 97 (the rule
    that the Spanish social security uses in its message formats; nothing published with an article number was found).
    """
    width = 7 if int(number) < 10_000_000 else 8
    return f"{int(f'{province}{int(number):0{width}}') % 97:02}"


def nhs_digit(digits: str) -> str | None:
    """The tenth digit of an NHS number; None where nine digits have none (NHS Data Dictionary, "NHS NUMBER")."""
    check = 11 - sum(weight * int(digit) for weight, digit in zip(_NHS_WEIGHTS, digits, strict=True)) % 11
    return None if check == 10 else str(check % 11)


def iban_digits(country: str, account: str) -> str:
    """The two digits behind the country code of an IBAN (ISO 13616-1, ISO 7064 MOD 97-10)."""
    numbers = "".join(str(int(c, 36)) for c in account + country)
    return f"{98 - int(numbers + '00') % 97:02}"
