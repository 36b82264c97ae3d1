"""Streets, towns, postcodes, hospitals and organisations: invented names in the form of the old value."""

import re

from deidrelease.surrogates.normal import normal
from deidrelease.surrogates.source import Source

_WORD = re.compile(r"[^\W\d_]+\.?|\d+|[ºª]")
_NUMBER = re.compile(r"\d+")
_COMPOUND_FROM = 12


def new_street(value: str, source: Source, attempt: int = 0) -> str:
    """A street that nobody knows, with the way of calling it, the form of the numbers and the door of `value`."""
    if source.words.number_first:
        return _number_first(value, source, attempt)
    head, tail = _head_and_tail(value, source)
    return f"{_street_name(head, source, attempt)}{_renumbered(tail, source)}"


def new_place(value: str, source: Source, attempt: int = 0) -> str:
    """A town, district or region; a postcode or an abbreviation keeps its shape."""
    if any(c.isdigit() for c in value):
        return new_postcode(value, source)
    if len(value) <= 3 and value.isupper() and attempt < _COMPOUND_FROM:
        return "".join(source.rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") if c.isalpha() else c for c in value)
    return source.place(attempt)


def new_postcode(value: str, source: Source) -> str:
    """A postcode of the shape of `value`; five digits of a Spanish one begin with a province, 01 to 52."""
    rng = source.rng
    if source.words.code == "es" and re.fullmatch(r"\d{5}", value.strip()):
        return _NUMBER.sub(f"{rng.randint(1, 52):02}{rng.randint(1, 999):03}", value)
    shaped = _NUMBER.sub(lambda match: source.digits(len(match[0])), value)
    return re.sub(r"[^\W\d_]", lambda match: _letter(match[0], source), shaped)


def new_institution(value: str, source: Source, attempt: int = 0, *, hospital: bool = True) -> str:
    """A hospital, clinic, school or company of the sort that `value` shows."""
    plain = f" {normal(value)} "
    for signs, patterns in source.words.institutions:
        if any(f" {sign} " in plain or (len(sign) > 6 and sign in plain) for sign in signs):
            return source.filled(patterns, attempt)
    return source.filled(source.words.hospitals, attempt) if hospital else source.company(attempt)


def _letter(old: str, source: Source) -> str:
    new = source.rng.choice("ABCDEFGHJKLMNPRSTUVWXY")
    return new.lower() if old.islower() else new


def _head_and_tail(value: str, source: Source) -> tuple[str, str]:
    """The street, and what stands behind it from the first number on, as far as it is door, floor and staircase."""
    match = re.search(r"[\s,]*(?:\bs/n\b|\d)", value)
    if match is None:
        return value, ""
    head, tail = value[: match.start()], value[match.start() :]
    for word in _WORD.finditer(tail):
        if word[0][0].isalpha() and normal(word[0]) not in source.words.street_tails:
            return head, tail[: word.start()].rstrip(" ,.-\n\t(")
    return head, tail


def _renumbered(tail: str, source: Source) -> str:
    numbered = _NUMBER.sub(lambda match: source.digits(len(match[0])), tail)
    # A single letter is a door or a staircase; the words for floor and door stay.
    return re.sub(r"(?<![^\W_])[A-Z](?![^\W_]|\.)", lambda match: _letter(match[0], source), numbered)


def _street_name(head: str, source: Source, attempt: int) -> str:
    name = f"{source.given(None, attempt)} {source.surname(attempt)}" if attempt % 2 else source.surname(attempt)
    if source.words.street_prefixes:
        first = re.match(r"\s*(\S+)", head)
        known = first is not None and normal(first[1]) in source.words.street_prefixes
        joined = re.match(r"\s*([Cc]/)", head)
        if joined:
            return f"{joined[1]} {name}"
        return f"{first[1] if known and first else source.street_prefix()} {name}"
    suffix = next((s for s in source.words.street_suffixes if head.casefold().rstrip().endswith(s)), None)
    stem = source.street_stem() if attempt < _COMPOUND_FROM else source.surname()
    return f"{stem}{suffix or source.rng.choice(source.words.street_suffixes[:4])}"


def _number_first(value: str, source: Source, attempt: int) -> str:
    unit = re.match(r"\s*((?:flat|apt\.?|apartment|suite|unit)\s*\d+)\s*(,?\s*)(.*)$", value, re.IGNORECASE | re.DOTALL)
    if unit is None:
        return _numbered(value, source, attempt)
    door = _NUMBER.sub(lambda match: source.digits(len(match[0])), unit[1])
    return f"{door}{unit[2]}{_numbered(unit[3], source, attempt)}" if unit[3] else door


def _numbered(value: str, source: Source, attempt: int) -> str:
    if re.fullmatch(r"[\d\s-]+", value) and attempt < _COMPOUND_FROM:
        return _NUMBER.sub(lambda match: source.digits(len(match[0])), value)
    number = re.match(r"\s*(\d+)", value)
    words = [word for word in re.findall(r"[^\W\d_]+", value) if normal(word) in source.words.street_suffixes]
    suffix = words[-1] if words else source.rng.choice(("Street", "Road", "Avenue", "Lane"))
    house = f"{source.digits(len(number[1]))} " if number else ""
    unit = re.search(r"(?:,?\s*)(?:apt|apartment|suite|ste|unit|flat|no)\.?\s*#?\d+\s*$", value, re.IGNORECASE)
    tail = _NUMBER.sub(lambda match: source.digits(len(match[0])), unit[0]) if unit else ""
    return f"{house}{source.surname(attempt)} {suffix}{tail}"
