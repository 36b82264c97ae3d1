"""Which comparisons an ablation makes: each answers something a reader asks, and none is made only because it can be.

Every comparison more costs power under Holm's correction, so all pairs of cells are not compared: the synthetic
tagger with the gold one in each cell; neighbouring levels of each setting, over all cells that differ in it alone; and
the same pair by pair.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

import numpy as np

from deidrelease.ablation.comparing import Question, Side, Tagger
from deidrelease.ablation.outcomes import CellOutcome, Outcomes, order_of

TAGGER = "tagger"


def questions_of(outcomes: Outcomes) -> list[Question]:
    """All of them, in a fixed order: taggers by cell, then by setting the whole of it and its pairs."""
    cells = outcomes.whole
    asked = [Question(TAGGER, Side((cell.id,), "synthetic"), Side((cell.id,), "gold")) for cell in cells]
    for axis in outcomes.axes:
        asked += along(outcomes, axis)
    return asked


def along(outcomes: Outcomes, axis: str) -> list[Question]:
    """Neighbouring levels of `axis`: over all blocks for each tagger that differs, then block by block."""
    blocks = blocks_of(outcomes, axis)
    whole: list[Question] = []
    for tagger in _taggers():
        sides = [Side(tuple(cell.id for cell in level), tagger) for level in zip(*blocks, strict=True)]
        whole += [
            Question(axis, after, before) for before, after in pairwise(sides) if _differ(outcomes, before, after)
        ]
    pairs = [pair for group in _groups(outcomes.whole, axis) for pair in pairwise(group)]
    single = [Question(axis, Side((b.id,), "synthetic"), Side((a.id,), "synthetic")) for a, b in pairs]
    # Where one block is whole, its pairs are asked already.
    asked = [*whole, *(question for question in single if _differ(outcomes, question.left, question.right))]
    return list(dict.fromkeys(asked))


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


def _taggers() -> Iterator[Tagger]:
    yield "synthetic"
    yield "gold"
