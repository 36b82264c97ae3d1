"""Token rows of notes, read from disk when they are asked for."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.models.causal.language_model import LanguageModel
from deidrelease.models.token_store import open_store
from deidrelease.notes import Note
from deidrelease.settings import AdaptSettings

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

Row = list[int]


class Packed(Sequence[Row]):
    """Sequences joined in a given order and cut into rows of exactly `size`, each overlapping the next by a token.

    Rows are read from disk when they are asked for. Only the last may be shorter.

    Args:
        tokens: Store with the columns `ids` and `length`.
        order: Of the sequences, shape `(n_sequences,)`.
        size: Tokens a row.
    """

    def __init__(self, tokens: "Dataset", order: "NDArray[np.int64]", size: int) -> None:
        self._tokens = tokens.with_format("numpy", columns=["ids"])
        self._order = order
        self._size = size
        self._ends = token_counts(tokens)[order].cumsum()

    def __len__(self) -> int:
        return max(0, -(-(int(self._ends[-1]) - 1) // (self._size - 1)))

    def __getitem__(self, index: Any) -> Any:
        start = index * (self._size - 1)
        stop = min(start + self._size, int(self._ends[-1]))
        row: Row = []
        at = int(self._ends.searchsorted(start, side="right"))
        while start + len(row) < stop:
            ids = self._tokens[int(self._order[at])]["ids"]
            skip = start + len(row) - (int(self._ends[at]) - len(ids))
            row += ids[skip : skip + stop - start - len(row)].tolist()
            at += 1
        return row


class Pieces(Sequence[Row]):
    """Each sequence cut into rows of at most `size`, shortest first; each row begins with the token before it."""

    def __init__(self, tokens: "Dataset", size: int) -> None:
        self._tokens = tokens.with_format("numpy", columns=["ids"])
        self._size = size
        counts = [(i, max(0, -(-(int(n) - 1) // (size - 1)))) for i, n in enumerate(token_counts(tokens))]
        self._places = [(i, start * (size - 1)) for i, count in counts for start in range(count)]
        lengths = token_counts(tokens)
        self._places.sort(key=lambda place: min(size, int(lengths[place[0]]) - place[1]))

    def by_sequence(self) -> list[list[int]]:
        """For each sequence the indices of its rows."""
        found: list[list[int]] = [[] for _ in range(len(self._tokens))]
        for index, (sequence, _) in enumerate(self._places):
            found[sequence].append(index)
        return found

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        note, start = self._places[index]
        return self._tokens[note]["ids"][start : start + self._size].tolist()


class _Batches(Sequence[list[Row]]):
    def __init__(self, rows: Sequence[Row], groups: "list[NDArray[np.int64]]") -> None:
        self._rows, self._groups = rows, groups

    def __len__(self) -> int:
        return len(self._groups)

    def __getitem__(self, index: Any) -> Any:
        return [self._rows[int(i)] for i in self._groups[index]]


def stored_tokens(language_model: LanguageModel, notes: Iterable[Note], folder: Path) -> "Dataset":
    """The store in `folder` of the notes' token ids, each opened and closed; made if it is not there yet."""

    def row(note: Note) -> dict[str, Any]:
        ids = [language_model.opening, *language_model.token_ids(note.text), language_model.closing]
        return {"ids": ids, "length": len(ids)}

    return open_store(folder, notes, row, {"ids": "[int32]", "length": "int32"})


def token_counts(tokens: "Dataset") -> "NDArray[np.int64]":
    """Tokens of each sequence, shape `(n_sequences,)`."""
    import numpy as np

    return np.asarray(tokens.with_format("numpy", columns=["length"])[:]["length"], dtype=np.int64)


def batches(tokens: "Dataset", settings: AdaptSettings, seed: int, epoch: int) -> Sequence[list[Row]]:
    """The batches of `epoch`, grouped as the settings say; they depend on seed and epoch alone."""
    import numpy as np

    rng = np.random.default_rng([seed, epoch])
    rows: Sequence[Row]
    if settings.grouping == "pack":
        rows = Packed(tokens, rng.permutation(len(tokens)), settings.context)
        order = rng.permutation(len(rows))
    else:
        rows = Pieces(tokens, settings.context)
        order = np.arange(len(rows))
    size = settings.batch_size
    groups = [order[i : i + size] for i in range(0, len(rows), size)]
    return _Batches(rows, [groups[i] for i in rng.permutation(len(groups))])
