"""What an ablation found, read back whole: which cells there are, what varies, and every hold-out patient's hits.

The table and the hits are the two files that the execution writes; whatever contradicts itself in them is refused,
because a comparison of cells that were scored on different patients is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from deidrelease.ablation.cells import Level
from deidrelease.ablation.hits import Hits, paired, read_hits
from deidrelease.errors import ArtifactError, Problem

TABLE, HITS = "ablation.parquet", "hits.parquet"
_FIRST, _BEHIND = ("cell", "fold", "seed", "status", "why"), "gold_patients_adapt"
_REMEDY = "let `deidrelease ablate` write it again: what is done is not made twice"

RunStatus = Literal["done", "failed", "missing"]
Levels = Mapping[str, Level]


@dataclass(frozen=True, slots=True)
class CellRun:
    """One cell on one fold with one seed: a row of the table.

    Attributes:
        fold: Whose patients were held out.
        seed: Of the run.
        status: `done`, `failed` or `missing`.
        why: Headline of the error where it failed.
        values: All other columns by name: numbers, states of audits, names of artefacts; None where there is none.
    """

    fold: int
    seed: int
    status: RunStatus
    why: str
    values: Mapping[str, Any] = field(repr=False)

    def number(self, name: str) -> float | None:
        """The number in the column `name`; None where there is no such column or no number in it."""
        found = self.values.get(name)
        return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """One point of the grid, with its runs over folds and seeds.

    Attributes:
        id: First digits of the digest of its settings.
        levels: Varied setting to the level that this cell has.
        runs: By fold, then seed.
    """

    id: str
    levels: Levels
    runs: tuple[CellRun, ...]

    @property
    def whole(self) -> bool:
        """Whether it is done on every fold with every seed; other cells are compared with nothing."""
        return all(run.status == "done" for run in self.runs)

    def mean(self, name: str) -> float | None:
        """Mean of a column over the runs; None where any run lacks it."""
        numbers = [run.number(name) for run in self.runs]
        there = [number for number in numbers if number is not None]
        return sum(there) / len(there) if there and len(there) == len(numbers) else None

    def leak(self, metric: str) -> tuple[float, tuple[float, float]] | None:
        """Mean and reach of `audit.metric` over the runs; None where any run has it not `measured`."""
        audit, _, _ = metric.partition(".")
        states = {run.values.get(f"audit.{audit}.status") for run in self.runs}
        mean, reach = self.mean(f"audit.{metric}"), self.reach(f"audit.{metric}")
        return (mean, reach) if states == {"measured"} and mean is not None and reach is not None else None

    def reach(self, name: str) -> tuple[float, float] | None:
        """Least lower and greatest upper end of a metric's intervals over the runs; None where any run lacks it."""
        lows, highs = ([run.number(f"{name}.{end}") for run in self.runs] for end in ("low", "high"))
        least, greatest = [low for low in lows if low is not None], [high for high in highs if high is not None]
        if not least or len(least) < len(lows) or len(greatest) < len(highs):
            return None
        return min(least), max(greatest)


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """All of it.

    Attributes:
        axes: Varied setting to its levels, in order; those with one level alone are left out.
        cells: In the order of their levels.
        folds: Of each hold-out patient, shape (n_patients,).
        counts: Of the whole cells, by id: true positives, false positives and false negatives (strict) of the gold and
            of the synthetic tagger, added over seeds; shape (n_patients, 2, 3).
    """

    axes: Mapping[str, tuple[Level, ...]]
    cells: tuple[CellOutcome, ...]
    folds: NDArray[np.int64] = field(repr=False)
    counts: Mapping[str, NDArray[np.int64]] = field(repr=False)

    @property
    def whole(self) -> tuple[CellOutcome, ...]:
        """The cells that can be compared."""
        return tuple(cell for cell in self.cells if cell.id in self.counts)


