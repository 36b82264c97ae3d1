"""Some notes as columns of a table with a row a shingle: what another note shares with each of them, exactly.

Nothing is skipped, no candidate is guessed: the counts of a block of notes against all columns are one matrix product.
Shingles of the form, which stand in many columns, would make a sparse product quadratic, so they stand in a dense part
of the table, where the processor does 16 or more of them at a time (decision 0006).
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.text.shingles import Places

DENSE_SHARE = 8
"""A shingle that stands in more than a column of this many is kept dense: so at most this many times a column's own
size stand there."""
DENSE_LEAST = 64


@dataclass(frozen=True, slots=True, eq=False)
class NoteColumns:
    """Which shingle of a table stands in which of `n` notes.

    Attributes:
        n: Notes.
        sizes: Different shingles of each; (n,).
        sparse: Shingles by notes, those of few notes (scipy CSR, float32, so that a product counts exactly to 2 ** 24).
        row_of: Where a shingle stands in `dense`; -1 where it stands in `sparse`; (n_shingles,).
        dense: Those of many notes; (n_dense, n) bool.
    """

    n: int
    sizes: Places
    sparse: Any
    row_of: Places
    dense: NDArray[np.bool_]

    @classmethod
    def of(cls, places: Places, notes: Places, n_shingles: int, n: int) -> Self:
        """From the different shingles of each note, by their places in a table of `n_shingles`."""
        from scipy.sparse import csr_matrix

        holders = np.bincount(places, minlength=n_shingles)
        many = np.flatnonzero(holders > max(DENSE_LEAST, n // DENSE_SHARE))
        row_of = np.full(n_shingles, -1, np.int64)
        row_of[many] = np.arange(len(many))
        dense = np.zeros((len(many), n), bool)
        among = row_of[places] >= 0
        dense[row_of[places[among]], notes[among]] = True
        few, whose = places[~among], notes[~among]
        sparse = csr_matrix((np.ones(len(few), np.float32), (few, whose)), (n_shingles, n))
        return cls(n, np.bincount(notes, minlength=n), sparse, row_of, dense)

    def shared(self, rows: Places, places: Places, n_rows: int) -> NDArray[np.float32]:
        """How many shingles each of `n_rows` other notes shares with each column; (n_rows, n), whole numbers.

        Args:
            rows: Which other note, ascending; (m,).
            places: Which shingle it holds, each once a note; (m,).
            n_rows: Other notes.
        """
        from scipy.sparse import csr_matrix

        row_of = self.row_of[places]
        few = row_of < 0
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows[few], minlength=n_rows))])
        ones = np.ones(int(few.sum()), np.float32)
        held = csr_matrix((ones, places[few], starts), (n_rows, len(self.row_of)))
        counts: NDArray[np.float32] = (held @ self.sparse).toarray()
        if not few.all():
            of_many = np.zeros((n_rows, len(self.dense)), np.float32)
            of_many[rows[~few], row_of[~few]] = 1
            counts += of_many @ self.dense.astype(np.float32)
        return counts
