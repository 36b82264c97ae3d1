"""`deidrelease ablate`: its short form, the plans of the examples, and what it refuses."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made.ablation_configs import write_ablation, write_notes

from deidrelease.cli.main import cli
from deidrelease.errors import ArtifactError, ConfigError, DeidReleaseError

ROOT = Path(__file__).parents[3]


def ablate(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["ablate", *map(str, arguments)])


def error_of(result: Result) -> DeidReleaseError:
    assert isinstance(result.exception, DeidReleaseError)
    return result.exception


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_notes(tmp_path, 4)
    return write_ablation(tmp_path, grid={"share.adapt": [0.5, 1]})


@pytest.mark.parametrize(
    "arguments",
    [
        ("{config}", "--plan", "--no-probe"),
        ("--plan", "--no-probe", "{config}"),
        ("run", "{config}", "--plan", "--no-probe"),
        ("plan", "{config}", "--no-probe"),
    ],
)
def test_a_config_is_run_and_can_be_planned(config: Path, arguments: tuple[str, ...]) -> None:
    told = ablate(*(argument.format(config=config) for argument in arguments))
    assert told.exit_code == 0, told.output
    assert "2 cells, 2 folds, 1 seed(s): 4 runs" in told.output
    assert "26 things are made once; without sharing it would be 30. 26 are left to make." in told.output
    assert not (config.parent / "out").exists()


@pytest.mark.parametrize(
    ("example", "cells", "folds"),
    [
        ("ablation-demo", 4, 3),
        ("ablation-meddocan", 19, 3),
        ("ablation-corner", 6, 3),
        ("ablation-swedish-news", 4, 2),
    ],
)
def test_the_examples_can_be_planned(tmp_path: Path, example: str, cells: int, folds: int) -> None:
    # On other notes than theirs, which are no part of the repository.
    corpus = {"path": write_notes(tmp_path, 10), "format": "jsonl", "patients": "recorded", "labels": "demo"}
    notes = [word for key, value in corpus.items() for word in ("--set", f"base.corpus.{key}={value}")]
    out = "--set", f"out={tmp_path / 'out'}"
    told = ablate(ROOT / "examples" / f"{example}.yaml", "--plan", "--no-probe", *notes, *out)
    assert told.exit_code == 0, told.exception
    assert f"{cells} cells, {folds} folds, 1 seed(s): {folds * cells} runs" in told.output


def test_help_tells_of_every_command() -> None:
    told = ablate("--help").output
    for name in ("run", "plan", "status", "report", "recommend"):
        assert f"\n  {name} " in told
        assert len(ablate(name, "--help").output) > 300
    assert ablate().exit_code == 2


def test_without_ray_the_message_names_the_extra(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    error = error_of(ablate(config, "--engine", "ray"))
    assert isinstance(error, ConfigError)
    assert "pip install 'deidrelease[ray]'" in str(error)


@pytest.mark.parametrize(("jobs", "engine"), [(2, "local"), (1, "ray")])
def test_other_processes_are_refused_where_a_ledger_is_kept(config: Path, jobs: int, engine: str) -> None:
    ledger = f"base.privacy.ledger={config.parent / 'ledgers'}"
    error = error_of(ablate(config, "--jobs", jobs, "--engine", engine, "--set", ledger))
    assert "one writer at a time" in str(error)
    assert not (config.parent / "out").exists()


def test_a_second_run_in_the_folder_is_refused(config: Path) -> None:
    from deidrelease.artifacts import locked

    (config.parent / "out").mkdir()
    with locked(config.parent / "out"):
        assert "in use" in str(error_of(ablate(config)))


def test_status_of_what_is_no_ablation(tmp_path: Path) -> None:
    assert isinstance(error_of(ablate("status", tmp_path)), ArtifactError)


def test_there_is_no_such_file(tmp_path: Path) -> None:
    assert isinstance(error_of(ablate(tmp_path / "missing.yaml")), ConfigError)
