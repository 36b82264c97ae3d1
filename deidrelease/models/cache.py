"""The user's cache folder: models that were made here once, each with the hashes of its files, checked at every use."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from deidrelease.artifacts import atomic_folder, sha256_file, write_text
from deidrelease.errors import ModelError, Problem
from deidrelease.progress import step

_FORMAT = "deidrelease.model/1"


def cache_folder() -> Path:
    """`$DEIDRELEASE_CACHE`, else `$XDG_CACHE_HOME/deidrelease`, else `~/.cache/deidrelease`."""
    if own := os.environ.get("DEIDRELEASE_CACHE"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser() / "deidrelease"
    return Path("~/.cache/deidrelease").expanduser()


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Waits until no other process works on `folder`, then holds it; the lock goes with the process.

    Raises:
        ModelError: The cache cannot be written, when the block begins or inside it.
    """
    locks = cache_folder() / "locks"
    try:
        locks.mkdir(parents=True, exist_ok=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (locks / f"{folder.parent.name}-{folder.name}").open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield
    except OSError as error:
        what = f"cannot be written: {error.strerror or type(error).__name__}"
        remedy = "make room, or name another folder by DEIDRELEASE_CACHE"
        raise ModelError("The model cache cannot be used.", [Problem(str(cache_folder()), what, remedy)]) from error


@contextmanager
def making(folder: Path, manifest: str, facts: Mapping[str, Any]) -> Iterator[Path]:
    """Yields an empty folder that takes the place of `folder` when the block ends well, its hashes with it.

    To be called while `holding` it. What a killed attempt left is removed.

    Args:
        folder: That is to be made, or made anew.
        manifest: Name of the file that holds the hashes.
        facts: What else the manifest says: what the model was made from.
    """
    for left in folder.parent.glob(f".{folder.name}.*.partial"):
        shutil.rmtree(left)
    with atomic_folder(folder) as partial:
        yield partial
        files = {path.relative_to(partial).as_posix(): _fact(path) for path in _files(partial)}
        document = {"format": _FORMAT, **facts, "files": files}
        write_text(partial / manifest, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        shutil.rmtree(folder, ignore_errors=True)


def check_files(folder: Path, manifest: str, facts: Mapping[str, Any], remedy: str) -> None:
    """Makes sure that `folder` holds what was made, file by file; hashes each state of it once a process.

    Raises:
        ModelError: A file is missing, changed or new, or the folder was made from something else.
    """
    state = tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in _files(folder))
    if wrong := _damage(folder, manifest, json.dumps(facts, sort_keys=True), state):
        raise ModelError("A model in the cache is not as it was made.", [Problem(str(folder), wrong, remedy)])


@lru_cache(maxsize=32)
def _damage(folder: Path, manifest: str, facts: str, _state: tuple[tuple[str, int, int], ...]) -> str | None:
    try:
        document = json.loads((folder / manifest).read_text(encoding="utf-8"))
        files = document.pop("files")
        if document.pop("format") != _FORMAT or json.dumps(document, sort_keys=True) != facts:
            return f"{manifest} says that it was made from something else, or by another version of deidrelease"
        expected = {name: (fact["size"], fact["sha256"]) for name, fact in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"{manifest} is missing or cannot be understood"
    present = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    present.pop(manifest, None)
    if odd := sorted(present.keys() ^ expected.keys()):
        return f"{odd[0]} is {'missing' if odd[0] in expected else 'no part of it'}"
    with step(f"checking {folder.name}", sum(size for size, _ in expected.values())) as shown:
        for name, (size, sha256) in expected.items():
            if present[name].stat().st_size != size or sha256_file(present[name]) != sha256:
                return f"{name} has changed"
            shown.advance(size)
    return None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def _fact(path: Path) -> dict[str, Any]:
    return {"size": path.stat().st_size, "sha256": sha256_file(path)}
