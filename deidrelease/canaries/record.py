"""The private file of a run's canaries: what they are, which were planted, and what the model made of them.

It decides an audit, so it is read as strictly as a configuration: a file that is not understood whole is an error and
never a run without canaries.
"""

import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deidrelease.artifacts import fsync_folder
from deidrelease.canaries.canary import Canary
from deidrelease.errors import ArtifactError, Problem

CANARIES = "canaries.private.json"
FORMAT = "deidrelease.canaries/1"
_PRIVATE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class SecretLoss:
    """What a model makes of one canary's secret, given its prefix.

    Attributes:
        adapted: Nats a token, by the model that learnt the notes.
        base: The same by the model before; None for a model made from nothing.
        tokens: Of the secret.
    """

    adapted: float
    base: float | None
    tokens: int


@dataclass(frozen=True, slots=True)
class CanaryRecord:
    """The canaries of a run.

    Attributes:
        canaries: In the order in which they were made, of which the coin is independent.
        losses: One each; None before the training is done.
    """

    canaries: tuple[Canary, ...]
    losses: tuple[SecretLoss, ...] | None


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    name: str = Field(min_length=1)
    prefix: str
    secret: str = Field(min_length=1)
    words: list[str]
    identifiers: list[str]
    inserted: bool


class _Loss(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    adapted: float
    base: float | None
    tokens: int = Field(ge=1)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["deidrelease.canaries/1"]
    canaries: list[_Row] = Field(min_length=1)
    losses: list[_Loss] | None


def write_record(record: CanaryRecord, path: Path) -> None:
    """Writes `record` whole or not at all, for its owner alone."""
    document = {
        "format": FORMAT,
        "canaries": [asdict(canary) for canary in record.canaries],
        "losses": None if record.losses is None else [asdict(loss) for loss in record.losses],
    }
    text = TypeAdapter(dict).dump_json(document, indent=1) + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.rename(path)
    fsync_folder(path.parent)


def read_record(path: Path) -> CanaryRecord:
    """What `write_record` wrote.

    Raises:
        ArtifactError: The file is missing or damaged, names a canary twice, or has losses of other canaries.
    """
    try:
        document = _Document.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise _damaged("is missing, or is not as it was written") from None
    canaries = tuple(_canary(row) for row in document.canaries)
    if len({canary.name for canary in canaries}) < len(canaries):
        raise _damaged("names a canary twice")
    if document.losses is None:
        return CanaryRecord(canaries, None)
    losses = tuple(SecretLoss(loss.adapted, loss.base, loss.tokens) for loss in document.losses)
    if len(losses) != len(canaries):
        raise _damaged("has losses of other canaries")
    if len({loss.base is None for loss in losses}) > 1:
        raise _damaged("has the base model's loss of some canaries only")
    return CanaryRecord(canaries, losses)


def with_losses(canaries: Sequence[Canary], losses: Iterable[SecretLoss]) -> CanaryRecord:
    """The record of a finished training; `losses` in the order of `canaries`."""
    return CanaryRecord(tuple(canaries), tuple(losses))


def _canary(row: _Row) -> Canary:
    return Canary(row.name, row.prefix, row.secret, tuple(row.words), tuple(row.identifiers), row.inserted)


def _damaged(what: str) -> ArtifactError:
    return ArtifactError("The run's canaries cannot be read.", [Problem(CANARIES, what, "run the adapt stage again")])
