"""Telephone and fax numbers, in ranges that ring nowhere where a country keeps such ranges.

- Sweden: five series that PTS sets aside for books and films: 031-390 06 00 to 99, 040-628 04 00 to 99, 08-465 004 00
  to 99, 0980-31 92 00 to 99, and for mobiles 070-174 06 05 to 99.
- United States and Canada: 555-0100 to 555-0199 in any area (ATIS-0300115).
- Britain: Ofcom's numbers for drama: 01632 960000 to 960999, 020 7946 0000 to 0999, 496 0000 to 0999 in nine cities
  (0113 to 0118, 0121, 0131, 0141), mobiles 07700 900000 to 900999.
- Spain keeps none: the new number has the first digit of the old one and may be somebody's.
"""

import re

from deidrelease.surrogates.source import Source

_SWEDISH = (("031", "3900600"), ("040", "6280400"), ("08", "46500400"), ("0980", "319200"))
_SWEDISH_MOBILE = ("070", "1740605")
_BRITISH = {
    3: ("02079460",),
    4: ("01134960", "01144960", "01154960", "01164960", "01174960", "01184960", "01214960", "01314960", "01414960"),
    5: ("01632960",),
}
"""By digits of the area code; three more digits follow."""
_EXTENSION = re.compile(r"\s*(?:ext|extension|anknytning|ankn|x|#)\.?\s*\d+\s*$", re.IGNORECASE)


def new_phone(value: str, source: Source) -> str:
    """A number in the format of `value`, for the country that its prefix or the language shows."""
    tail = match[0] if (match := _EXTENSION.search(value)) else ""
    body = value[: len(value) - len(tail)]
    new_tail = re.sub(r"\d+", lambda m: source.digits(len(m[0])), tail)
    return _body(body, source) + new_tail


def _body(body: str, source: Source) -> str:
    digits = "".join(c for c in body if c.isdigit())
    prefix, national = _split(body, digits, source.words.code)
    if prefix == "46":
        return _swedish(body, national, source)
    if prefix == "44":
        return _british(body, national, source)
    if prefix == "1":
        return _american(body, national, source)
    return _other(body, digits, source)


def _split(body: str, digits: str, language: str) -> tuple[str, str]:
    """Country code and the rest; the language's country where the number names none."""
    plain = body.strip().lstrip("(")
    international = digits[2:] if plain.startswith("00") else digits if plain.startswith("+") else ""
    if international:
        for code in ("46", "44", "34", "1"):
            if international.startswith(code):
                return code, international[len(code) :]
        return "", digits
    if language == "en":
        return ("44", digits) if digits.startswith("0") else ("1", digits)
    return {"sv": "46", "es": "34"}[language], digits


def _swedish(body: str, national: str, source: Source) -> str:
    trunk = national if national.startswith("0") else f"0{national}"
    if trunk.startswith("07"):
        area, first = _SWEDISH_MOBILE
        number = f"{int(first) + source.rng.randrange(95):0{len(first)}}"
    else:
        leading = re.match(r"\D*(\d+)", body)
        fitting = [pair for pair in _SWEDISH if leading and len(pair[0]) == len(leading[1])]
        area, first = source.rng.choice(fitting or _SWEDISH)
        number = f"{int(first) + source.rng.randrange(100):0{len(first)}}"
    return _fitted(body, national, area + number, f"{area}-{number}")


def _british(body: str, national: str, source: Source) -> str:
    trunk = national if national.startswith("0") else f"0{national}"
    leading = re.match(r"\D*(0\d+)", body)
    ranges = _BRITISH.get(len(leading[1]) if leading else 0, _BRITISH[5])
    start = "07700900" if trunk.startswith("07") else source.rng.choice(ranges)
    number = f"{start}{source.rng.randrange(1000):03}"
    return _fitted(body, national, number, f"{number[:5]} {number[5:]}")


def _american(body: str, national: str, source: Source) -> str:
    line = f"55501{source.rng.randrange(100):02}"
    area = f"{source.rng.randint(2, 9)}{source.rng.randint(0, 8)}{source.rng.randint(2, 9)}"
    number = line if len(national) == 7 else area + line
    if len(national) == 11 and national.startswith("1"):
        number = f"1{number}"
    return _fitted(body, national, number, f"({area}) {line[:3]}-{line[3:]}")


def _fitted(body: str, national: str, number: str, plain: str) -> str:
    """`number` in the places of the digits of `national`, at the end of `body`; `plain` where it does not fit."""
    if len(number) == len(national) + 1 and not national.startswith("0"):
        number = number[1:]
    if len(number) != len(national):
        return plain
    left = list(number)
    backwards = [left.pop() if c.isdigit() and left else c for c in reversed(body)]
    return "".join(reversed(backwards))


def _other(body: str, digits: str, source: Source) -> str:
    """Keeps a prefix of two digits after `+` or `00`, and the first digit after it, which tells mobiles from lines."""
    plain = body.strip().lstrip("(")
    keep = 3 if plain.startswith("+") else 5 if plain.startswith("00") else 1
    new = digits[:keep] + source.digits(len(digits))[: max(0, len(digits) - keep)] if len(digits) > keep else ""
    left = iter(new or source.digits(len(digits)))
    return "".join(next(left) if c.isdigit() else c for c in body)
