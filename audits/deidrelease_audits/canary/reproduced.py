"""Whether a canary's secret stands in the synthetic notes: words and identifiers that exist nowhere else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from deidrelease.canaries.canary import Canary
from deidrelease.canaries.crafting import squeezed
from deidrelease.contracts import Finding
from deidrelease.notes import Note

NAME = "canary"


@dataclass(frozen=True, slots=True)
class Hit:
    """A word or an identifier of a canary in a synthetic note.

    Attributes:
        canary: Its place among the canaries.
        kind: `word` or `identifier`.
        note: Id of the synthetic note.
        start: First code point there.
        end: Behind the last one there.
        value: As it stands there.
    """

    canary: int
    kind: str
    note: str
    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class Reproduced:
    """What was found in some notes.

    Attributes:
        notes: How many were searched.
        hits: In their order.
    """

    notes: int = 0
    hits: tuple[Hit, ...] = ()

    def __add__(self, other: Self) -> Self:
        """Both together."""
        return type(self)(self.notes + other.notes, self.hits + other.hits)

    def of(self, canaries: Sequence[Canary], inserted: bool) -> set[int]:
        """Which of the planted ones, or of those that were kept out, were met."""
        return {hit.canary for hit in self.hits if canaries[hit.canary].inserted == inserted}


def search(canaries: Sequence[Canary], notes: Sequence[Note]) -> Reproduced:
    """Looks for every word and identifier, however it is spaced, in every note."""
    if not canaries:
        return Reproduced(len(notes))
    parts = [
        (place, kind, squeezed(part))
        for place, canary in enumerate(canaries)
        for kind, made in (("word", canary.words), ("identifier", canary.identifiers))
        for part in made
    ]
    automaton = _automaton([part for _, _, part in parts])
    hits = (hit for note in notes for hit in _hits(automaton, parts, note))
    return Reproduced(len(notes), tuple(hits))


def findings_of(found: Reproduced, canaries: Sequence[Canary]) -> tuple[Finding, ...]:
    """The evidence; a canary that was kept out stands for the hold-out."""
    return tuple(
        Finding(
            audit=NAME,
            kind=hit.kind,
            severity="decisive",
            synthetic_note=hit.note,
            start=hit.start,
            end=hit.end,
            private_note=canaries[hit.canary].name,
            value=hit.value,
            arm="train" if canaries[hit.canary].inserted else "holdout",
        )
        for hit in found.hits
    )


def _automaton(parts: list[str]) -> Any:
    from ahocorasick_rs import AhoCorasick

    return AhoCorasick(parts)


def _hits(automaton: Any, parts: Sequence[tuple[int, str, str]], note: Note) -> Iterator[Hit]:
    matches = automaton.find_matches_as_indexes(squeezed(note.text), overlapping=True)
    if not matches:
        return
    # Only now, as hardly a note has any: where each character of the squeezed text stands in the note.
    places = [at for at, character in enumerate(note.text) for c in character.casefold() if c.isalnum()]
    for number, first, last in matches:
        canary, kind, _ = parts[number]
        start, end = places[first], places[last - 1] + 1
        yield Hit(canary, kind, note.note_id, start, end, note.text[start:end])
