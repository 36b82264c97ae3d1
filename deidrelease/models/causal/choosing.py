"""Chooses the next token of every row from its scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Choosing:
    """How the next token is drawn.

    Attributes:
        temperature: Divides the scores.
        top_k: Candidates kept, taken first: over a quarter of a million entries a partial selection costs a fraction
            of the sort that top-p alone needs. 0 keeps all.
        top_p: Of the candidates, the fewest that hold this share of their probability (Holtzman et al. 2020).
        repetition_penalty: Scores of tokens already in the row are divided by it where positive, multiplied where
            negative (Keskar et al. 2019).
    """

    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float

    def choose(self, scores: "torch.Tensor", rows: Sequence[Sequence[int]], draws: Sequence[float]) -> list[int]:
        """Draws a token for every row.

        Args:
            scores: Of shape `(n_rows, vocabulary)`; may be changed in place.
            rows: The tokens that each row holds already.
            draws: A uniform number in [0, 1) for each row.

        Returns:
            A token id for each row.
        """
        import torch

        if self.repetition_penalty != 1.0:
            self._penalise(scores, rows)
        k = min(self.top_k or scores.shape[1], scores.shape[1])
        values, candidates = torch.topk(scores, k, dim=1)
        shares = torch.softmax(values.double() / self.temperature, dim=1)
        reached = shares.cumsum(dim=1)
        # A candidate stays if those before it do not reach top_p yet: so the first always stays.
        kept = torch.where(reached - shares < self.top_p, shares, 0.0).cumsum(dim=1)
        wanted = torch.tensor(draws, dtype=kept.dtype, device=kept.device)[:, None] * kept[:, -1:]
        chosen = torch.searchsorted(kept, wanted, right=True).clamp(max=k - 1)
        return candidates.gather(1, chosen)[:, 0].tolist()

    def _penalise(self, scores: "torch.Tensor", rows: Sequence[Sequence[int]]) -> None:
        import torch

        for row, tokens in zip(scores, rows, strict=True):
            seen = torch.tensor(sorted(set(tokens)), dtype=torch.long, device=scores.device)
            old = row[seen]
            row[seen] = torch.where(old > 0, old / self.repetition_penalty, old * self.repetition_penalty)
