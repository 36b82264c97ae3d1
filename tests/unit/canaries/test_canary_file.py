"""The private file of canaries is read whole or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made.canaries import drawn_losses, made_canaries

from deidrelease.canaries.record import CANARIES, CanaryRecord, read_record, with_losses, write_record
from deidrelease.errors import ArtifactError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    canaries = made_canaries(20)
    write_record(with_losses(canaries, drawn_losses(canaries, 1.0, 0)), tmp_path / CANARIES)
    return tmp_path / CANARIES


def test_what_was_written_is_read(path: Path) -> None:
    record = read_record(path)
    write_record(record, path.with_name("again"))
    assert read_record(path.with_name("again")) == record
    assert record.losses is not None
    without = CanaryRecord(record.canaries, None)
    write_record(without, path)
    assert read_record(path) == without
    assert path.stat().st_mode & 0o777 == 0o600


def drop_a_loss(document: Any) -> None:
    document["losses"].pop()


def forget_a_base(document: Any) -> None:
    document["losses"][3]["base"] = None


def double(document: Any) -> None:
    document["canaries"][1] = document["canaries"][0]


def misspell(document: Any) -> None:
    document["canaries"][0]["planted"] = True


def truthy(document: Any) -> None:
    document["canaries"][0]["inserted"] = 1


def no_number(document: Any) -> None:
    document["losses"][0]["adapted"] = float("nan")


def other_format(document: Any) -> None:
    document["format"] = "deidrelease.canaries/2"


def none_at_all(document: Any) -> None:
    document["canaries"] = document["losses"] = []


@pytest.mark.parametrize(
    "damage", [drop_a_loss, forget_a_base, double, misspell, truthy, no_number, other_format, none_at_all]
)
def test_a_damaged_file_is_an_error_that_quotes_nothing(path: Path, damage: Callable[[Any], None]) -> None:
    document = json.loads(path.read_text())
    names = [canary["name"] for canary in document["canaries"]]
    damage(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ArtifactError) as caught:
        read_record(path)
    assert "run the adapt stage again" in str(caught.value)
    assert not any(name in str(caught.value) for name in names)


def test_every_cut_is_an_error(path: Path) -> None:
    whole = path.read_bytes().rstrip()
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(ArtifactError):
            read_record(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        read_record(tmp_path / CANARIES)
