"""What the pictures and tables show of the grid: lines through the best cell, and each cell's leak beside its F1.

A line through a grid holds everything else still. It is held where the synthetic tagger is best, which is a choice
made after seeing the results; the comparisons that claim anything are over all cells (`questions`) and not along these
lines.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deidrelease.ablation.cells import Level
from deidrelease.ablation.comparing import RESAMPLING, Side, Tagger, f1_of
from deidrelease.ablation.outcomes import CellOutcome, Outcomes
from deidrelease.results import Estimate
from deidrelease.scoring.bootstrap import Resampling

GOLD_AXES = ("share.both", "share.adapt", "share.annotator")
SIZE_AXES = ("synthetic.share", "generate.multiple")
_ANNOTATOR, _GENERATOR = ("share.annotator", "annotator."), ("share.adapt", "adapt.", "generate.")
LEAKS = (
    "verbatim.patients_excess", "near_duplicate.patients_excess", "pii_replay.patients_excess",
    "linkage.patients_excess", "membership.auc", "canary.auc",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scored:
    """F1 of both taggers of each whole cell, by id, over the hold-out patients of all folds; None where undefined."""

    gold: Mapping[str, Estimate | None]
    synthetic: Mapping[str, Estimate | None]

    def of(self, tagger: Tagger) -> Mapping[str, Estimate | None]:
        """That of one tagger."""
        return self.gold if tagger == "gold" else self.synthetic


@dataclass(frozen=True, slots=True)
class Line:
    """Cells along one setting, everything else held still.

    Attributes:
        axis: The setting; `both` where the generator's and the annotator's gold go together.
        levels: In order.
        cells: One for each level.
    """

    axis: str
    levels: tuple[Level, ...]
    cells: tuple[CellOutcome, ...]


def score_cells(outcomes: Outcomes, how: Resampling = RESAMPLING) -> Scored:
    """Scores all whole cells with the same resamples."""
    ids = [cell.id for cell in outcomes.whole]
    gold, synthetic = (f1_of(outcomes, [Side((cell,), tagger) for cell in ids], how) for tagger in _TAGGERS)
    return Scored(dict(zip(ids, gold, strict=True)), dict(zip(ids, synthetic, strict=True)))


_TAGGERS: tuple[Tagger, ...] = ("gold", "synthetic")


def best_cell(outcomes: Outcomes, scored: Scored, across: Sequence[str] = ()) -> CellOutcome | None:
    """The whole cell whose synthetic tagger has the highest F1; None where there is none.

    Args:
        outcomes: Of the ablation.
        scored: Its whole cells.
        across: Settings that a picture varies. Of a grid with holes the best of those cells is meant through which
            most others stand in the picture, and not one that stands alone in it.
    """
    found = [cell for cell in outcomes.whole if scored.synthetic[cell.id]]
    held = {cell.id: _others(cell, across) for cell in found}
    company = Counter(held.values())

    def rank(cell: CellOutcome) -> tuple[int, float]:
        estimate = scored.synthetic[cell.id]
        return company[held[cell.id]], estimate.value if estimate else 0.0

    return max(found, key=rank, default=None)


def _others(cell: CellOutcome, across: Sequence[str]) -> tuple[tuple[str, Level], ...]:
    return tuple((axis, level) for axis, level in cell.levels.items() if axis not in across)


def line_through(outcomes: Outcomes, axes: Sequence[str], cell: CellOutcome) -> Line:
    """The whole cells that agree with `cell` in all but `axes`; of several axes only those with one level on all."""
    levels, cells = [], []
    for level in outcomes.axes[axes[0]]:
        wanted = {**cell.levels, **dict.fromkeys(axes, level)}
        for other in outcomes.whole:
            if other.levels == wanted:
                levels.append(level)
                cells.append(other)
    return Line(axes[0] if len(axes) == 1 else "both", tuple(levels), tuple(cells))


def lines_by(outcomes: Outcomes, axis: str, by: str, cell: CellOutcome) -> list[Line]:
    """The lines along `axis` for each level of `by`, all other settings as in `cell`."""
    lines = []
    for level in outcomes.axes[by]:
        wanted = dict(_others(cell, (axis, by))) | {by: level}
        of_level = [other for other in outcomes.whole if dict(_others(other, (axis,))) == wanted]
        lines += [line_through(outcomes, (axis,), other) for other in of_level[:1]]
    return lines


def gold_lines(outcomes: Outcomes, best: CellOutcome) -> list[Line]:
    """Against the share of gold: both at once first, as in the paper, then each side alone; no lines of one point."""
    there = [axis for axis in GOLD_AXES if axis in outcomes.axes]
    lines = [line_through(outcomes, (axis,), best) for axis in there]
    if "share.adapt" in there and "share.annotator" in there:
        lines.insert(0, line_through(outcomes, ("share.adapt", "share.annotator"), best))
    return [line for line in lines if len(line.cells) > 1]


def annotator_and_generator(outcomes: Outcomes) -> tuple[str, str] | None:
    """The varied settings of annotator and generator that a heat map crosses; None where one is not varied."""
    annotator, generator = (_first(outcomes, wanted) for wanted in (_ANNOTATOR, _GENERATOR))
    return (annotator, generator) if annotator and generator else None


def _first(outcomes: Outcomes, wanted: Sequence[str]) -> str | None:
    return next((axis for start in wanted for axis in outcomes.axes if axis.startswith(start)), None)


def undominated(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Names of the points that no other beats, by their first number.

    A point is beaten by one with less of the first number and as much of the second, or as little and more.
    """
    kept: list[str] = []
    most = float("-inf")
    for name, (_, gain) in sorted(points.items(), key=lambda item: (item[1][0], -item[1][1], item[0])):
        if gain > most:
            kept.append(name)
            most = gain
    return kept