def order_of(level: Level) -> tuple[int, float, str]:
    """Sorts levels: numbers by size, then words, then none at all, which is the largest epsilon there can be."""
    if level is None:
        return 2, 0.0, ""
    return (1, 0.0, level) if isinstance(level, str) else (0, float(level), "")


def read_outcomes(out: Path) -> Outcomes:
    """Reads the table and the hits in the folder of an ablation.

    Raises:
        ArtifactError: A file is missing, cannot be understood, or contradicts itself or the other.
    """
    columns, rows = _read(out / TABLE)
    axes = _axes_of(out / TABLE, columns, rows)
    try:
        cells = _cells_of(rows, list(axes))
        whole = [cell for cell in cells if cell.whole]
        folds, counts = _paired(read_hits(out / HITS), whole) if whole else (np.zeros(0, dtype=np.int64), {})
    except (OSError, ValueError, TypeError) as error:
        # What an operating system or a library says names the path and no content, but not in a sentence.
        told = str(error) if type(error) is ValueError else f"{HITS} cannot be read"
        raise _unusable(out, told) from None
    return Outcomes({name: levels for name, levels in axes.items() if len(levels) > 1}, cells, folds, counts)


def _read(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except FileNotFoundError:
        raise _unusable(path, "is not there") from None
    except (OSError, ValueError):
        raise _unusable(path, "cannot be read as Parquet") from None
    return table.column_names, table.to_pylist()


def _axes_of(path: Path, columns: list[str], rows: list[dict[str, Any]]) -> dict[str, tuple[Level, ...]]:
    if tuple(columns[: len(_FIRST)]) != _FIRST or _BEHIND not in columns or not rows:
        raise _unusable(path, "is no table of an ablation, or an empty one")
    varied = columns[len(_FIRST) : columns.index(_BEHIND)]
    return {name: tuple(sorted({row[name] for row in rows}, key=order_of)) for name in varied}


def _cells_of(rows: list[dict[str, Any]], varied: Sequence[str]) -> tuple[CellOutcome, ...]:
    def key(row: Mapping[str, Any]) -> str:
        return str(row["cell"])

    cells = []
    ordered = sorted(rows, key=lambda row: (key(row), row["fold"], row["seed"]))
    for name, group in groupby(ordered, key):
        own = list(group)
        levels = {axis: own[0][axis] for axis in varied}
        if any({axis: row[axis] for axis in varied} != levels for row in own):
            raise ValueError(f"cell {name} has more than one set of settings")
        cells.append(CellOutcome(name, levels, tuple(_run_of(row, varied) for row in own)))
    if len({frozenset((run.fold, run.seed) for run in cell.runs) for cell in cells}) > 1:
        raise ValueError("not every cell has a row for every fold and seed")
    if any(len({(run.fold, run.seed) for run in cell.runs}) < len(cell.runs) for cell in cells):
        raise ValueError("a cell stands twice for a fold and a seed")
    return tuple(sorted(cells, key=lambda cell: [order_of(level) for level in cell.levels.values()]))


def _run_of(row: Mapping[str, Any], varied: Sequence[str]) -> CellRun:
    if row["status"] not in get_args(RunStatus):
        raise ValueError("a row is neither done nor failed nor missing")
    values = {name: value for name, value in row.items() if name not in _FIRST and name not in varied}
    return CellRun(int(row["fold"]), int(row["seed"]), row["status"], row["why"] or "", values)


def _paired(hits: Hits, whole: Sequence[CellOutcome]) -> tuple[NDArray[np.int64], dict[str, NDArray[np.int64]]]:
    for cell in whole:
        scored = {(int(seed), int(fold)) for seed, fold in np.unique(hits.of(cell.id)[0][:, :2], axis=0)}
        if scored != {(run.seed, run.fold) for run in cell.runs}:
            raise ValueError(f"cell {cell.id} has hits of other folds or seeds than it is done for")
    return paired(hits, [cell.id for cell in whole])


def _unusable(path: Path, what: str) -> ArtifactError:
    return ArtifactError("The ablation's results cannot be used.", [Problem(str(path), what, _REMEDY)])
