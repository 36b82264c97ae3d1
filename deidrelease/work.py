"""Makes what one stage makes, or finds it made.

A stage is a value with a name, a version, settings and one method. What it was made from is its fingerprint; a stage
is skipped only when its receipt carries that fingerprint and its files still hash to what the receipt says. It writes
into `.NAME.partial/`; the receipt comes last, and one rename publishes it. So a kill at any moment loses at most the
work since a stage's own last checkpoint, and never leaves half a result under a finished name.
"""

import hashlib
import json
import logging
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from deidrelease import artifacts, memory
from deidrelease.artifacts import CHECKPOINT, Receipt

logger = logging.getLogger(__name__)
_DECISIVE_LIBRARIES = (
    "deidrelease", "torch", "transformers", "tokenizers", "peft", "datasets", "numpy", "faker", "opacus",
    "dp-accounting",
)  # fmt: skip


class Stage(Protocol):
    """One step of the flow.

    Attributes:
        name: Also the name of its folder.
        version: Raise it when the code changes what comes out.
        after: What it reads: a source (`corpus`), a stage (`annotator`), or one file of a stage
            (`split/train.jsonl`). It is handed these and nothing else.
        releasable: Files and folders of its output that may leave the site; the rest is private.
    """

    name: ClassVar[str]
    version: ClassVar[int]

    @property
    def after(self) -> tuple[str, ...]:
        """What it reads; may depend on its settings."""
        ...

    @property
    def releasable(self) -> frozenset[str]:
        """What of its output may leave the site; may depend on what follows it."""
        ...

    def settings(self) -> Mapping[str, object]:
        """Everything besides the inputs that decides the result, as JSON values."""
        ...

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes the result into `out`, which may hold a `.checkpoint` folder of an attempt that was killed."""
        ...


State = Literal["done", "stale", "missing", "partial"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a stage without running it: its state, why, and the receipt where it is done."""

    stage: str
    state: State
    why: str
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A stage that is done now, and whether this run did it."""

    receipt: Receipt
    ran: bool


@dataclass(frozen=True, slots=True)
class Work:
    """A stage, and all that decides what it makes.

    Attributes:
        stage: The stage.
        fingerprint: SHA-256 over its name and version, and the rest.
        settings: Its settings, as JSON holds them.
        inputs: Name to digest of what it reads.
        seed: Its own.
    """

    stage: Stage
    fingerprint: str
    settings: Mapping[str, object]
    inputs: Mapping[str, str]
    seed: int


def stage_seed(seed: int, name: str) -> int:
    """The seed of the stage `name`: equal runs agree, and no two stages share a stream."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4], "big")


def work_of(stage: Stage, inputs: Mapping[str, str], seed: int, settings: Mapping[str, object] | None = None) -> Work:
    """What is to be made by `stage` from inputs of these digests.

    Args:
        stage: The stage.
        inputs: Name to digest, of everything that it reads.
        seed: Of the run; the stage's own is derived from it.
        settings: `stage.settings()`, where that is known: some read models and policies.
    """
    own_seed = stage_seed(seed, stage.name)
    told = json.loads(artifacts.canonical_json(dict(stage.settings() if settings is None else settings)))
    key = artifacts.canonical_json([stage.name, stage.version, told, own_seed, inputs])
    return Work(stage, artifacts.sha256_text(key), told, inputs, own_seed)


def digest_in(receipt: Receipt, file: str) -> str:
    """The digest of one file of a finished stage, or of all that it made where `file` is empty."""
    return receipt.outputs[file].sha256 if file else receipt.digest()


