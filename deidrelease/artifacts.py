"""What a run leaves on disk: digests, receipts, atomic publishing.

A folder or file appears under its name whole or not at all. A stage's folder carries a receipt, written last, that
holds the fingerprint of what it was made from and the digest of every file in it, so that "done" can be checked and
never has to be believed.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from deidrelease.errors import ArtifactError, Problem

RECEIPT = "receipt.json"
CHECKPOINT = ".checkpoint"
_MOST_SYNCED = 2000
RECEIPT_FORMAT = "deidrelease.receipt/1"
Visibility = Literal["private", "releasable"]


@dataclass(frozen=True, slots=True)
class Output:
    """A published file: its SHA-256, its size in bytes, and whether it may ever leave the site."""

    sha256: str
    size: int
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a stage's folder came about.

    Attributes:
        stage: Name of the stage.
        fingerprint: SHA-256 over stage, version, settings, seed and inputs.
        version: Of the stage's code, raised when its results change.
        settings: Those that decide the result.
        inputs: Name to digest.
        outputs: Relative path to digest, size and visibility.
        seed: The stage's own seed.
        versions: Of deidrelease and of the libraries that decide a result.
        seconds: Wall time of the attempt that finished.
        attempts: How often the stage was started; above 1 it was resumed after a kill.
        peak_memory_bytes: Largest resident set of the process during the attempt that finished.
    """

    stage: str
    fingerprint: str
    version: int
    settings: Mapping[str, object]
    inputs: Mapping[str, str]
    outputs: Mapping[str, Output]
    seed: int
    versions: Mapping[str, str]
    seconds: float
    attempts: int
    peak_memory_bytes: int

    def digest(self) -> str:
        """SHA-256 over the outputs alone: equal files, equal digest, however long they took."""
        return sha256_text(canonical_json({name: output.sha256 for name, output in self.outputs.items()}))


# Made once: with settings of its own `json.dumps` makes one a call, which costs as much as a short value.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spare white space, so that equal values give equal text."""
    return _CANONICAL.encode(value)


def sha256_text(text: str) -> str:
    """SHA-256 of the UTF-8 of `text`, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Opens a stream whose bytes appear at `path` when the block ends well, and not at all when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8, whole or not at all."""
    with atomic_writer(path) as stream:
        stream.write(text.encode("utf-8"))


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yields an empty folder that takes the name `path` when the block ends well and vanishes when it does not."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    partial.mkdir(parents=True)
    try:
        yield partial
        _fsync_tree(partial)
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    fsync_folder(path.parent)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds `folder` for this process alone; the lock goes with the process, however it ends.

    Raises:
        ArtifactError: Another process holds it.
    """
    with (folder / ".lock").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            remedy = "wait for it to end, or stop it, then run again"
            raise ArtifactError(
                "The run folder is in use.", [Problem(str(folder), "another process runs in it", remedy)]
            ) from None
        yield


def survey(folder: Path, releasable: frozenset[str]) -> dict[str, Output]:
    """The files of a stage's folder, by relative path, leaving out its receipt and checkpoint.

    Args:
        folder: Where the stage wrote.
        releasable: Relative paths, of files or of folders, that may leave the site; all else is private.
    """
    outputs = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name == RECEIPT or name.split("/")[0] == CHECKPOINT:
            continue
        may_leave = any(name == allowed or name.startswith(f"{allowed}/") for allowed in releasable)
        outputs[name] = Output(sha256_file(path), path.stat().st_size, "releasable" if may_leave else "private")
    return outputs


def publish(partial: Path, final: Path, receipt: Receipt) -> None:
    """Writes the receipt last and gives the folder its name, replacing a stale one of that name.

    A kill before the rename leaves a partial folder with a valid receipt, which `finish_publishing` takes up.
    """
    _fsync_tree(partial)
    document = {"format": RECEIPT_FORMAT, **asdict(receipt)}
    write_text(partial / RECEIPT, json.dumps(document, indent=1, sort_keys=True) + "\n")
    finish_publishing(partial, final)


def finish_publishing(partial: Path, final: Path) -> None:
    """Moves a complete partial folder into place and drops what it replaces and its checkpoint."""
    discarded = _discarded(final)
    shutil.rmtree(discarded, ignore_errors=True)
    if final.exists():
        final.rename(discarded)
    partial.rename(final)
    fsync_folder(final.parent)
    tidy(final)


def tidy(final: Path) -> None:
    """Drops what a finished folder replaced and its checkpoint, both private; a kill may have left them."""
    shutil.rmtree(_discarded(final), ignore_errors=True)
    shutil.rmtree(final / CHECKPOINT, ignore_errors=True)


def _discarded(final: Path) -> Path:
    return final.with_name(f".{final.name}.discarded")


def read_receipt(folder: Path) -> Receipt | None:
    """The receipt of a stage's folder; None where there is none or it cannot be understood."""
    try:
        document = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
        if document.pop("format") != RECEIPT_FORMAT:
            return None
        outputs = {name: Output(**output) for name, output in document.pop("outputs").items()}
        return Receipt(outputs=outputs, **document)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def damage(folder: Path, receipt: Receipt) -> list[str]:
    """Relative paths that are missing, changed or not in the receipt; empty where the folder is as published."""
    present = survey(folder, frozenset())
    wrong = [name for name, output in receipt.outputs.items() if _sha256(present, name) != output.sha256]
    return sorted([*wrong, *(present.keys() - receipt.outputs.keys())])


def _sha256(outputs: Mapping[str, Output], name: str) -> str | None:
    return outputs[name].sha256 if name in outputs else None


def _fsync_tree(folder: Path) -> None:
    for number, path in enumerate(folder.rglob("*")):
        if number == _MOST_SYNCED:
            # A corpus may have a million files: waiting for each would take an hour, waiting for all some seconds.
            os.sync()
            return
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
        else:
            fsync_folder(path)
    fsync_folder(folder)


def fsync_folder(folder: Path) -> None:
    """Makes the names in `folder` outlast a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
