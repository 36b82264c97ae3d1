"""Which comparisons are made: each neighbouring pair once, over all and one by one, and nothing with itself."""

from pathlib import Path

import pytest
from made.ablations import Levels, Made

from deidrelease.ablation.outcomes import Outcomes, read_outcomes
from deidrelease.ablation.questions import TAGGER, along, blocks_of, questions_of
from deidrelease.ablation.slices import (
    annotator_and_generator,
    best_cell,
    gold_lines,
    line_through,
    lines_by,
    score_cells,
    undominated,
)
from deidrelease.scoring.bootstrap import Resampling

GRID = {"share.adapt": [0.05, 0.25, 1.0], "share.annotator": [0.05, 1.0]}
FEW = Resampling(seed=0, n_resamples=50)


def chance(levels: Levels) -> float:
    return 0.5 + 0.3 * levels["share.adapt"] + 0.1 * levels["share.annotator"]


@pytest.fixture
def outcomes(tmp_path: Path) -> Outcomes:
    gold = Made(grid=GRID, synthetic=chance, gold=lambda levels: 0.6 + 0.3 * levels["share.annotator"], patients=6)
    return read_outcomes(gold.write(tmp_path))


def test_every_question_of_a_grid_and_no_other(outcomes: Outcomes) -> None:
    asked = questions_of(outcomes)
    by = {about: [q for q in asked if q.about == about] for about in (TAGGER, *GRID)}
    assert len(by[TAGGER]) == 6
    assert all(q.left.cells == q.right.cells for q in by[TAGGER])
    # Two steps over two blocks, then two steps in each; the gold tagger does not know the generator.
    assert [len(q.left.cells) for q in by["share.adapt"]] == [2, 2, 1, 1, 1, 1]
    assert {q.left.tagger for q in by["share.adapt"]} == {"synthetic"}
    # One step over three blocks for each tagger, then one in each block.
    assert [(len(q.left.cells), q.left.tagger) for q in by["share.annotator"][:2]] == [(3, "synthetic"), (3, "gold")]
    assert [len(q.left.cells) for q in by["share.annotator"][2:]] == [1, 1, 1]
    assert len(set(asked)) == len(asked) == sum(map(len, by.values()))


def test_the_left_side_is_the_next_level_and_all_else_is_equal(outcomes: Outcomes) -> None:
    by_id = {cell.id: cell for cell in outcomes.cells}
    for question in along(outcomes, "share.adapt"):
        for left, right in zip(question.left.cells, question.right.cells, strict=True):
            a, b = by_id[left].levels, by_id[right].levels
            assert (b["share.adapt"], a["share.adapt"]) in {(0.05, 0.25), (0.25, 1.0)}
            assert a["share.annotator"] == b["share.annotator"]


def test_a_block_with_a_gap_is_compared_pair_by_pair_alone(tmp_path: Path) -> None:
    holes = frozenset({((0.25, 0.05), 1)})
    outcomes = read_outcomes(Made(grid=GRID, synthetic=chance, gold=chance, patients=4, failed=holes).write(tmp_path))
    assert [len(block) for block in blocks_of(outcomes, "share.adapt")] == [3]
    by_id = {cell.id: cell for cell in outcomes.cells}
    steps = [
        tuple(by_id[side.cells[0]].levels["share.adapt"] for side in (q.right, q.left))
        for q in along(outcomes, "share.adapt") if len(q.left.cells) == 1 and q.left.tagger == "synthetic"
    ]  # fmt: skip
    assert sorted(steps) == [(0.05, 0.25), (0.05, 1.0), (0.25, 1.0)]


def test_the_pairs_of_the_only_whole_block_are_asked_once(tmp_path: Path) -> None:
    holes = frozenset({((0.25, 0.05), 1), ((1.0, 0.05), 1)})
    outcomes = read_outcomes(Made(grid=GRID, synthetic=chance, gold=chance, patients=4, failed=holes).write(tmp_path))
    asked = along(outcomes, "share.adapt")
    assert len(blocks_of(outcomes, "share.adapt")) == 1
    assert len(asked) == len(set(asked)) == 4  # two steps of each tagger


def test_lines_go_through_the_best_cell(outcomes: Outcomes) -> None:
    best = best_cell(outcomes, score_cells(outcomes, FEW))
    assert best is not None
    assert best.levels == {"share.adapt": 1.0, "share.annotator": 1.0}
    both, adapt, annotator = gold_lines(outcomes, best)
    assert (both.axis, both.levels) == ("both", (0.05, 1.0))
    assert (adapt.axis, adapt.levels) == ("share.adapt", (0.05, 0.25, 1.0))
    assert (annotator.axis, annotator.levels) == ("share.annotator", (0.05, 1.0))
    assert all(line.cells[-1] == best for line in (both, adapt, annotator))
    assert line_through(outcomes, ("share.adapt",), outcomes.cells[0]).cells == outcomes.cells[::2]
    assert annotator_and_generator(outcomes) == ("share.annotator", "share.adapt")


def test_pictures_go_through_most_cells_and_not_through_the_best_one_alone(tmp_path: Path) -> None:
    """As where the largest corpus is made at one point of the grid only."""
    grid = {"share.adapt": [0.25, 1.0], "synthetic.share": [1.0, 4.0]}
    made = Made(grid=grid, synthetic=lambda levels: 0.1 * levels["share.adapt"] + 0.1 * levels["synthetic.share"],
                gold=lambda _: 0.9, failed=frozenset({((0.25, 4.0), 1)}))  # fmt: skip
    outcomes = read_outcomes(made.write(tmp_path))
    scored = score_cells(outcomes, FEW)
    alone = best_cell(outcomes, scored)
    assert alone is not None
    assert alone.levels == {"share.adapt": 1.0, "synthetic.share": 4.0}
    best = best_cell(outcomes, scored, ("share.adapt",))
    assert best is not None
    assert best.levels == {"share.adapt": 1.0, "synthetic.share": 1.0}
    (line,) = gold_lines(outcomes, best)
    assert line.levels == (0.25, 1.0)
    less, more = lines_by(outcomes, "synthetic.share", "share.adapt", alone)
    assert (less.levels, more.levels) == ((1.0,), (1.0, 4.0))
    assert {cell.levels["share.adapt"] for cell in less.cells} == {0.25}


def test_the_frontier_by_hand() -> None:
    points = {"a": (0.1, 0.5), "b": (0.2, 0.8), "c": (0.2, 0.7), "d": (0.3, 0.8), "e": (0.4, 0.9), "f": (0.05, 0.2)}
    assert undominated(points) == ["f", "a", "b", "e"]
    assert undominated({}) == []
