"""Saves a trained tagger with what tagging needs to know of it, and loads it."""

import json
from dataclasses import asdict
from pathlib import Path

from deidrelease.artifacts import write_text
from deidrelease.models.devices import Place
from deidrelease.models.tagging.encoder import load_encoder
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


def load_tagger(folder: Path, place: Place, batch_tokens: int = 4096) -> Tagger:
    """Loads what `save_tagger` wrote."""
    summary = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    return Tagger(load_encoder(folder / "model"), place, summary["window"], summary["overlap"], batch_tokens)
