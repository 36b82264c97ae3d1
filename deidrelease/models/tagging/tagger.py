"""Tags the PII of notes, of any length, many at a time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from deidrelease.models.devices import Place
from deidrelease.models.tagging import tags
from deidrelease.models.tagging.decoding import decode
from deidrelease.models.tagging.encoder import Encoder
from deidrelease.models.tagging.windows import Window, cut
from deidrelease.notes import Span

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

# On a CPU larger batches fall out of its caches; a GPU wants to be filled.
_BATCH_TOKENS_CPU = 1024
_BATCH_TOKENS = 16384
_TEXTS_AT_ONCE = 64
_CHARACTERS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class _Piece:
    text: int
    window: Window
    ids: Sequence[int]


class Tagger:
    """An encoder ready to tag.

    Args:
        encoder: Trained.
        place: Where it runs.
        window: Most tokens a window holds, special tokens included.
        overlap: Tokens that neighbouring windows share.
        batch_tokens: Tokens the encoder sees at once, padding included; by default what suits the device.
    """

    def __init__(
        self, encoder: Encoder, place: Place, window: int, overlap: int, batch_tokens: int | None = None
    ) -> None:
        self._encoder = encoder
        self._place = place
        self._size = window - len(encoder.prefix) - len(encoder.suffix)
        self._overlap = overlap
        self._batch_tokens = batch_tokens or (_BATCH_TOKENS_CPU if place.device == "cpu" else _BATCH_TOKENS)

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that a span may carry, sorted."""
        return self._encoder.labels

    def tag(self, texts: Iterable[str]) -> Iterator[tuple[Span, ...]]:
        """Yields the spans of each text, in order; reads ahead by a bounded amount."""
        self._encoder.model.eval().to(self._place.device)
        stream = iter(texts)
        while group := _some(stream):
            yield from self._tag_group(group)

    def _tag_group(self, group: Sequence[str]) -> list[tuple[Span, ...]]:
        tokenized = [self._encoder.tokenize(text) for text in group]
        pieces = [
            _Piece(i, window, ids[window.start : window.end])
            for i, (ids, _) in enumerate(tokenized)
            for window in cut(len(ids), self._size, self._overlap)
        ]
        decoded = iter(decode(self._scores([len(ids) for ids, _ in tokenized], pieces)))
        spans = []
        for text, (ids, offsets) in zip(group, tokenized, strict=True):
            chosen = next(decoded).tolist() if ids else []
            spans.append(tuple(tags.spans_from(chosen, tags.clean(text, offsets), self._encoder.labels)))
        return spans

    def _scores(self, lengths: Sequence[int], pieces: Sequence[_Piece]) -> "list[NDArray[np.float32]]":
        import numpy as np

        n_tags = 2 * len(self._encoder.labels) + 1
        scores = [np.empty((length, n_tags), dtype=np.float32) for length in lengths]
        # Windows of like length share a batch: little padding is computed.
        ordered = sorted(pieces, key=lambda piece: -len(piece.ids))
        start = 0
        while start < len(ordered):
            rows = max(1, self._batch_tokens // (len(ordered[start].ids) + 2))
            batch = ordered[start : start + rows]
            for piece, logits in zip(batch, self._logits([piece.ids for piece in batch]), strict=True):
                window, lead = piece.window, len(self._encoder.prefix)
                kept = logits[lead + window.keep_start - window.start : lead + window.keep_end - window.start]
                scores[piece.text][window.keep_start : window.keep_end] = kept
            start += rows
        return [matrix for matrix in scores if len(matrix)]

    def _logits(self, rows: Sequence[Sequence[int]]) -> "NDArray[np.float32]":
        import torch

        inputs, mask = pad([[*self._encoder.prefix, *ids, *self._encoder.suffix] for ids in rows], self._pad_id)
        with torch.inference_mode(), self._place.autocast():
            device = self._place.device
            output = self._encoder.model(input_ids=inputs.to(device), attention_mask=mask.to(device))
        return output.logits.float().cpu().numpy()  # type: ignore[no-any-return]

    @property
    def _pad_id(self) -> int:
        return self._encoder.tokenizer.pad_token_id or 0


def pad(rows: Sequence[Sequence[int]], value: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """Token ids and attention mask, both of shape `(n_rows, longest)`, padded on the right."""
    import torch

    longest = max(map(len, rows))
    inputs = torch.full((len(rows), longest), value, dtype=torch.long)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for i, row in enumerate(rows):
        inputs[i, : len(row)] = torch.tensor(row, dtype=torch.long)
        mask[i, : len(row)] = 1
    return inputs, mask


def _some(stream: Iterator[str]) -> list[str]:
    group: list[str] = []
    characters = 0
    for text in islice(stream, _TEXTS_AT_ONCE):
        group.append(text)
        characters += len(text)
        if characters > _CHARACTERS_AT_ONCE:
            break
    return group
