"""Trains a tagger on annotated notes: the annotator on gold ones, the synthetic tagger on synthetic ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.models.devices import Place, recompute_activations
from deidrelease.models.tagging import tags
from deidrelease.models.tagging.encoder import Encoder, make_encoder
from deidrelease.models.tagging.tagger import Tagger, pad
from deidrelease.models.tagging.windows import cut
from deidrelease.models.token_store import open_store
from deidrelease.models.training import Fit, Schedule, Trainer
from deidrelease.notes import Note, Span
from deidrelease.settings import TaggerSettings

if TYPE_CHECKING:
    import torch
    from datasets import Dataset

IGNORED = -100
"""Tag of tokens that no loss counts: special ones, and padding."""
TaggedWindow = tuple[list[int], list[int]]
"""Token ids and their tags, special tokens included."""
_LENGTH_BUCKET = 32


@dataclass(frozen=True, slots=True)
class Training:
    """A trained tagger and what its training came to.

    Attributes:
        encoder: With the weights that were best on dev.
        fit: Scores are strict micro F1 on dev.
        notes: Training notes.
        spans: Their annotated spans.
        unreachable: Spans with an edge inside a token, which no tagging can reproduce: a ceiling of the tokenizer.
    """

    encoder: Encoder
    fit: Fit
    notes: int
    spans: int
    unreachable: int


def train_tagger(
    settings: TaggerSettings,
    train: Iterable[Note],
    dev: Sequence[Note],
    place: Place,
    seed: int,
    checkpoint: Path,
    download: bool,
) -> Training:
    """Trains until dev F1 stops rising; goes on from `checkpoint` if a killed attempt left one there.

    Args:
        settings: Of the tagger.
        train: Read three times.
        dev: Notes for early stopping, held in memory.
        place: Where it runs.
        seed: Of weights, order and dropout.
        checkpoint: Folder for what a resumed attempt needs.
        download: Whether a hub id may be fetched.
    """
    labels = sorted({span.label for note in train for span in note.spans})
    encoder = make_encoder(settings, labels, (note.text for note in train), seed, download)
    tokens = stored_tags(encoder, train, checkpoint / "tokens")
    if settings.freeze_embeddings:
        encoder.model.get_input_embeddings().requires_grad_(False)
    if settings.gradient_checkpointing:
        recompute_activations(encoder.model)
    encoder.model.to(place.device)
    sampler = _Sampler(tokens, settings, encoder, seed)
    tagger = Tagger(encoder, place, settings.window, settings.overlap)
    trainer = Trainer(
        encoder.model,
        place,
        _schedule(settings),
        sampler.batches,
        WindowLoss(encoder, place, sampler.class_weights()),
        lambda: strict_f1(dev, tagger.tag(note.text for note in dev)),
        checkpoint / "fit",
        seed,
    )
    fit = trainer.fit("training the tagger")
    counts = tokens.with_format("numpy", columns=["n_spans", "n_unreachable"])[:]
    return Training(encoder, fit, len(tokens), int(counts["n_spans"].sum()), int(counts["n_unreachable"].sum()))


def strict_f1(notes: Sequence[Note], predicted: Iterable[tuple[Span, ...]]) -> float:
    """Micro F1 over exact (start, end, label); 0 where nothing was right."""
    hits = found = wanted = 0
    for note, spans in zip(notes, predicted, strict=True):
        hits += len(set(note.spans) & set(spans))
        found += len(spans)
        wanted += len(note.spans)
    return 2 * hits / (found + wanted) if hits else 0.0


def _schedule(settings: TaggerSettings) -> Schedule:
    return Schedule(
        settings.epochs,
        settings.patience,
        settings.learning_rate,
        settings.warmup,
        settings.weight_decay,
        nothing_learnt=0.0,
    )


def stored_tags(encoder: Encoder, notes: Iterable[Note], folder: Path) -> "Dataset":
    """The store in `folder` of the notes' token ids and tags; made if it is not there yet."""
    return open_store(folder, notes, lambda note: _row(encoder, note), _COLUMNS)


_COLUMNS = {"ids": "[int32]", "tags": "[int16]", "n_spans": "int32", "n_unreachable": "int32"}


def _row(encoder: Encoder, note: Note) -> dict[str, Any]:
    ids, offsets = encoder.tokenize(note.text)
    cleaned = tags.clean(note.text, offsets)
    return {
        "ids": ids,
        "tags": tags.tags_for(note.spans, cleaned, encoder.labels),
        "n_spans": len(note.spans),
        "n_unreachable": tags.unreachable(note.spans, cleaned),
    }


@dataclass(frozen=True, slots=True)
class _Slice:
    note: int
    start: int
    end: int


