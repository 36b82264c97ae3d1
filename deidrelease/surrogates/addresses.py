"""E-mail, web and IP addresses in names and ranges that are reserved for examples, so that none leads anywhere.

RFC 2606 reserves example.com, example.net and example.org; RFC 5737 and RFC 3849 the IP addresses of documentation.
"""

import re
from collections.abc import Mapping, Sequence

from deidrelease.surrogates.normal import ascii_letters, normal
from deidrelease.surrogates.source import Source

_DOMAINS = ("example.org", "example.com", "example.net")
_V4 = ("192.0.2", "198.51.100", "203.0.113")
_SEGMENT = re.compile(r"[^\W\d_]+|\d+", re.UNICODE)


def new_email(value: str, source: Source, renamed: Mapping[str, str], nearest: Sequence[str], attempt: int = 0) -> str:
    """An address whose owner keeps the new name of the person whose old name it held.

    Args:
        value: The old address.
        source: Draws what no name decides.
        renamed: Old names of the note, in ASCII small letters, with the new ones.
        nearest: New names, given name first, of the person who is mentioned last before the address; may be empty.
        attempt: From the second on, a number is added, so that it can differ from a private address.
    """
    local, _, _ = value.partition("@")
    parts = [_segment(part, source, renamed) for part in _SEGMENT.findall(local)]
    if parts and all(part is not None for part, old in zip(parts, _SEGMENT.findall(local), strict=True)):
        fresh = iter([part or "" for part in parts])
        new = _SEGMENT.sub(lambda _: next(fresh), local)
    else:
        new = _from_name([ascii_letters(name) for name in nearest], source, bool(re.search(r"\d", local)))
    number = str(source.rng.randint(2, 10 ** (1 + attempt // 2))) if attempt else ""
    return f"{new}{number}@{source.rng.choice(_DOMAINS)}"


def new_url(value: str, source: Source) -> str:
    """An address at an example domain, with as many parts in its path."""
    match = re.match(r"(?P<scheme>[a-z]+://)?(?P<www>www\.)?(?P<host>[^/?#\s]*)(?P<rest>.*)$", value, re.I | re.S)
    if match is None:
        return f"https://{source.rng.choice(_DOMAINS)}"
    rest = re.sub(r"[^\W_]+", lambda m: _path_word(m[0], source), match["rest"])
    host = f"{ascii_letters(source.surname())}.{source.rng.choice(_DOMAINS)}"
    return f"{match['scheme'] or ''}{match['www'] or ''}{host}{rest}"


def new_ip(value: str, source: Source) -> str:
    """An IP address of documentation, of the same version."""
    if ":" in value:
        return "2001:db8:" + ":".join(f"{source.rng.randrange(1, 65536):x}" for _ in range(6))
    return f"{source.rng.choice(_V4)}.{source.rng.randint(1, 254)}"


def _segment(part: str, source: Source, renamed: Mapping[str, str]) -> str | None:
    """The new form of a part of a mailbox's name; None where it holds no name that is known."""
    if part.isdigit():
        return source.digits(len(part))
    old = ascii_letters(part)
    if old in renamed:
        return renamed[old]
    # jsmith, smithj: an initial glued to a surname.
    for initial, rest in ((old[:1], old[1:]), (old[-1:], old[:-1])):
        if rest in renamed:
            first = next((new[:1] for name, new in renamed.items() if name.startswith(initial) and name != rest), "")
            glued = first or source.rng.choice("abcdefghijlmnoprst")
            return glued + renamed[rest] if old.endswith(rest) else renamed[rest] + glued
    for size in range(len(old) - 2, 2, -1):  # anasmith: two names glued
        if old[:size] in renamed and old[size:] in renamed:
            return renamed[old[:size]] + renamed[old[size:]]
    return None


def _from_name(names: Sequence[str], source: Source, numbered: bool) -> str:
    given, surname = (*names, "", "")[:2]
    given = given or ascii_letters(source.given(None))
    surname = surname or ascii_letters(source.surname())
    pattern = source.rng.choice((f"{given[:1]}{surname}", f"{given}.{surname}", f"{surname}{given[:1]}"))
    return pattern + (source.digits(2) if numbered else "")


def _path_word(word: str, source: Source) -> str:
    if word.isdigit():
        return source.digits(len(word))
    if normal(word) in ("html", "htm", "php", "pdf", "aspx", "index"):
        return word
    return ascii_letters(source.word())
