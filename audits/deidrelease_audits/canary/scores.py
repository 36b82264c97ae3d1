"""Two attacks: how well a canary's secret is remembered, by the model, and by the synthetic text alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deidrelease.canaries.canary import Canary
from deidrelease.canaries.record import SecretLoss
from deidrelease_audits.text.ngram_model import NgramModel
from deidrelease_audits.text.tokens import tokenise_all

Scores = NDArray[np.float64]


def by_the_model(losses: Sequence[SecretLoss]) -> Scores:
    """Nats a token that learning gained on each secret; without a base to compare with, minus the loss; (n,).

    The base calibrates: a secret that is easy for any model scores no higher for it (Carlini et al. 2022, "Membership
    inference attacks from first principles", section IV).
    """
    return np.array([(0.0 if loss.base is None else loss.base) - loss.adapted for loss in losses])


def by_the_text(model: NgramModel, canaries: Sequence[Canary]) -> Scores:
    """Minus the mean surprise of each secret's words behind its prefix, under a model of the synthetic text; (n,)."""
    whole, first = tokenise_all([canary.text for canary in canaries], "words")
    _, before = tokenise_all([canary.prefix for canary in canaries], "words")
    surprise, _ = model.surprise(whole.codes, first)
    starts = first[:-1] + np.diff(before)
    return np.array([-surprise[start:end].mean() for start, end in zip(starts, first[1:], strict=True)])


def fitted(texts: Sequence[str], order: int) -> NgramModel:
    """A word model of the synthetic notes: all that somebody has who holds nothing else."""
    tokens, first = tokenise_all(texts, "words")
    return NgramModel.fit(tokens.codes, first, order)
