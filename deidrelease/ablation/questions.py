"""Which comparisons an ablation makes: each answers something a reader asks, and none is made only because it can be.

Every comparison more costs power under Holm's correction, so all pairs of cells are not compared: the synthetic
tagger with the gold one in each cell; neighbouring levels of each setting, over all pairs of cells that differ in it
alone; and the same pair by pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from deidrelease.ablation.cells import Level
from deidrelease.ablation.comparing import Question, Side, Tagger
from deidrelease.ablation.outcomes import CellOutcome, Outcomes, order_of

TAGGER = "tagger"
TAGGER_ORDER: tuple[Tagger, ...] = ("synthetic", "gold")


def questions_of(outcomes: Outcomes) -> list[Question]:
    """All of them, in a fixed order: taggers by cell, then by setting the whole of it and its pairs."""
    cells = outcomes.whole
    asked = [Question(TAGGER, Side((cell.id,), "synthetic"), Side((cell.id,), "gold")) for cell in cells]
    for axis in outcomes.axes:
        asked += along(outcomes, axis)
    return asked


def along(outcomes: Outcomes, axis: str) -> list[Question]:
    """Neighbouring levels of `axis`: over all pairs for each tagger that differs, then pair by pair."""
    whole = [
        Question(axis, step.side(tagger, after=True), step.side(tagger, after=False))
        for tagger in TAGGER_ORDER
        for step in steps_of(outcomes, axis)
    ]
    whole = [question for question in whole if _differ(outcomes, question.left, question.right)]
    pairs = [pair for group in _groups(outcomes.whole, axis) for pair in pairwise(group)]
    single = [Question(axis, Side((b.id,), "synthetic"), Side((a.id,), "synthetic")) for a, b in pairs]
    # Where there is one pair at two levels, it is asked already.
    asked = [*whole, *(question for question in single if _differ(outcomes, question.left, question.right))]
    return list(dict.fromkeys(asked))


@dataclass(frozen=True, slots=True)
class Step:
    """From one level of a setting to the next.

    Attributes:
        before: The lower level.
        after: The higher one.
        pairs: Whole cells at both that differ in nothing else.
    """

    before: Level
    after: Level
    pairs: tuple[tuple[CellOutcome, CellOutcome], ...]

    def side(self, tagger: Tagger, *, after: bool) -> Side:
        """All cells at one of the levels."""
        return Side(tuple(pair[after].id for pair in self.pairs), tagger)


def steps_of(outcomes: Outcomes, axis: str) -> list[Step]:
    """The steps for which there is a pair; of a grid with holes one may have more pairs than another."""
    steps = []
    for before, after in pairwise(outcomes.axes[axis]):
        at = [{cell.levels[axis]: cell for cell in group} for group in _groups(outcomes.whole, axis)]
        pairs = tuple((cells[before], cells[after]) for cells in at if before in cells and after in cells)
        steps += [Step(before, after, pairs)] if pairs else []
    return steps


def blocks_of(outcomes: Outcomes, axis: str) -> list[tuple[CellOutcome, ...]]:
    """Whole cells that agree in all settings but `axis` and have every level of it, in the order of the levels."""
    return [group for group in _groups(outcomes.whole, axis) if len(group) == len(outcomes.axes[axis])]


def _groups(cells: Sequence[CellOutcome], axis: str) -> list[tuple[CellOutcome, ...]]:
    def others(cell: CellOutcome) -> list[tuple[int, float, str]]:
        return [order_of(level) for name, level in cell.levels.items() if name != axis]

    def key(cell: CellOutcome) -> tuple[list[tuple[int, float, str]], tuple[int, float, str]]:
        return others(cell), order_of(cell.levels[axis])

    return [tuple(group) for _, group in groupby(sorted(cells, key=key), others)]


def _differ(outcomes: Outcomes, a: Side, b: Side) -> bool:
    """Whether any hits differ: one tagger that serves both levels is not compared with itself."""
    index = int(a.tagger == "synthetic")
    pairs = zip(a.cells, b.cells, strict=True)
    return any(not np.array_equal(outcomes.counts[x][:, index], outcomes.counts[y][:, index]) for x, y in pairs)
