"""Finds pretrained weights: a starter, a local folder, or a hub id in the local cache. Never executes their code."""

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deidrelease.errors import ModelError, Problem
from deidrelease.models.starters.store import (
    folder_of,
    identity_of,
    is_fetched,
    is_starter,
    problem_with,
    starter_of,
    verified_folder,
)
from deidrelease.models.starters.table import PREFIX, STARTERS
from deidrelease.models.vocabulary.derived import with_vocabulary
from deidrelease.settings import PublicVocabulary

logger = logging.getLogger(__name__)
SCRATCH = "scratch"
_BLOCK = 1 << 16
_BLOCKS = 64


def go_offline(download: bool) -> None:
    """Keeps Hugging Face libraries off the network unless `download`; to be called before they are imported."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if not download:
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_DATASETS_OFFLINE"] = "1"


def quieten() -> None:
    """Keeps the warnings and bars of transformers off the terminal, in this process."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def is_local(model: str) -> bool:
    """Whether `model` names a folder rather than a hub id."""
    return Path(model).is_dir()


def find_problem(model: str, revision: str | None, download: bool, key: str) -> Problem | None:
    """Says, in well under a second, why `model` cannot be loaded; None where nothing speaks against it.

    Args:
        model: `scratch`, `starter:NAME`, a local folder, or a hub id.
        revision: Of a hub id.
        download: Whether a hub id may be fetched later.
        key: The setting that names the model.
    """
    if model == SCRATCH:
        return None
    if is_starter(model):
        return problem_with(model, key)
    path = Path(model)
    if path.is_dir():
        missing = [name for name in ("config.json",) if not (path / name).exists()]
        weights = [*path.glob("*.safetensors"), *path.glob("*.bin")]
        if missing or not weights:
            lacks = ", ".join([*missing, *([] if weights else ["weights (*.safetensors)"])])
            return Problem(key, f"the folder {model} lacks {lacks}", "save the model with save_pretrained")
        return None
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        return Problem(key, f"there is no folder {model}", "correct the path")
    if download or _in_cache(model, revision):
        return None
    remedy = "fetch it once where there is a network (hf download), copy its folder, or set compute.download: true"
    return Problem(key, f"{model} is neither a folder here nor in the local hub cache", remedy)


def resolve(model: str, revision: str | None, vocabulary: PublicVocabulary | None = None) -> str:
    """What to load for a model id: the checked folder of a starter, of a copy with a smaller vocabulary, or the id.

    Raises:
        ModelError: The starter was not fetched or is damaged, or the vocabulary cannot be cut.
    """
    place = str(verified_folder(starter_of(model))) if is_starter(model) else model
    if vocabulary is None or model == SCRATCH:
        return place
    if not is_local(place):
        problem = Problem(model, "is a hub id, of which no vocabulary is cut", "name its folder, or a starter")
        raise ModelError("A vocabulary cannot be cut.", [problem])
    return str(with_vocabulary(Path(place), identity(model, revision), vocabulary))


def local_folder(model: str) -> Path | None:
    """The folder of a starter or of a local model, unchecked; None where there is none."""
    if is_starter(model):
        starter = STARTERS.get(model.removeprefix(PREFIX))
        return folder_of(starter) if starter and is_fetched(starter) else None
    return Path(model) if is_local(model) else None


def load(factory: Callable[..., Any], model: str, revision: str | None, download: bool, **options: Any) -> Any:
    """Calls `factory.from_pretrained` and turns its failures into a `ModelError` with a remedy."""
    try:
        return factory(model, revision=revision, local_files_only=not download, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = str(error).strip().split("\n")[0][:200]
        remedy = "check the folder or id; deidrelease runs no code that comes with a model"
        raise ModelError("A model cannot be loaded.", [Problem(model, reason, remedy)]) from error


def identity(model: str, revision: str | None) -> str:
    """What stands for the model in a fingerprint: a starter's pins, id and revision, or a folder's sampled digest.

    A folder's digest covers its names, its sizes and 64 evenly spaced blocks of each file: swapped or retrained weights
    change it, and 13 GB are not read before every run.
    """
    if is_starter(model):
        return identity_of(starter_of(model))
    if not is_local(model):
        return f"{model}@{revision or 'main'}"
    sha = hashlib.sha256()
    for path in sorted(p for p in Path(model).rglob("*") if p.is_file()):
        size = path.stat().st_size
        sha.update(f"{path.relative_to(model)}\0{size}\0".encode())
        with path.open("rb") as stream:
            for index in range(_BLOCKS if size > _BLOCK * _BLOCKS else 1):
                stream.seek(index * max(size - _BLOCK, 0) // max(_BLOCKS - 1, 1))
                sha.update(stream.read(_BLOCK if size > _BLOCK * _BLOCKS else -1))
    return f"folder:{sha.hexdigest()}"


def _in_cache(model: str, revision: str | None) -> bool:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        return isinstance(try_to_load_from_cache(model, "config.json", revision=revision), str)
    except HFValidationError:
        return False
