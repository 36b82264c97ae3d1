"""Results read back: what comes out is what was written, and what contradicts itself is refused."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from made.ablations import Made
from pyarrow import parquet

from deidrelease.ablation.outcomes import order_of, read_outcomes
from deidrelease.errors import ArtifactError

SMALL = {"share.adapt": [1.0, 0.05], "adapt.dp.epsilon": [None, 8.0]}
ADAPT = {0.05: 0.6, 1.0: 0.9}
Rows = list[dict[str, Any]]


def made(**told: Any) -> Made:
    return Made(
        grid=SMALL, synthetic=lambda levels: ADAPT[levels["share.adapt"]], gold=lambda _: 0.9, patients=4, **told
    )


def altered(path: Path, change: Callable[[Rows], Rows]) -> None:
    parquet.write_table(pa.Table.from_pylist(change(parquet.read_table(path).to_pylist())), path)


def test_cells_levels_and_hits_come_back(tmp_path: Path) -> None:
    found = read_outcomes(made(seeds=(7, 8)).write(tmp_path))
    assert found.axes == {"share.adapt": (0.05, 1.0), "adapt.dp.epsilon": (8.0, None)}
    assert [tuple(cell.levels.values()) for cell in found.cells] == [(0.05, 8.0), (0.05, None), (1.0, 8.0), (1.0, None)]
    assert found.folds.tolist() == [1] * 4 + [2] * 4 + [3] * 4
    hits = parquet.read_table(tmp_path / "hits.parquet").to_pylist()
    for cell in found.cells:
        assert [(run.fold, run.seed) for run in cell.runs] == [(f, s) for f in (1, 2, 3) for s in (7, 8)]
        own = [row for row in hits if row["cell"] == cell.id]
        assert found.counts[cell.id].shape == (12, 2, 3)
        assert found.counts[cell.id][:, 1, 0].sum() == sum(row["synthetic_tp"] for row in own)
        # The third patient of the second fold, both seeds added.
        of_one = [row["gold_fn"] for row in own if (row["fold"], row["patient"]) == (2, 2)]
        assert found.counts[cell.id][6, 0, 2] == sum(of_one)


def test_a_cell_that_is_not_done_on_every_fold_is_compared_with_nothing(tmp_path: Path) -> None:
    found = read_outcomes(made(failed=frozenset({((1.0, None), 2)})).write(tmp_path))
    assert len(found.cells) == 4
    assert [tuple(cell.levels.values()) for cell in found.whole] == [(0.05, 8.0), (0.05, None), (1.0, 8.0)]
    [broken] = [run for cell in found.cells for run in cell.runs if run.status != "done"]
    assert (broken.fold, broken.why) == (2, "The model cannot be used.")


def test_before_any_cell_is_done_there_are_no_hits_to_read(tmp_path: Path) -> None:
    none = frozenset((levels, 1) for levels in product(*SMALL.values()))
    out = made(failed=none).write(tmp_path)
    (out / "hits.parquet").unlink()
    found = read_outcomes(out)
    assert (found.whole, found.folds.tolist(), len(found.cells)) == ((), [], 4)


def test_means_and_reaches_ask_for_every_run(tmp_path: Path) -> None:
    out = made().write(tmp_path)
    metric = "audit.membership.auc"
    cell = read_outcomes(out).cells[0]
    assert cell.mean(metric) == pytest.approx(0.52)
    assert cell.reach(metric) == (0.45, 0.59)
    assert cell.mean("audit.membership.status") is None
    altered(out / "ablation.parquet", lambda rows: [{**row, metric: row[metric] if row["fold"] > 1 else None,
                                                     f"{metric}.low": None} for row in rows])  # fmt: skip
    cell = read_outcomes(out).cells[0]
    assert cell.mean(metric) is None
    assert cell.reach(metric) is None


def test_a_number_of_an_audit_that_was_not_measured_is_none(tmp_path: Path) -> None:
    out = made().write(tmp_path)
    assert read_outcomes(out).cells[0].leak("membership.auc") == (pytest.approx(0.52), (0.45, 0.59))
    status = "audit.membership.status"
    altered(out / "ablation.parquet", lambda rows: [{**row, status: "inconclusive" if row["fold"] == 2 else row[status]}
                                                     for row in rows])  # fmt: skip
    cell = read_outcomes(out).cells[0]
    assert cell.mean("audit.membership.auc") is not None
    assert cell.leak("membership.auc") is None
    assert cell.leak("membership.none") is None


def _mentions_of_one(rows: Rows) -> Rows:
    rows[0]["synthetic_fn"] += 1
    return rows


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("hits.parquet", lambda rows: rows[1:], "not scored on"),
        ("hits.parquet", lambda rows: rows[4:], "hits of other folds or seeds"),
        ("hits.parquet", lambda rows: [row for row in rows if row["cell"] != rows[0]["cell"]], "has no hits"),
        ("hits.parquet", lambda rows: [*rows, rows[0]], "once for every seed"),
        ("hits.parquet", _mentions_of_one, "patients and mentions"),
        ("hits.parquet", lambda rows: [{**row, "gold_tp": -row["gold_tp"]} for row in rows], "below zero"),
        ("hits.parquet", lambda rows: [{**row, "gold_tp": None} for row in rows], "empty fields"),
        ("hits.parquet", lambda rows: [{**row, "gold_tp": 0.5} for row in rows], "cannot be read"),
        ("hits.parquet", lambda rows: [{"cell": row["cell"]} for row in rows], "lacks the column"),
        ("ablation.parquet", lambda rows: [{**row, "status": "perhaps"} for row in rows], "neither done nor failed"),
        ("ablation.parquet", lambda rows: rows[1:], "for every fold and seed"),
        ("ablation.parquet", lambda rows: [*rows, rows[0]], "stands twice"),
        ("ablation.parquet", lambda rows: [{**rows[0], "share.adapt": 0.5}, *rows[1:]], "more than one set"),
        ("ablation.parquet", lambda rows: [{"fold": row["fold"]} for row in rows], "no table of an ablation"),
        ("ablation.parquet", lambda _: [], "no table of an ablation"),
    ],
)
def test_what_contradicts_itself_is_refused(
    tmp_path: Path, file: str, change: Callable[[Rows], Rows], told: str
) -> None:
    out = made().write(tmp_path)
    altered(out / file, change)
    with pytest.raises(ArtifactError, match=told):
        read_outcomes(out)


@pytest.mark.parametrize("file", ["hits.parquet", "ablation.parquet"])
def test_a_file_that_is_missing_or_torn_is_an_error_and_no_traceback(tmp_path: Path, file: str) -> None:
    out = made().write(tmp_path)
    (out / file).write_bytes((out / file).read_bytes()[:100])
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_outcomes(out)
    (out / file).unlink()
    with pytest.raises(ArtifactError, match=r"is not there|cannot be read"):
        read_outcomes(out)


def test_levels_are_ordered_as_a_reader_counts() -> None:
    assert sorted([None, "b", 8, 0.05, "a", 2.0], key=order_of) == [0.05, 2.0, 8, "a", "b", None]


def test_rows_in_another_order_change_nothing(tmp_path: Path) -> None:
    first = read_outcomes(made().write(tmp_path / "a"))
    out = made().write(tmp_path / "b")
    for file in ("hits.parquet", "ablation.parquet"):
        altered(out / file, lambda rows: rows[::-1])
    second = read_outcomes(out)
    assert first.cells == second.cells
    assert all(np.array_equal(first.counts[cell], second.counts[cell]) for cell in first.counts)
