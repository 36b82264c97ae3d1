"""Adapts a causal language model to notes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deidrelease.models.causal.language_model import LanguageModel
from deidrelease.models.causal.loss import NextTokenLoss
from deidrelease.models.causal.rows import Pieces, Row, batches, stored_tokens, token_counts
from deidrelease.models.devices import Place
from deidrelease.models.training import Fit, Schedule, Trainer
from deidrelease.notes import Note
from deidrelease.settings import AdaptSettings


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
    train_tokens = stored_tokens(language_model, train, checkpoint / "train-tokens")
    dev_tokens = stored_tokens(language_model, dev, checkpoint / "dev-tokens")
    loss = NextTokenLoss(language_model.plain, language_model.closing, place.device)
    dev_rows = Pieces(dev_tokens, settings.context)
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
        lambda epoch: batches(train_tokens, settings, seed, epoch),
        loss,
        lambda: -mean_loss(loss, dev_rows, settings.batch_size, place),
        checkpoint / "fit",
        seed,
    )
    fit = trainer.fit("adapting the language model")
    parameters = list(language_model.model.parameters())
    return Adaptation(
        fit,
        int(token_counts(train_tokens).sum()),
        int(token_counts(dev_tokens).sum()),
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
