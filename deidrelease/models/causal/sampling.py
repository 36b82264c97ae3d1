"""Samples many texts, a batch of rows at a time, each row taking up the next text as soon as it ends one.

All rows share one cache whose columns are time steps. A row that starts late sees only the columns since its start:
its mask is closed before them, and its positions count from its own beginning. Prompts are fed a token a step like
everything else, so a new row needs no pass of its own and the model always sees a full batch.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from deidrelease.errors import ModelError, Problem
from deidrelease.models.causal.choosing import Choosing
from deidrelease.models.devices import Place

if TYPE_CHECKING:
    import numpy as np
    import torch

_LOOK_FOR_LOOPS_EVERY = 16
_LONGEST_PERIOD = 64
_LEAST_LOOPED = 32
_LEAST_REPEATS = 4

Ending = Literal["closed", "truncated", "looped"]


@dataclass(frozen=True, slots=True)
class Sampled:
    """A finished text.

    Attributes:
        index: Which text; its random numbers depend on this and the seed alone.
        tokens: Prompt included, opening and closing tokens not.
        ending: `closed` by the model, `truncated` at the cap, or `looped`: given up as repeating itself.
    """

    index: int
    tokens: tuple[int, ...]
    ending: Ending


@dataclass(slots=True)
class _Row:
    index: int
    prompt: Sequence[int]
    rng: "np.random.Generator"
    start: int
    tokens: list[int] = field(default_factory=list)
    fed: int = 0


class Sampler:
    """Samples from one model.

    Args:
        model: A transformers causal model on `place`.
        place: Where it runs.
        opening: Token in front of every text.
        closing: Token that ends one.
        choosing: How tokens are drawn.
        cap: Most tokens of a text, prompt included.
        rows: Texts in work at once.
        seed: With a text's index it decides all its random numbers.
    """

    def __init__(
        self,
        model: Any,
        place: Place,
        opening: int,
        closing: int,
        choosing: Choosing,
        cap: int,
        rows: int,
        seed: int,
    ) -> None:
        self._model = model
        self._place = place
        self._opening = opening
        self._closing = closing
        self._choosing = choosing
        self._cap = cap
        self._size = rows
        self._seed = seed
        self._checked = False
        self._takes_positions = "position_ids" in inspect.signature(model.forward).parameters

    def sample(
        self,
        next_index: Callable[[], int | None],
        prompt: Callable[[int], Sequence[int]],
    ) -> Iterator[Sampled]:
        """Yields texts as they finish, which need not be in the order of their indices.

        Args:
            next_index: Asked whenever a row is free; None where nothing more is wanted now.
            prompt: Index to prompt tokens.
        """
        import torch

        from deidrelease.models.causal.cache import SlabCache

        self._model.eval()
        cache, columns = SlabCache(), 0
        rows: list[_Row] = []
        if not self._checked:
            self._check_late_rows()
            self._checked = True
        with torch.inference_mode():
            while rows := self._fill(rows, next_index, prompt, columns, cache):
                if oldest := min(row.start for row in rows):
                    cache.drop_front(oldest)
                    columns -= oldest
                    for row in rows:
                        row.start -= oldest
                scores = self._step(rows, cache, columns)
                columns += 1
                self._extend(rows, scores)
                for row in rows:
                    if sampled := self._finished(row):
                        yield sampled
                        row.index = -1

    def _fill(
        self,
        rows: list[_Row],
        next_index: Callable[[], int | None],
        prompt: Callable[[int], Sequence[int]],
        columns: int,
        cache: Any,
    ) -> list[_Row]:
        """Gives free rows their next text; where there is none left, the batch shrinks."""
        import numpy as np
        import torch

        wanted = len(rows) or self._size
        filled: list[_Row | None] = [row if row.index >= 0 else None for row in rows] or [None] * wanted
        for i, row in enumerate(filled):
            if row is None and (index := next_index()) is not None:
                filled[i] = _Row(index, prompt(index), np.random.default_rng([self._seed, index]), columns)
        kept = [i for i, row in enumerate(filled) if row is not None]
        if rows and 0 < len(kept) < len(filled):
            cache.keep_rows(torch.tensor(kept, device=self._place.device))
        return [row for row in filled if row is not None]

    def _step(self, rows: Sequence[_Row], cache: Any, columns: int) -> "torch.Tensor":
        import torch

        device = self._place.device
        inputs = torch.tensor([[row.tokens[-1] if row.tokens else self._opening] for row in rows], device=device)
        positions = torch.tensor([[row.fed] for row in rows], device=device)
        starts = torch.tensor([[row.start] for row in rows], device=device)
        mask = (torch.arange(columns + 1, device=device)[None, :] >= starts).long()
        given = {"position_ids": positions} if self._takes_positions else {}
        with self._place.autocast():
            output = self._model(input_ids=inputs, attention_mask=mask, past_key_values=cache, use_cache=True, **given)
        for row in rows:
            row.fed += 1
        return output.logits[:, -1].float()  # type: ignore[no-any-return]

    def _check_late_rows(self) -> None:
        """Compares a row that starts late with the same tokens on their own; they must score alike.

        Raises:
            ModelError: They do not, as in architectures whose state is no key-value cache.
        """
        import numpy as np
        import torch

        from deidrelease.models.causal.cache import SlabCache

        # Tokens that differ: over equal ones attention gives the same whatever the mask hides.
        rng, cache = np.random.default_rng(0), SlabCache()
        tokens = rng.integers(self._model.get_input_embeddings().num_embeddings, size=2).tolist()
        rows = [_Row(0, [], rng, 0), _Row(1, [], rng, 1)]
        try:
            with torch.inference_mode(), self._place.autocast():
                for column in range(4):
                    for row in rows:
                        row.tokens = tokens[: max(0, column - row.start)]
                        row.fed = max(0, column - row.start)
                    late = self._step(rows, cache, column)[1]
                by_itself = self._fed_by_itself(tokens)
                whole = self._model(input_ids=torch.tensor([[self._opening, *tokens]], device=self._place.device))
        except (TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
            raise self._unfit(type(error).__name__) from error
        alone = whole.logits[0, -1].float()
        # What the same text scores token by token and at once differs by rounding alone: in bfloat16, by tenths.
        rounding = 4 * float((by_itself - alone).abs().max()) if self._place.bf16 else 0.0
        if not torch.allclose(late, alone, rtol=0.05, atol=max(rounding, 0.05 if self._place.bf16 else 1e-3)):
            raise self._unfit("scores differ")

    def _fed_by_itself(self, tokens: Sequence[int]) -> "torch.Tensor":
        """Scores after `tokens`, one at a time, in a batch that nothing else is or was in."""
        import numpy as np

        from deidrelease.models.causal.cache import SlabCache

        row, cache = _Row(0, [], np.random.default_rng(0), 0), SlabCache()
        for column in range(len(tokens) + 1):
            row.tokens = list(tokens[:column])
            scores = self._step([row], cache, column)[0]
        return scores

    def _unfit(self, reason: str) -> ModelError:
        name = type(self._model).__name__
        remedy = "choose a decoder with a key-value cache (Llama, Gemma, GPT-2, Bloom, Qwen, Mistral, …)"
        problem = Problem("adapt.model", f"{name} cannot take up new texts inside a batch ({reason})", remedy)
        return ModelError("This model cannot be sampled from.", [problem])

    def _extend(self, rows: Sequence[_Row], scores: "torch.Tensor") -> None:
        draws = [0.0 if len(row.tokens) < len(row.prompt) else row.rng.random() for row in rows]
        chosen = self._choosing.choose(scores, [row.tokens for row in rows], draws)
        for row, token in zip(rows, chosen, strict=True):
            given = len(row.tokens) < len(row.prompt)
            row.tokens.append(row.prompt[len(row.tokens)] if given else token)

    def _finished(self, row: _Row) -> Sampled | None:
        if row.tokens[-1] == self._closing and len(row.tokens) > len(row.prompt):
            return Sampled(row.index, tuple(row.tokens[:-1]), "closed")
        if len(row.tokens) >= self._cap:
            return Sampled(row.index, tuple(row.tokens), "truncated")
        if len(row.tokens) % _LOOK_FOR_LOOPS_EVERY == 0 and loops(row.tokens):
            return Sampled(row.index, tuple(row.tokens), "looped")
        return None


def loops(tokens: Sequence[int]) -> bool:
    """Whether the end of `tokens` is one stretch of up to 64 tokens, four times or more, over at least 32 tokens."""
    for period in range(1, min(_LONGEST_PERIOD, len(tokens) // _LEAST_REPEATS) + 1):
        looped = max(_LEAST_LOOPED, _LEAST_REPEATS * period)
        if looped <= len(tokens) and tokens[-1] == tokens[-1 - period]:
            tail = tokens[-looped:]
            if tail[period:] == tail[:-period]:
                return True
    return False
