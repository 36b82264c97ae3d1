"""Takes a person's name apart: which words are given names, which surnames, which titles; and whose gender shows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from deidrelease.surrogates.lexicon import Gender, Lexicon
from deidrelease.surrogates.normal import normal
from deidrelease.surrogates.source import Pools

Role = Literal["given", "surname", "initial", "number"]
_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019\u00b4`][^\W\d_]+)*[ªº]?\.?|\d+")
_CUE_REACH = 30


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a name that is to be replaced.

    Attributes:
        role: What it is.
        start: Where it stands in the value.
        end: Its end there; particles before a surname belong to it.
        key: Equal for parts that must be replaced alike.
    """

    role: Role
    start: int
    end: int
    key: str


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention of a person: its value, the parts to be replaced, and the gender that a title shows."""

    value: str
    parts: tuple[Part, ...]
    gender: Gender | None

    def keys(self, role: Role) -> tuple[str, ...]:
        """The keys of the parts of `role`, in order."""
        return tuple(part.key for part in self.parts if part.role == role)


def take_apart(value: str, before: str, words: Lexicon, pools: Pools, known: "Known | None" = None) -> Mention:
    """Reads a name.

    Args:
        value: The name as it stands.
        before: The text in front of it; a title or the name of a field there decides.
        words: Of the language.
        pools: Names that people bear.
        known: What other mentions of the note have shown.
    """
    units, titles, comma = _units(value, words)
    if not units:  # a title alone: tagged as a name, so nothing of it may stay
        units = [_Unit(m.start(), m.end() - m[0].endswith("."), normal(m[0])) for m in _TOKEN.finditer(value)]
    leading = _title_before(before, words)
    cue = _cue(before, words)
    roles = _roles([unit.key for unit in units], cue, titles or leading, comma, _Ask(words, pools, known or Known()))
    parts = tuple(Part(role, unit.start, unit.end, unit.key) for unit, role in zip(units, roles, strict=True))
    genders = [gender for title in (*titles, *leading) if (gender := words.titles[title]) is not None]
    return Mention(value, parts, genders[0] if genders else None)


@dataclass(frozen=True, slots=True)
class Known:
    """Names of a note whose role other mentions have made plain."""

    given: frozenset[str] = frozenset()
    surnames: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Unit:
    start: int
    end: int
    key: str


@dataclass(frozen=True, slots=True)
class _Ask:
    words: Lexicon
    pools: Pools
    known: Known

    def given(self, key: str) -> bool:
        return key in self.known.given or self.pools.is_given(key) or _is_initial(key)

    def surname(self, key: str) -> bool:
        return key in self.known.surnames or self.pools.is_surname(key)


def _is_initial(key: str) -> bool:
    return len(key) == 1 and key.isalpha()


def _units(value: str, words: Lexicon) -> tuple[list[_Unit], tuple[str, ...], int | None]:
    """The words to replace, the titles among them, and how many units stand before a comma."""
    units: list[_Unit] = []
    titles: list[str] = []
    comma, particle = None, None
    for match in _TOKEN.finditer(value):
        if units and comma is None and "," in value[units[-1].end : match.start()]:
            comma = len(units)
        key = normal(match[0])
        if key in words.titles and (len(key) > 1 or match[0].endswith(".")):
            titles.append(key)
        elif key in words.conjunctions and match[0].islower():
            particle = None
        elif key in words.particles and match[0].islower():
            particle = match.start() if particle is None else particle
        elif key:
            start = match.start() if particle is None or not units else particle
            # The dot of an initial stays outside, so that it is kept.
            units.append(_Unit(start, match.end() - match[0].endswith("."), key))
            particle = None
    return units, tuple(titles), comma


def _title_before(before: str, words: Lexicon) -> tuple[str, ...]:
    tokens = _TOKEN.findall(before[-_CUE_REACH:].rpartition("\n")[2])
    if not tokens or not re.search(r"[\s.:ªº]$", before):
        return ()
    key = normal(tokens[-1])
    return (key,) if key in words.titles else ()


def _cue(before: str, words: Lexicon) -> Role | None:
    field = normal(before[-_CUE_REACH:].rpartition("\n")[2]) if re.search(r":\s*$", before) else ""
    if any(field.endswith(normal(cue)) for cue in words.surname_cues):
        return "surname"
    return "given" if any(field.endswith(normal(cue)) for cue in words.given_cues) else None


def _roles(keys: Sequence[str], cue: Role | None, titles: Sequence[str], comma: int | None, ask: _Ask) -> list[Role]:
    roles: list[Role] = [
        "number" if key.isdigit() else "initial" if _is_initial(key) else role
        for key, role in zip(keys, _full_roles(keys, cue, titles, comma, ask), strict=True)
    ]
    return roles


def _full_roles(
    keys: Sequence[str], cue: Role | None, titles: Sequence[str], comma: int | None, ask: _Ask
) -> list[Role]:
    if cue == "surname":
        return _all("surname", len(keys))
    if comma is not None and comma < len(keys):
        return [*_all("surname", comma), *_all("given", len(keys) - comma)]
    if len(keys) == 1:
        return [_single(keys[0], cue, titles, ask)]
    count = _given_count(keys, ask)
    return [*_all("given", count), *_all("surname", len(keys) - count)]


def _all(role: Role, count: int) -> list[Role]:
    return [role] * count


def _single(key: str, cue: Role | None, titles: Sequence[str], ask: _Ask) -> Role:
    if key in ask.known.given and key not in ask.known.surnames:
        return "given"
    if key in ask.known.surnames and key not in ask.known.given:
        return "surname"
    if titles:
        by_given = any(title in ask.words.given_titles for title in titles)
        return "given" if by_given or (ask.given(key) and not ask.surname(key)) else "surname"
    if cue == "given" or ask.given(key):
        return "given"
    return "surname"


def _given_count(keys: Sequence[str], ask: _Ask) -> int:
    """How many of the first words are given names; what could be both is one where surnames enough are left."""
    surnames = 2 if ask.words.code == "es" else 1
    if not ask.given(keys[0]):
        if ask.words.code == "es" and any(map(ask.surname, keys)) and not any(map(ask.given, keys[1:])):
            return 0
        return 1
    count = 1
    while count < len(keys) and ask.given(keys[count]):
        if ask.surname(keys[count]) and len(keys) - count <= surnames:
            break
        count += 1
    if count == len(keys) and (len(keys) > 2 or _is_initial(keys[-1])):
        count -= 1
    return count


def is_kin_only(value: str, words: Lexicon, pools: Pools) -> bool:
    """Whether a value is words of kinship and nothing that could be a name."""
    tokens = [token.rstrip(".") for token in _TOKEN.findall(value)]
    return all(
        normal(token) in words.kin or (token.islower() and not pools.is_given(normal(token))) or token.isdigit()
        for token in tokens
    )
