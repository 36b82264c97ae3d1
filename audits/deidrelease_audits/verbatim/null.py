"""How long a shared span must be for no chance to explain it, and how many are."""

from dataclasses import dataclass

import numpy as np

from deidrelease_audits.patients import PatientMaxima
from deidrelease_audits.tails import ExponentialTail
from deidrelease_audits.text.tokens import Places
from deidrelease_audits.verbatim.index import VerbatimIndex
from deidrelease_audits.verbatim.scan import Shared, SpanTally
from deidrelease_audits.verbatim.suffixes import Small

PEAKS = 20
"""Patients above the tail's threshold, at least: the bound of a scale from fewer is a guess."""
TOP = 0.05
"""Share of the patients above it, at least."""

NULL = (
    "How many own words (words outside the annotated spans of the private note) the best shared span of one patient "
    "has by chance. Its tail is exponential, fitted above the highest threshold that 20 patients, and 5% of them, "
    "exceed, on hold-out patients against the synthetic notes and on hold-out patients against other hold-out "
    "patients, with 95% upper bounds of its weight and of its scale, which is never taken to be below a floor; "
    "multiplied by the train patients searched."
)
FAILS = (
    "It extrapolates far beyond the sample. Text carried forward from one patient to another (a family's letter, "
    "twins, one patient under two numbers), and a template that stands with train patients and with nobody of the "
    "hold-out, pass for copies. Where the private notes are not annotated, blocks such as a doctor's address count as "
    "own words; the tail is then longer, and so is what it takes. Names and numbers alone never make a span decisive "
    "here: that is for pii_replay and linkage."
)


def chance_tail(index: VerbatimIndex, holdout: SpanTally, least_scale: float) -> ExponentialTail:
    """The null; from at least one patient."""
    values = np.concatenate([holdout.own.values, index.chance.values]).astype(np.float64)
    wanted = min(len(values), max(PEAKS, int(np.ceil(TOP * len(values)))))
    below = int((values < np.sort(values)[-wanted]).sum())
    # The half keeps rounding from choosing the value behind.
    quantile = max(0.0, (below - 0.5) / max(1, len(values) - 1))
    return ExponentialTail.fitted(values, quantile, least_scale)


@dataclass(frozen=True, slots=True)
class Incident:
    """A synthetic note that shares a decisive span with a private patient."""

    note: int
    there: int
    length: int
    shared: Shared


def incidents(index: VerbatimIndex, tally: SpanTally, level: float) -> list[Incident]:
    """Every synthetic note with each of its patients whose span has at least `level` own words; by note.

    A span is kept with one synthetic note; others that hold it too, or so much of its beginning that enough own words
    are left whichever are cut off, are its neighbours in the suffix array.
    """
    ranks = np.empty(len(index.words.index.order), np.int64)
    ranks[index.words.index.order] = np.arange(len(ranks))
    found: dict[tuple[int, int], Incident] = {}
    for spans in tally.evidence.values():
        for shared in spans:
            if shared.own >= level:
                for there, length in _places(index, shared, int(ranks[shared.there]), level):
                    note = index.words.note_at(there)
                    pair = (note, shared.patient)
                    incident = Incident(note, there, length, shared)
                    if pair not in found or found[pair].length < length:
                        found[pair] = incident
    return sorted(found.values(), key=lambda i: (i.note, i.shared.order()))


def counted(found: list[Incident], own: PatientMaxima, level: float) -> int:
    """How many incidents: those found, and one for each patient beyond the level of whom no place was kept."""
    placed = {incident.shared.patient for incident in found}
    beyond = own.patients[own.values >= level].tolist()
    return len(found) + sum(patient not in placed for patient in beyond)


def _places(index: VerbatimIndex, shared: Shared, rank: int, level: float) -> list[tuple[int, int]]:
    """Where in the synthetic side a span stands, and how much of it."""
    order, common = index.words.index.order, index.words.index.common
    least = shared.length - int(shared.own - level)
    places = [(int(order[rank]), shared.length)]
    for way in (1, -1):
        length, here = shared.length, rank
        while 0 <= here + way < len(order):
            length = min(length, int(common[max(here, here + way)]))
            if length < least:
                break
            here += way
            places.append((int(order[here]), length))
    return places


def longest_by_note(spread: Small, firsts: Places) -> Small:
    """Of each synthetic note the longest match that begins in it; 0 for a note without tokens."""
    longest = np.zeros(len(firsts) - 1, np.int32)
    filled = np.flatnonzero(np.diff(firsts))
    if len(filled):
        longest[filled] = np.maximum.reduceat(spread, firsts[filled])
    return longest


def covered(spread: Small, least: int) -> int:
    """How many tokens stand in a span of at least `least`."""
    starts = np.flatnonzero(spread >= least)
    edges = np.zeros(len(spread) + 1, np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + spread[starts], -1)
    return int((np.cumsum(edges) > 0).sum())
