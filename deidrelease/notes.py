"""A note, its annotated spans, and a corpus of notes.

Offsets are Unicode code points, half-open, into text that is never normalised: what a span covers is
`text[start:end]`, for every tool and every format. A corpus is read lazily, as often as one likes, so that its size
never decides whether it fits.
"""

import hashlib
import json
from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Protocol

from deidrelease.errors import CorpusError, Problem

MOST_PROBLEMS = 1000
"""How many problems an error lists: a message of a million lines would help nobody."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """An annotated mention: code points `start` to `end` (half-open) carry PII of the type `label`."""

    start: int
    end: int
    label: str


_ORDER = attrgetter("start", "end", "label")
"""That of `Span`: made of tuples once, and not of two at every comparison."""


@dataclass(frozen=True, slots=True)
class Note:
    """One clinical note.

    Attributes:
        note_id: Unique within its corpus.
        patient_id: The privacy unit: everything that is split, counted or resampled goes by patient.
        text: As it was read, line ends and combining characters included.
        spans: Sorted by start, end and label.
        meta: What else the source recorded; JSON values only.

    Raises:
        ValueError: A span lies outside the text, is empty, has no label, or stands twice. The message quotes no text.
    """

    note_id: str
    patient_id: str
    text: str
    spans: tuple[Span, ...] = ()
    meta: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(sorted(self.spans, key=_ORDER)))
        if defects := span_defects(self.text, self.spans):
            raise ValueError("; ".join(defects))

    def value(self, span: Span) -> str:
        """The text that `span` covers."""
        return self.text[span.start : span.end]


def span_defects(text: str, spans: Sequence[Span]) -> list[str]:
    """Says what is wrong with `spans` on `text`, in words that quote neither; empty where nothing is."""
    defects = []
    for span in spans:
        if not span.label:
            defects.append(f"a span at {span.start}-{span.end} has no label")
        if not 0 <= span.start < span.end <= len(text):
            defects.append(f"span {span.start}-{span.end} is empty or lies outside the text of {len(text)} code points")
    if len({(span.start, span.end, span.label) for span in spans}) < len(spans):
        defects.append("a span stands twice with the same label")
    return defects


def overlaps(spans: Sequence[Span]) -> list[tuple[Span, Span]]:
    """The neighbouring pairs of sorted `spans` that share a code point."""
    found = []
    widest: Span | None = None
    for span in spans:
        if widest is not None and span.start < widest.end:
            found.append((widest, span))
        if widest is None or span.end > widest.end:
            widest = span
    return found


def longest(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Of sorted `spans` those that stay if of any that share a code point only the longest does; of equals the first.

    Some characters that were covered may not be any more: what two spans cover together, the longer one need not.
    """
    if not overlaps(spans):
        return tuple(spans)
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start - s.end, s)):
        # What is kept does not overlap, so only its neighbours can be in the way.
        place = bisect(kept, span)
        before, after = kept[max(place - 1, 0) : place], kept[place : place + 1]
        if all(other.end <= span.start for other in before) and all(span.end <= other.start for other in after):
            kept.insert(place, span)
    return tuple(kept)


# Made once: with settings of its own `json.dumps` makes one a call.
_CANONICAL = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def note_to_json(note: Note) -> str:
    """The canonical line of a note: fixed key order, UTF-8 left as it is, no spare white space."""
    return _CANONICAL.encode(
        {
            "note_id": note.note_id,
            "patient_id": note.patient_id,
            "text": note.text,
            "spans": [{"start": s.start, "end": s.end, "label": s.label} for s in note.spans],
            "meta": dict(note.meta),
        }
    )


class Shard(Protocol):
    """A part of a corpus that one worker reads on its own."""

    def read(self) -> Iterator["Located | Problem"]:
        """Yields every note with its place, and a `Problem` for each defect of those that cannot be one."""
        ...


@dataclass(frozen=True, slots=True)
class Located:
    """A note, the place it was read from, as messages name it, and what was mended in it, where that was asked for."""

    where: str
    note: Note
    fixes: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A shard whose notes are at hand."""

    notes: tuple["Note", ...]

    def read(self) -> Iterator[Located]:
        """The notes, placed by their number."""
        return (Located(f"note {number}", note) for number, note in enumerate(self.notes, 1))


@dataclass(frozen=True, slots=True)
class Corpus:
    """A lazy, re-iterable sequence of notes in shards.

    Iterating yields checked notes in a fixed order. At the first defect it stops yielding, reads on to collect all
    others, and raises them together: nobody mends a corpus one error at a time.
    """

    name: str
    shards: tuple[Shard, ...]

    @property
    def is_held(self) -> bool:
        """Whether all notes are at hand, so that reading them again gives the same objects."""
        return all(isinstance(shard, Held) for shard in self.shards)

    def __iter__(self) -> Iterator[Note]:
        return (located.note for located in self.located())

    def located(self) -> Iterator[Located]:
        """The notes with their places; raises as iterating does."""
        problems: list[Problem] = []
        count = 0
        for item in self.everything():
            if isinstance(item, Problem):
                count += 1
                if len(problems) < MOST_PROBLEMS:
                    problems.append(item)
            elif not count:
                yield item
        if count:
            shown = "" if count == len(problems) else f" The first {len(problems)} are listed."
            raise CorpusError(f"{self.name}: {count} problem(s) found; no note was used.{shown}", problems)

    def everything(self) -> Iterator[Located | Problem]:
        """Every note and every problem as they come, duplicate ids among the problems; raises nothing of its own."""
        patients: dict[int, int] = {}
        for shard in self.shards:
            for item in shard.read():
                yield item if isinstance(item, Problem) else _repeated(item, patients) or item

    def digest(self) -> str:
        """SHA-256 over the canonical lines of all notes, in reading order: equal content, equal digest."""
        return digest_of(self)


def digest_of(notes: Iterable[Note]) -> str:
    """SHA-256 over the canonical lines of `notes`, in order."""
    sha = hashlib.sha256()
    for note in notes:
        sha.update(note_to_json(note).encode("utf-8"))
        sha.update(b"\n")
    return sha.hexdigest()


def _repeated(item: Located, patients: dict[int, int]) -> Problem | None:
    """The problem of a note whose id was there before; `patients` remembers ids and whose notes they were."""
    note, patient = _short_hash(item.note.note_id), _short_hash(item.note.patient_id)
    if note not in patients:
        patients[note] = patient
        return None
    remedy = "give every note an id of its own"
    if patients[note] == patient:
        return Problem(item.where, "this note_id stands twice in the corpus", remedy, "duplicate-note-id")
    what = "this note_id stands twice in the corpus, for two patients"
    return Problem(item.where, what, remedy, "note-id-of-two-patients")


def _short_hash(text: str) -> int:
    # Eight bytes a note instead of the id itself keeps the memory of the uniqueness check small and even.
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "big")
