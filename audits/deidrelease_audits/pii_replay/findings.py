"""The evidence: every found value of a single patient, with all its places in the release."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from deidrelease.contracts import Finding
from deidrelease_audits.full_dates import days_of
from deidrelease_audits.pii_replay.evidence import Unique
from deidrelease_audits.pii_replay.scan import ReplayIndex
from deidrelease_audits.pii_replay.spellings import Spelling, find_edits, find_forms
from deidrelease_audits.values import find_values

_PIECE = 4096
"""Values whose places are looked up at once; every look goes through the whole release."""
_Place = tuple[int, str, int, int, int]
"""Index of the value, kind, synthetic note, start and end there."""


def findings_of(
    index: ReplayIndex, uniques: Sequence[Unique], decisive: Collection[Unique], audit: str
) -> tuple[Finding, ...]:
    """A finding for each place of each value, in order.

    Kinds are `exact`, `spelling` (case, accents, blanks, hyphens or punctuation differ), `order`, `initials`, `edit`
    and `date-format`. What stands exactly in a place is not told a second time as a spelling.
    """
    proven = frozenset(decisive)
    # Value by value in order, so a piece of them at a time gives the same, and needs no memory for all their places.
    pieces = (uniques[start : start + _PIECE] for start in range(0, len(uniques), _PIECE))
    return tuple(finding for piece in pieces for finding in _findings(index, piece, proven, audit))


def _findings(
    index: ReplayIndex, uniques: Sequence[Unique], proven: Collection[Unique], audit: str
) -> Iterator[Finding]:
    for number, kind, note, start, end in sorted(set(_places(index, uniques))):
        one = uniques[number]
        yield Finding(
            audit=audit,
            kind=kind,
            severity="decisive" if one in proven else "match",
            synthetic_note=index.haystack.note_ids[note],
            start=start,
            end=end,
            private_note=one.mention[0],
            private_start=one.mention[1],
            private_end=one.mention[2],
            value=sorted(one.exact or one.spellings)[0],
            arm=one.arm,
        )


def _places(index: ReplayIndex, uniques: Sequence[Unique]) -> Iterator[_Place]:
    owners, keys = _spelled([one.exact for one in uniques])
    places = find_values(index.haystack, keys)
    columns = (places.values, places.notes, places.starts, places.ends)
    exact = {
        (owners[value], note, start, end)
        for value, note, start, end in zip(*(column.tolist() for column in columns), strict=True)
    }
    yield from ((number, "exact", note, start, end) for number, note, start, end in exact)
    for number, kind, note, start, end in _fuzzy_places(index, uniques):
        if (number, note, start, end) not in exact:
            yield number, kind, note, start, end


def _fuzzy_places(index: ReplayIndex, uniques: Sequence[Unique]) -> Iterator[_Place]:
    owners, keys = _spelled([one.spellings for one in uniques])
    # What is no name was not searched for as one, so its kinds say which finds to take.
    found = [*find_forms(index.squeezed, keys, ["person"] * len(keys)), *find_edits(index.squeezed, keys)]
    for spelling in found:
        number = owners[spelling.value]
        if spelling.kind in uniques[number].kinds:
            note, start, end = _in_note(index, spelling)
            yield number, "spelling" if spelling.kind == "same" else spelling.kind, note, start, end
    for owner, key in zip(owners, keys, strict=True):
        if "date-format" in uniques[owner].kinds:
            for day in days_of(key):
                yield from ((owner, "date-format", *place) for place in index.days.get(day, ()))


def _in_note(index: ReplayIndex, spelling: Spelling) -> tuple[int, int, int]:
    start = int(index.squeezed.origins[spelling.start])
    end = int(index.squeezed.origins[spelling.end - 1]) + 1
    note = int(np.searchsorted(index.haystack.starts, start, side="right")) - 1
    before = int(index.haystack.starts[note])
    return note, start - before, end - before


def _spelled(spellings: Sequence[Collection[str]]) -> tuple[list[int], list[str]]:
    pairs = [(number, key) for number, keys in enumerate(spellings) for key in sorted(keys)]
    return [number for number, _ in pairs], [key for _, key in pairs]
