"""What a language model makes of secrets, with its adapter and without."""

from collections.abc import Iterable, Sequence
from typing import Any

from deidrelease import progress
from deidrelease.errors import ModelError, Problem
from deidrelease.models.causal.language_model import LanguageModel
from deidrelease.models.devices import Place


def secret_losses(
    language_model: LanguageModel, texts: Sequence[tuple[str, str]], place: Place
) -> list[tuple[float, float | None, int]]:
    """The loss of each secret behind its prefix; the texts one by one, as memory allows any vocabulary that way.

    Args:
        language_model: Adapted; goes into evaluation and back.
        texts: Prefix and secret, which make a whole note together.
        place: Where it runs.

    Returns:
        For each secret nats a token with the adapter; the same without it, None where there is no adapter to leave
        out; and the secret's tokens, with the one that ends the note.

    Raises:
        ModelError: A loss is no number: such a model has learnt nothing that could be measured.
    """
    model = language_model.model
    rows = [_row(language_model, prefix, secret) for prefix, secret in texts]
    training = model.training
    model.eval()
    try:
        adapted = _losses(model, rows, place, "what was remembered of the canaries")
        base: Iterable[float | None] = [None] * len(rows)
        if hasattr(model, "disable_adapter"):
            with model.disable_adapter():
                base = _losses(model, rows, place, "what the base knows of the canaries")
    finally:
        model.train(training)
    return [(a, b, len(ids) - first) for a, b, (ids, first) in zip(adapted, base, rows, strict=True)]


def _row(language_model: LanguageModel, prefix: str, secret: str) -> tuple[list[int], int]:
    """Token ids of the note, opened and closed, and the place of the secret's first token among them."""
    tokenizer: Any = language_model.tokenizer
    encoded = tokenizer(prefix + secret, add_special_tokens=False, verbose=False, return_offsets_mapping=True)
    ids = [language_model.opening, *encoded["input_ids"], language_model.closing]
    before = sum(1 for _, end in encoded["offset_mapping"] if end <= len(prefix))
    return ids, before + 1


def _losses(model: Any, rows: Sequence[tuple[list[int], int]], place: Place, what: str) -> list[float]:
    import torch
    from torch.nn.functional import cross_entropy

    losses = []
    with torch.no_grad(), place.autocast(), progress.step(f"measuring {what}", len(rows)) as step:
        for ids, first in rows:
            row = torch.tensor([ids], device=place.device)
            logits = model(input_ids=row, use_cache=False).logits[0, first - 1 : -1].float()
            loss = float(cross_entropy(logits, row[0, first:]))
            if loss != loss:
                problem = Problem("canaries", "the model gives no number for one", "lower the learning rate")
                raise ModelError("The model cannot be measured.", [problem])
            losses.append(loss)
            step.advance(1)
    return losses
