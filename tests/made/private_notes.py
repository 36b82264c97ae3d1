"""Small private and synthetic corpora of invented text, for the audits that look at values."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from deidrelease.contracts import Corpora
from deidrelease.keys import SiteKey
from deidrelease.labels import LabelMap
from deidrelease.notes import Corpus, Located, Note, Span

KEY = SiteKey(b"a key of thirty-two bytes, no more"[:32])
LABELS = LabelMap.model_validate(
    {
        "name": "made",
        "version": 1,
        "source": "invented",
        "licence": "none",
        "description": "for tests",
        "labels": {
            "NAME": {"hipaa": "A", "identifies": "direct", "whose": "patient", "surrogate": "person"},
            "RECORD": {"hipaa": "H", "identifies": "direct", "whose": "patient", "surrogate": "id"},
            "DOCTOR": {"hipaa": "A", "identifies": "direct", "whose": "provider", "surrogate": "person"},
            "MAIL": {"hipaa": "F", "identifies": "direct", "whose": "unknown", "surrogate": "email"},
            "DATE": {"hipaa": "C", "identifies": "quasi", "whose": "patient", "surrogate": "date"},
            "TOWN": {"hipaa": "B", "identifies": "quasi", "whose": "unknown", "surrogate": "place"},
        },
    }
)


def note(name: str, text: str, patient: str | None = None) -> Note:
    """A note from a text such as `Seen: [NAME Ana Ruiz].`, in which brackets mark spans."""
    plain, spans, rest = "", [], text
    while "[" in rest:
        before, rest = rest.split("[", 1)
        label, rest = rest.split(" ", 1)
        value, rest = rest.split("]", 1)
        plain += before
        spans.append(Span(len(plain), len(plain) + len(value), label))
        plain += value
    return Note(name, patient or name, plain + rest, tuple(spans))


@dataclass(frozen=True)
class InMemory:
    """A shard of a corpus that was never in a file."""

    notes: tuple[Note, ...]

    def read(self) -> Iterator[Located]:
        return (Located(note.note_id, note) for note in self.notes)


def corpus(name: str, notes: Iterable[Note]) -> Corpus:
    return Corpus(name, (InMemory(tuple(notes)),))


def corpora(
    synthetic: Iterable[Note],
    train: Iterable[Note],
    holdout: Iterable[Note] | None,
    label_map: LabelMap | None = LABELS,
) -> Corpora:
    """Everything an audit reads, in Spanish, without a tagger."""
    held_out = None if holdout is None else corpus("holdout", holdout)
    return Corpora(corpus("synthetic", synthetic), corpus("train", train), held_out, label_map, "es", None, KEY)