def bring_up_to_date(work: Work, paths: Mapping[str, Path], final: Path) -> Finished:
    """Makes what `work` describes, unless the folder `final` holds it already, whole and undamaged.

    Args:
        work: What is to be made.
        paths: Name to place, of everything that the stage reads.
        final: Where the result is published; beside it lies `.NAME.partial` while it is being made.
    """
    partial = final.with_name(f".{final.name}.partial")
    if receipt := _valid(final, work.fingerprint):
        artifacts.tidy(final)
        return Finished(receipt, ran=False)
    if receipt := _valid(partial, work.fingerprint):
        artifacts.finish_publishing(partial, final)
        return Finished(receipt, ran=False)
    attempts = _begin_attempt(partial, work.fingerprint)
    memory.reset_peak()
    started = time.monotonic()
    logger.info("%s: attempt %d", work.stage.name, attempts)
    work.stage.run(paths, partial, work.seed)
    receipt = Receipt(
        stage=work.stage.name,
        fingerprint=work.fingerprint,
        version=work.stage.version,
        settings=work.settings,
        inputs=work.inputs,
        outputs=artifacts.survey(partial, work.stage.releasable),
        seed=work.seed,
        versions=_versions(),
        seconds=round(time.monotonic() - started, 3),
        attempts=attempts,
        peak_memory_bytes=memory.peak_bytes(),
    )
    artifacts.publish(partial, final, receipt)
    return Finished(receipt, ran=True)


def standing_of(work: Work, final: Path) -> Standing:
    """What is known of what `work` would make in the folder `final`, without making or changing anything."""
    partial = final.with_name(f".{final.name}.partial")
    name = work.stage.name
    if _valid(partial, work.fingerprint):
        return Standing(name, "partial", "finished, but killed before it was published; run takes it up")
    receipt = artifacts.read_receipt(final)
    begun = ", begun and not finished" if partial.exists() else ""
    if receipt is None:
        return Standing(name, "partial" if begun else "missing", "no receipt" + begun)
    if receipt.fingerprint != work.fingerprint:
        return Standing(name, "stale", _why_stale(receipt, work) + begun)
    if wrong := artifacts.damage(final, receipt):
        return Standing(name, "stale", f"{len(wrong)} file(s) missing or changed: {', '.join(wrong[:3])}")
    return Standing(name, "done", "", receipt)


def _valid(folder: Path, fingerprint: str) -> Receipt | None:
    receipt = artifacts.read_receipt(folder)
    if receipt is None or receipt.fingerprint != fingerprint or artifacts.damage(folder, receipt):
        return None
    return receipt


def _begin_attempt(partial: Path, fingerprint: str) -> int:
    record = partial / CHECKPOINT / "attempt.json"
    attempts = 0
    try:
        earlier = json.loads(record.read_text(encoding="utf-8"))
        if earlier["fingerprint"] == fingerprint:
            attempts = int(earlier["attempts"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no earlier attempt that can be understood: begin anew
    if attempts == 0:
        shutil.rmtree(partial, ignore_errors=True)
    # What a killed attempt wrote outside its checkpoint may be torn; a stage starts from its checkpoint alone.
    _clear_but_checkpoint(partial)
    record.parent.mkdir(parents=True, exist_ok=True)
    artifacts.write_text(record, json.dumps({"fingerprint": fingerprint, "attempts": attempts + 1}))
    return attempts + 1


def _clear_but_checkpoint(partial: Path) -> None:
    for path in partial.iterdir() if partial.exists() else ():
        if path.name == CHECKPOINT:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _why_stale(receipt: Receipt, work: Work) -> str:
    reasons = []
    if receipt.version != work.stage.version:
        reasons.append(f"stage version {receipt.version} is now {work.stage.version}")
    if receipt.seed != work.seed:
        reasons.append("another seed")
    changed = [k for k in {*receipt.settings, *work.settings} if receipt.settings.get(k) != work.settings.get(k)]
    if changed:
        reasons.append(f"settings changed: {', '.join(sorted(changed))}")
    moved = [k for k in {*receipt.inputs, *work.inputs} if receipt.inputs.get(k) != work.inputs.get(k)]
    if moved:
        reasons.append(f"input changed: {', '.join(sorted(moved))}")
    return "; ".join(reasons) or "made from something else"


def _versions() -> dict[str, str]:
    versions = {"python": sys.version.split()[0]}
    for name in _DECISIVE_LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
