"""A tiny ablation on a fictitious hospital: models that learn next to nothing, in seconds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from deidrelease.demo import hospital
from deidrelease.formats import jsonl

_SIZE = {"layers": 1, "hidden": 32, "heads": 2, "vocabulary": 400}
BASE: Mapping[str, Any] = {
    "seed": 3,
    "corpus": {"path": "notes.jsonl", "labels": "demo"},
    "split": {"train": 0.7, "dev": 0.1, "holdout": 0.2},
    "annotator": {
        "scratch": {**_SIZE, "local_attention": 16, "dropout": 0.1},
        "window": 64, "overlap": 16, "epochs": 5, "learning_rate": 0.03, "class_weights": "sqrt",
    },
    "adapt": {"scratch": _SIZE, "context": 64, "epochs": 1, "batch_size": 8, "learning_rate": 0.003},
    "generate": {"length_quantile": 0.1, "batch_size": 8, "loops": "keep"},
    "evaluate": {"resamples": 100},
    "synthetic_dev": 0.4,
    "compute": {"device": "cpu", "threads": 1, "checkpoint_seconds": 1e-9},
}  # fmt: skip


def write_notes(folder: Path, patients: int = 24, languages: Sequence[str] = ("es",)) -> Path:
    """The notes of so many patients a language."""
    path = folder / "notes.jsonl"
    jsonl.write(hospital.notes(patients, languages, seed=1), path)
    return path


def write_ablation(folder: Path, base: Mapping[str, Any] | None = None, **settings: Any) -> Path:
    """A YAML in `folder`, whose paths stand in it; `base` is merged over the tiny one, section by section."""
    own = {**BASE, "corpus": {**BASE["corpus"], "path": str(folder / "notes.jsonl")}}
    for section, values in (base or {}).items():
        own[section] = {**own.get(section, {}), **values} if isinstance(values, dict) else values
    path = folder / "ablation.yaml"
    told = {"out": str(folder / "out"), "base": own, "folds": 2, "audits": [], **settings}
    path.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    return path
