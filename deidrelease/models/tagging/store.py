"""Saves a trained tagger with what tagging needs to know of it, and loads it."""

import json
from dataclasses import asdict
from pathlib import Path

from deidrelease.artifacts import write_text
from deidrelease.models.devices import Place
from deidrelease.models.tagging.encoder import load_encoder
from deidrelease.models.tagging.int8 import rounded_to_int8
from deidrelease.models.tagging.tagger import Tagger
from deidrelease.models.tagging.training import Training
from deidrelease.settings import TaggerSettings


def save_tagger(training: Training, settings: TaggerSettings, out: Path) -> None:
    """Writes `model/`, which any Hugging Face tool can load, and `training.json`."""
    training.encoder.save(out / "model")
    summary = {
        "window": settings.window,
        "overlap": settings.overlap,
        "labels": training.encoder.labels,
        "notes": training.notes,
        "spans": training.spans,
        "spans_with_an_edge_inside_a_token": training.unreachable,
        **asdict(training.fit),
    }
    write_text(out / "training.json", json.dumps(summary, indent=1) + "\n")


def load_tagger(folder: Path, place: Place, batch_tokens: int | None = None, *, int8: bool = False) -> Tagger:
    """Loads what `save_tagger` wrote.

    Args:
        folder: Of the stage that trained it.
        place: Where it is to run.
        batch_tokens: Tokens the encoder sees at once.
        int8: Whether to round the linear layers to 8 bits; on a CPU only.

    Raises:
        ModelError: It cannot be loaded, or `int8` was asked for elsewhere than on a CPU.
    """
    summary = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    encoder = load_encoder(folder / "model")
    if int8:
        encoder = rounded_to_int8(encoder, place)
    return Tagger(encoder, place, summary["window"], summary["overlap"], batch_tokens)
