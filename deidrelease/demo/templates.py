"""A tiny grammar that writes text and knows where the PII in it stands.

A template is text with slots in braces, and a phrase that a slot brings in may hold slots of its own:

    {PATIENT_NAME:full}     a PII value: becomes a span with the label before the colon
    {history}               one of the phrases of that name; {^history} begins with a capital
    {admitted|admitida}     agreement with the patient; {el|la@doctor} with someone else
    {60..95}                an integer, both ends included

Gold spans come from where the values were put, so they are right by construction.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deidrelease.notes import Span

_SLOT = re.compile(r"\{([^{}]*)\}")
_VALUE = re.compile(r"([A-Z_]+):\w+")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")

Piece = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Scope:
    """What the slots of one note resolve to.

    Attributes:
        rng: Draws phrases and numbers.
        values: A PII value for every `LABEL:form`; called anew at each mention, so that a form may vary.
        phrases: The alternatives behind each name.
        agreement: Which alternative (0, 1, …) of `{a|b@subject}` each subject takes; `patient` where none is named.
    """

    rng: random.Random
    values: Mapping[str, Callable[[], str]]
    phrases: Mapping[str, Sequence[str]]
    agreement: Mapping[str, int]
    _decks: dict[str, list[str]] = field(default_factory=dict)

    def phrase(self, name: str) -> str:
        """A phrase of that name; none comes twice before all have come."""
        if not self._decks.get(name):
            self._decks[name] = self.rng.sample(self.phrases[name], len(self.phrases[name]))
        return self._decks[name].pop()


def render(template: str, scope: Scope) -> tuple[str, tuple[Span, ...]]:
    """Writes `template` out.

    Returns:
        The text, and a span for each PII value in it, in order and without overlap.

    Raises:
        ValueError: A slot is unknown, or a brace stands alone.
    """
    text, spans = "", []
    for piece, label in _expand(template, scope):
        if label is not None:
            spans.append(Span(len(text), len(text) + len(piece), label))
        text += piece
    return text, tuple(spans)


def slots(template: str) -> list[str]:
    """What stands in the braces of `template`, in order."""
    return _SLOT.findall(template)


def _expand(template: str, scope: Scope) -> Iterator[Piece]:
    # With one group in the pattern, re.split alternates plain text and what stood in the braces.
    for index, part in enumerate(_SLOT.split(template)):
        if index % 2:
            yield from _resolve(part, scope)
        elif "{" in part or "}" in part:
            raise ValueError(f"a brace stands alone in the template {template!r}")
        elif part:
            yield part, None


def _resolve(slot: str, scope: Scope) -> Iterator[Piece]:
    try:
        if "|" in slot:
            yield _agree(slot, scope), None
        elif match := _RANGE.fullmatch(slot):
            yield str(scope.rng.randint(int(match[1]), int(match[2]))), None
        elif match := _VALUE.fullmatch(slot):
            yield scope.values[slot](), match[1]
        elif slot.startswith("^"):
            yield from _capitalised(_expand(scope.phrase(slot[1:]), scope))
        else:
            yield from _expand(scope.phrase(slot), scope)
    except (KeyError, IndexError):
        raise ValueError(f"the slot {{{slot}}} is unknown") from None


def _agree(slot: str, scope: Scope) -> str:
    alternatives, _, subject = slot.partition("@")
    return alternatives.split("|")[scope.agreement[subject or "patient"]]


def _capitalised(pieces: Iterator[Piece]) -> Iterator[Piece]:
    for first, label in pieces:
        yield first[:1].upper() + first[1:], label
        break
    yield from pieces
