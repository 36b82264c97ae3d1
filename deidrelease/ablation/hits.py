"""What each tagger of each cell found and missed on each hold-out patient: what paired comparisons stand on.

Cells that were scored on different patients, or on patients with different gold mentions, cannot be paired; they are
refused here and not averaged into something that looks like a result.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TAGGERS = ("gold", "synthetic")
COUNTS = ("tp", "fp", "fn")
COLUMNS = tuple(f"{tagger}_{count}" for tagger in TAGGERS for count in COUNTS)
KEYS = ("cell", "fold", "seed", "patient")

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """The rows of `hits.parquet`, sorted by cell, seed, fold and patient.

    Attributes:
        cells: Ids, each once, in order.
        starts: First row of each cell and, last, the number of rows; shape (n_cells + 1,).
        place: Seed, fold and patient of each row, shape (n_rows, 3).
        counts: By `COLUMNS`, shape (n_rows, 6).
    """

    cells: tuple[str, ...]
    starts: Integers
    place: Integers = field(repr=False)
    counts: Integers = field(repr=False)

    def of(self, cell: str) -> tuple[Integers, Integers]:
        """Place and counts of the rows of `cell`.

        Raises:
            ValueError: It has none.
        """
        if cell not in self.cells:
            raise ValueError(f"cell {cell} is done and has no hits")
        number = self.cells.index(cell)
        rows = slice(int(self.starts[number]), int(self.starts[number + 1]))
        return self.place[rows], self.counts[rows]


def read_hits(path: Path) -> Hits:
    """Reads the file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no such table (`pyarrow.ArrowInvalid` is one), lacks a column, or holds something else than
            counts.
    """
    from pyarrow import parquet

    table = parquet.read_table(path)
    if missing := [name for name in (*KEYS, *COLUMNS) if name not in table.column_names]:
        raise ValueError(f"{path.name} lacks the column(s) {', '.join(missing)}")
    if any(table[name].null_count for name in (*KEYS, *COLUMNS)):
        raise ValueError(f"{path.name} has empty fields")
    cells, codes = np.unique(np.array(table["cell"].to_pylist(), dtype=np.str_), return_inverse=True)
    numbers = {name: table[name].to_numpy().astype(np.int64, casting="safe") for name in (*KEYS[1:], *COLUMNS)}
    order = np.lexsort((numbers["patient"], numbers["fold"], numbers["seed"], codes))
    counts = np.column_stack([numbers[name] for name in COLUMNS])[order]
    if (counts < 0).any():
        raise ValueError(f"{path.name} has counts below zero")
    place = np.column_stack([numbers[name] for name in ("seed", "fold", "patient")])[order]
    starts = np.searchsorted(codes[order], np.arange(len(cells) + 1))
    return Hits(tuple(map(str, cells)), starts.astype(np.int64), place, counts)


def paired(hits: Hits, cells: Sequence[str]) -> tuple[Integers, dict[str, Integers]]:
    """Fold of each patient, shape (n_patients,), and counts by cell, added over seeds, shape (n_patients, 2, 3).

    Raises:
        ValueError: The cells were not all scored on the same patients with the same gold mentions, for every seed.
    """
    folds, counts = np.zeros(0, dtype=np.int64), {}
    first: tuple[Integers, Integers] | None = None
    for cell in cells:
        place, own = hits.of(cell)
        seeds = np.unique(place[:, 0])
        added = own.reshape(len(seeds), -1, own.shape[1]) if len(own) % len(seeds) == 0 else own[None]
        patients = place[: added.shape[1], 1:]
        if not np.array_equal(place, _every(seeds, patients)) or len(np.unique(patients, axis=0)) < len(patients):
            raise ValueError(f"cell {cell} was not scored on each hold-out patient once for every seed")
        shaped = added.reshape(len(seeds), -1, len(TAGGERS), len(COUNTS))
        # Each tagger found or missed what there was: the sum is the gold side, and has to be one and the same.
        mentions = shaped[..., 0] + shaped[..., 2]
        first = first or (patients, mentions[0, :, 0])
        if not np.array_equal(patients, first[0]) or (mentions != first[1][None, :, None]).any():
            raise ValueError("cells were not scored on the same hold-out patients and mentions")
        folds, counts[cell] = patients[:, 0], shaped.sum(axis=0)
    return folds, counts


def _every(seeds: Integers, patients: Integers) -> Integers:
    """The places there have to be: `patients` again and again, for each seed."""
    return np.column_stack([np.repeat(seeds, len(patients)), np.tile(patients, (len(seeds), 1))])
