"""Next-token loss on real positions only.

Vocabularies of a quarter of a million make the scores of every position, padding included, the largest thing in
memory. Here padded positions are dropped before the output layer, and the rest goes through it in chunks whose scores
are computed again in the backward pass rather than kept.
"""

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

_MOST_SCORES = 1 << 25


class NextTokenLoss:
    """Mean negative log-likelihood, in nats a token, of the rows of a batch.

    Args:
        model: A transformers causal model (adapters inside it are fine).
        pad_id: For padding; may be a token that also occurs in the text.
        device: Where the model lies.
    """

    def __init__(self, model: Any, pad_id: int, device: str) -> None:
        self._model = model
        self._pad_id = pad_id
        self._device = device
        self._split: bool | None = None

    def __call__(self, rows: list[list[int]]) -> "torch.Tensor":
        """The loss of `rows` of token ids; each row's first token is given, not predicted."""
        total, count = self.total(rows)
        return total / count

    def total(self, rows: list[list[int]]) -> "tuple[torch.Tensor, int]":
        """Summed loss and the number of predicted tokens."""
        inputs, mask = self._padded(rows)
        real = mask[:, 1:].bool()
        return self._scored(inputs, mask, real, inputs[:, 1:][real], "sum"), int(real.sum())

    def means(self, rows: list[list[int]]) -> "torch.Tensor":
        """The mean loss of each row by itself, shape `(n_rows,)`: no row's loss depends on another's."""
        import torch

        inputs, mask = self._padded(rows)
        real = mask[:, 1:].bool()
        losses = self._scored(inputs, mask, real, inputs[:, 1:][real], "none")
        by_row = torch.zeros(real.shape, device=losses.device, dtype=losses.dtype).masked_scatter(real, losses)
        return by_row.sum(1) / real.sum(1)

    def _padded(self, rows: list[list[int]]) -> "tuple[torch.Tensor, torch.Tensor]":
        """Token ids and the mask of real ones, shape `(n_rows, n_tokens)`."""
        import torch

        longest = max(map(len, rows))
        inputs = torch.full((len(rows), longest), self._pad_id, dtype=torch.long)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for i, row in enumerate(rows):
            inputs[i, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[i, : len(row)] = 1
        return inputs.to(self._device), mask.to(self._device)

    def _scored(
        self,
        inputs: "torch.Tensor",
        mask: "torch.Tensor",
        real: "torch.Tensor",
        wanted: "torch.Tensor",
        reduction: Literal["sum", "none"],
    ) -> "torch.Tensor":
        import torch

        if self._split is None:
            self._split = self._head_is_linear(inputs[:1, :8])
        if not self._split:
            scores = self._model(input_ids=inputs, attention_mask=mask, use_cache=False).logits[:, :-1][real]
            return torch.nn.functional.cross_entropy(scores.float(), wanted, reduction=reduction)
        body = self._model.base_model
        hidden = body(input_ids=inputs, attention_mask=mask, use_cache=False).last_hidden_state[:, :-1][real]
        return self._chunked(hidden, wanted, reduction)

    def _chunked(
        self, hidden: "torch.Tensor", wanted: "torch.Tensor", reduction: Literal["sum", "none"]
    ) -> "torch.Tensor":
        import torch
        from torch.utils.checkpoint import checkpoint

        head = self._model.get_output_embeddings()

        def scored(part: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
            return torch.nn.functional.cross_entropy(head(part).float(), targets, reduction=reduction)

        size = max(1, _MOST_SCORES // head.weight.shape[0])
        if len(wanted) <= size:
            return scored(hidden, wanted)
        parts = zip(torch.split(hidden, size), torch.split(wanted, size), strict=True)
        found = [checkpoint(scored, h, y, use_reentrant=False) for h, y in parts]
        return torch.stack(found).sum() if reduction == "sum" else torch.cat(found)

    def _head_is_linear(self, probe: "torch.Tensor") -> bool:
        # Some architectures scale or cap what the output layer gives. Rather than know them all, compare once.
        import torch

        if getattr(self._model.config, "final_logit_softcapping", None):
            return False  # a cap changes small scores too little for the comparison to see
        training = self._model.training
        self._model.eval()
        with torch.no_grad():
            whole = self._model(input_ids=probe, use_cache=False).logits
            hidden = self._model.base_model(input_ids=probe, use_cache=False).last_hidden_state
            parts = self._model.get_output_embeddings()(hidden)
        self._model.train(training)
        return parts.shape == whole.shape and bool(torch.allclose(parts.float(), whole.float(), rtol=1e-3, atol=1e-3))
