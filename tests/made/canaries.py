"""Canaries without a model: losses are drawn, so that a test knows what was remembered."""

from pathlib import Path

import numpy as np

from deidrelease.canaries.canary import Canary
from deidrelease.canaries.crafting import craft
from deidrelease.canaries.phrases import public_forms
from deidrelease.canaries.record import CANARIES, SecretLoss, with_losses, write_record
from deidrelease.notes import Note


def made_canaries(count: int, notes: tuple[Note, ...] = ()) -> tuple[Canary, ...]:
    return craft(count, 6, public_forms("en"), [notes])


def drawn_losses(canaries: tuple[Canary, ...], remembered: float, seed: int) -> list[SecretLoss]:
    """Losses of a standard normal spread; of planted canaries lower by `remembered`."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=len(canaries))
    gains = [float(x) + remembered * c.inserted for x, c in zip(noise, canaries, strict=True)]
    return [SecretLoss(5.0 - gain, 5.0, 60) for gain in gains]


def canary_folder(folder: Path, canaries: tuple[Canary, ...], remembered: float, seed: int = 0) -> Path:
    """The folder of a training whose model remembers so much of its canaries."""
    folder.mkdir(parents=True, exist_ok=True)
    write_record(with_losses(canaries, drawn_losses(canaries, remembered, seed)), folder / CANARIES)
    return folder
