"""Runs the detectors over a shard: what they hit in the release, and what they found of the known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

from deidrelease.contracts import Shard
from deidrelease.keys import SiteKey
from deidrelease.notes import Note, Span
from deidrelease_audits.patients import patient_number
from deidrelease_audits.pii_residual.detectors import CLASSES, OTHER, DetectorChoice, loaded
from deidrelease_audits.pii_residual.gold_recall import GoldRecall
from deidrelease_audits.pii_residual.hit_counts import HitCounts
from deidrelease_audits.text.tokens import tokenise_all

Declared = Literal["inside", "partly", "outside"]
Hit = tuple[Span, int]
Scanned = tuple[Note, int, Sequence[Hit]]
"""A note, its words, and what was hit in it."""


@dataclass(frozen=True, slots=True)
class ResidualIndex:
    """What the scan needs to know; the detectors themselves are loaded where it runs.

    Attributes:
        choice: Which detectors.
        problem: Why they cannot look; empty where they can.
        classes: Label to the place of its class.
        has_map: Whether anybody said what the private labels mean.
        has_holdout: Whether there is a hold-out.
        key: Numbers the patients.
    """

    choice: DetectorChoice
    problem: str
    classes: Mapping[str, int]
    has_map: bool
    has_holdout: bool
    key: SiteKey


@dataclass(frozen=True, slots=True)
class ResidualTally:
    """What was hit.

    Attributes:
        hits: In the synthetic notes.
        untagged: Those of them that share no character with a declared span.
        partly: Hits that a declared span covers in part.
        unlisted: Hits of a class that Safe Harbor does not list; they count nowhere else.
        evidence: The untagged hits, sorted.
        private: Hits in the hold-out notes.
        recall: Of the annotated mentions of the hold-out.
    """

    hits: HitCounts = field(default_factory=HitCounts)
    untagged: HitCounts = field(default_factory=HitCounts)
    partly: int = 0
    unlisted: int = 0
    evidence: tuple[tuple[str, int, int, str, str], ...] = ()
    private: HitCounts = field(default_factory=HitCounts)
    recall: GoldRecall = field(default_factory=GoldRecall)

    def __add__(self, other: Self) -> Self:
        """Each with its like."""
        return type(self)(
            self.hits + other.hits,
            self.untagged + other.untagged,
            self.partly + other.partly,
            self.unlisted + other.unlisted,
            tuple(sorted(self.evidence + other.evidence)),
            self.private + other.private,
            self.recall + other.recall,
        )


def scanned(index: ResidualIndex, shard: Shard) -> ResidualTally:
    """What is hit in the notes of `shard`, as many at once as the detectors like."""
    texts = [note.text for note in shard.notes]
    _, first = tokenise_all(texts, "words")
    sizes = [int(size) for size in first[1:] - first[:-1]]
    found = [
        [(span, index.classes.get(span.label, OTHER)) for span in spans] for spans in loaded(index.choice).detect(texts)
    ]
    notes = list(zip(shard.notes, sizes, found, strict=True))
    return _released(notes) if shard.arm == "synthetic" else _private(index, notes)


def _released(notes: Sequence[Scanned]) -> ResidualTally:
    hits, untagged, evidence, partly, unlisted = HitCounts(), HitCounts(), [], 0, 0
    for note, tokens, found in notes:
        listed = [(span, place) for span, place in found if place >= 0]
        where = [_declared(span, note.spans) for span, _ in listed]
        outside = [hit for hit, how in zip(listed, where, strict=True) if how == "outside"]
        hits += HitCounts.of([place for _, place in listed], tokens)
        untagged += HitCounts.of([place for _, place in outside], tokens)
        partly += where.count("partly")
        unlisted += len(found) - len(listed)
        evidence += [(note.note_id, s.start, s.end, CLASSES[at], note.value(s)) for s, at in outside]
    return ResidualTally(hits, untagged, partly, unlisted, tuple(sorted(evidence)))


def _private(index: ResidualIndex, notes: Sequence[Scanned]) -> ResidualTally:
    counts, recall = HitCounts(), []
    for note, size, hits in notes:
        counts += HitCounts.of([place for _, place in hits if place >= 0], size)
        if index.has_map:
            # A label without a meaning counts as an identifier: left out, it would flatter the recall.
            gold = [index.classes.get(span.label, OTHER) for span in note.spans]
            recall.append(GoldRecall.of(patient_number(index.key, note.patient_id), note, gold, hits))
    return ResidualTally(private=counts, recall=GoldRecall.summed(recall))


def _declared(hit: Span, spans: Sequence[Span]) -> Declared:
    """Whether the declared `spans` cover all of `hit`, some, or none."""
    touching = [span for span in spans if span.start < hit.end and hit.start < span.end]
    if not touching:
        return "outside"
    covered = {at for span in touching for at in range(max(span.start, hit.start), min(span.end, hit.end))}
    return "inside" if len(covered) == hit.end - hit.start else "partly"
