"""Adapts a causal language model to notes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.models.causal.language_model import LanguageModel
from deidrelease.models.causal.loss import NextTokenLoss
from deidrelease.models.devices import Place
from deidrelease.models.token_store import open_store
from deidrelease.models.training import Fit, Schedule, Trainer
from deidrelease.notes import Note
from deidrelease.settings import AdaptSettings

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

Row = list[int]


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What adapting came to: the fit (scores are negative dev loss in nats a token) and the sizes of both sides."""

    fit: Fit
    train_tokens: int
    dev_tokens: int
    trained_parameters: int
    parameters: int


def adapt(
    language_model: LanguageModel,
    settings: AdaptSettings,
    train: Iterable[Note],
    dev: Iterable[Note],
    place: Place,
    seed: int,
    checkpoint: Path,
) -> Adaptation:
    """Trains in place until the dev loss stops falling, or to the last epoch if that is kept.

    Goes on from `checkpoint` if a killed attempt left one.
    """
    train_tokens = _store(language_model, train, checkpoint / "train-tokens")
    dev_tokens = _store(language_model, dev, checkpoint / "dev-tokens")
    loss = NextTokenLoss(language_model.plain, language_model.closing, place.device)
    dev_rows = _Pieces(dev_tokens, settings.context)
    trainer = Trainer(
        language_model.model,
        place,
        Schedule(
            settings.epochs,
            settings.patience,
            settings.learning_rate,
            settings.warmup,
            settings.weight_decay,
            settings.accumulation,
            keep_last=settings.keep == "last",
        ),
        lambda epoch: _batches(train_tokens, settings, seed, epoch),
        loss,
        lambda: -mean_loss(loss, dev_rows, settings.batch_size, place),
        checkpoint / "fit",
        seed,
    )
    fit = trainer.fit("adapting the language model")
    parameters = list(language_model.model.parameters())
    return Adaptation(
        fit,
        int(_lengths(train_tokens).sum()),
        int(_lengths(dev_tokens).sum()),
        sum(p.numel() for p in parameters if p.requires_grad),
        sum(p.numel() for p in parameters),
    )


def mean_loss(loss: NextTokenLoss, rows: Sequence[Row], batch_size: int, place: Place) -> float:
    """Nats a token over `rows`, best given in order of length, without gradients."""
    import torch

    summed, count = 0.0, 0
    with torch.no_grad(), place.autocast():
        for start in range(0, len(rows), batch_size):
            total, n = loss.total([rows[i] for i in range(start, min(start + batch_size, len(rows)))])
            summed, count = summed + total.item(), count + n
    return summed / max(1, count)


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
        self._ends = _lengths(tokens)[order].cumsum()

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


class _Pieces(Sequence[Row]):
    """Each sequence cut into rows of at most `size`, shortest first; each row begins with the token before it."""

    def __init__(self, tokens: "Dataset", size: int) -> None:
        self._tokens = tokens.with_format("numpy", columns=["ids"])
        self._size = size
        counts = [(i, max(0, -(-(int(n) - 1) // (size - 1)))) for i, n in enumerate(_lengths(tokens))]
        self._places = [(i, start * (size - 1)) for i, count in counts for start in range(count)]
        lengths = _lengths(tokens)
        self._places.sort(key=lambda place: min(size, int(lengths[place[0]]) - place[1]))

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


def _store(language_model: LanguageModel, notes: Iterable[Note], folder: Path) -> "Dataset":
    def row(note: Note) -> dict[str, Any]:
        ids = [language_model.opening, *language_model.token_ids(note.text), language_model.closing]
        return {"ids": ids, "length": len(ids)}

    return open_store(folder, notes, row, {"ids": "[int32]", "length": "int32"})


def _lengths(tokens: "Dataset") -> "NDArray[np.int64]":
    import numpy as np

    return np.asarray(tokens.with_format("numpy", columns=["length"])[:]["length"], dtype=np.int64)


def _batches(tokens: "Dataset", settings: AdaptSettings, seed: int, epoch: int) -> Sequence[list[Row]]:
    import numpy as np

    rng = np.random.default_rng([seed, epoch])
    rows: Sequence[Row]
    if settings.grouping == "pack":
        rows = Packed(tokens, rng.permutation(len(tokens)), settings.context)
        order = rng.permutation(len(rows))
    else:
        rows = _Pieces(tokens, settings.context)
        order = np.arange(len(rows))
    size = settings.batch_size
    groups = [order[i : i + size] for i in range(0, len(rows), size)]
    return _Batches(rows, [groups[i] for i in rng.permutation(len(groups))])
