"""Near-duplicates one by one: the findings, which stay at the site, and a table of how near the notes are."""

import numpy as np

from deidrelease.contracts import Arm, Finding
from deidrelease.results import bucketed
from deidrelease_audits.near_duplicate.index import NearDuplicateIndex
from deidrelease_audits.near_duplicate.nearest import BestNotes
from deidrelease_audits.near_duplicate.scan import ArmTally

_EDGES = (0.0, 0.1, 0.25, 0.5, 0.8)
_CELLS = ("0", "under 0.1", "0.1 to 0.25", "0.25 to 0.5", "0.5 to 0.8", "0.8 and more")


def by_containment(arm: ArmTally) -> dict[str, str]:
    """How many synthetic notes have which largest containment; an edge belongs to the cell above it."""
    values = arm.contained.values
    cells = np.where(values == 0, 0, np.searchsorted(_EDGES, values, "right"))
    counts = np.bincount(cells, minlength=len(_CELLS))
    return {name: bucketed(int(count)) for name, count in zip(_CELLS, counts, strict=True)}


def findings_of(index: NearDuplicateIndex, arm: ArmTally, name: Arm, level: float | None) -> tuple[Finding, ...]:
    """The best private note of each synthetic note, where it is contained by half or, from `level` on, decisive."""
    contained, strongest = arm.contained, arm.strongest
    found = [
        _finding(index, place, "contained-80" if contained.values[place] >= 0.8 else "contained-50", contained, name)
        for place in np.flatnonzero(contained.values >= 0.5).tolist()
    ]
    if level is not None:
        beyond = np.flatnonzero(strongest.values >= level).tolist()
        found += [_finding(index, place, "decisive", strongest, name) for place in beyond]
    return tuple(found)


def _finding(index: NearDuplicateIndex, place: int, kind: str, best: BestNotes, arm: Arm) -> Finding:
    measure = "strength" if kind == "decisive" else "containment"
    return Finding(
        audit="near_duplicate",
        kind=kind,
        severity="decisive" if kind == "decisive" else "match",
        synthetic_note=index.names[place],
        start=0,
        end=index.lengths[place],
        private_note=str(best.notes[place]),
        value=f"{measure} {best.values[place]:.3f}",
        arm=arm,
    )