class _Sampler:
    """Cuts every note anew each epoch, at another offset, and groups windows of like length."""

    def __init__(self, tokens: "Dataset", settings: TaggerSettings, encoder: Encoder, seed: int) -> None:
        self._tokens = tokens.with_format("numpy", columns=["ids", "tags"])
        self._settings = settings
        self._frame = (encoder.prefix, encoder.suffix)
        self._size = settings.window - len(encoder.prefix) - len(encoder.suffix)
        self._n_tags = 2 * len(encoder.labels) + 1
        self._seed = seed

    def batches(self, epoch: int) -> "Sequence[list[TaggedWindow]]":
        """The epoch's batches; windows are read from disk only when a batch is asked for."""
        import numpy as np

        rng = np.random.default_rng([self._seed, epoch])
        slices = []
        for i, row in enumerate(self._tokens):
            offset = int(rng.integers(1, self._size + 1)) if epoch else 0
            for window in cut(len(row["ids"]), self._size, 0, offset):
                empty = not row["tags"][window.start : window.end].any()
                if not empty or rng.random() < self._settings.empty_windows:
                    slices.append(_Slice(i, window.start, window.end))
        return _Batches(self, _grouped(slices, self._settings.batch_size, rng))

    def read(self, piece: _Slice) -> TaggedWindow:
        """Ids and tags of one window, special tokens included and their tags ignored."""
        row = self._tokens[piece.note]
        prefix, suffix = self._frame
        ids = [*prefix, *row["ids"][piece.start : piece.end].tolist(), *suffix]
        inner = row["tags"][piece.start : piece.end].tolist()
        return ids, [*[IGNORED] * len(prefix), *inner, *[IGNORED] * len(suffix)]

    def class_weights(self) -> "torch.Tensor | None":
        """Weights by tag, or None. Square roots, capped, keep rare types from drowning and from taking over."""
        import numpy as np
        import torch

        if self._settings.class_weights == "none":
            return None
        counts = np.zeros(self._n_tags)
        for row in self._tokens:
            counts += np.bincount(row["tags"], minlength=self._n_tags)
        weights = np.sqrt(counts.max() / np.maximum(counts, 1))
        return torch.tensor(np.clip(weights, 1, 10), dtype=torch.float32)


def _grouped(slices: "list[_Slice]", batch_size: int, rng: Any) -> "list[list[_Slice]]":
    order = rng.permutation(len(slices))
    shuffled = sorted((slices[i] for i in order), key=lambda s: -((s.end - s.start) // _LENGTH_BUCKET))
    batches = [shuffled[i : i + batch_size] for i in range(0, len(shuffled), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


class _Batches(Sequence[list[TaggedWindow]]):
    def __init__(self, sampler: _Sampler, slices: "list[list[_Slice]]") -> None:
        self._sampler, self._slices = sampler, slices

    def __len__(self) -> int:
        return len(self._slices)

    def __getitem__(self, index: Any) -> Any:
        return [self._sampler.read(piece) for piece in self._slices[index]]


class WindowLoss:
    """Cross-entropy of the tags of windows; special tokens and padding count for nothing.

    Args:
        encoder: Whose model scores the tags.
        place: Where it runs.
        weights: By tag; None where all count alike.
    """

    def __init__(self, encoder: Encoder, place: Place, weights: "torch.Tensor | None") -> None:
        self._encoder, self._place = encoder, place
        self._weights = None if weights is None else weights.to(place.device)

    def __call__(self, batch: list[TaggedWindow]) -> "torch.Tensor":
        """The mean over all tokens of the batch, weighted."""
        import torch

        logits, wanted = self._scores(batch)
        return torch.nn.functional.cross_entropy(
            logits.flatten(0, 1).float(), wanted.flatten(), self._weights, ignore_index=IGNORED
        )

    def means(self, batch: list[TaggedWindow]) -> "torch.Tensor":
        """The mean loss of each window by itself, shape `(n_windows,)`; 0 for a window without a token."""
        import torch

        logits, wanted = self._scores(batch)
        losses = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2).float(), wanted, ignore_index=IGNORED, reduction="none"
        )
        return losses.sum(1) / (wanted != IGNORED).sum(1).clamp(min=1)

    def _scores(self, batch: list[TaggedWindow]) -> "tuple[torch.Tensor, torch.Tensor]":
        """Scores, `(n_windows, n_tokens, n_tags)`, and the tags wanted, `(n_windows, n_tokens)`."""
        import torch

        inputs, mask = pad([ids for ids, _ in batch], self._encoder.tokenizer.pad_token_id or 0)
        wanted = torch.full(inputs.shape, IGNORED, dtype=torch.long)
        for i, (_, row) in enumerate(batch):
            wanted[i, : len(row)] = torch.tensor(row, dtype=torch.long)
        device = self._place.device
        logits = self._encoder.model(input_ids=inputs.to(device), attention_mask=mask.to(device)).logits
        return logits, wanted.to(device)
