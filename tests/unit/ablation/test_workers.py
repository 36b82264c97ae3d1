"""Several processes: what they make is made, what fails is told, and a killed one does not stop the others."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from made.ablation_steps import Nothing, open_endings

from deidrelease.ablation.attempts import KILLED, Attempt
from deidrelease.ablation.cluster import OnRay
from deidrelease.ablation.workers import InProcess, Processes
from deidrelease.settings import ReleaseConfig


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    base = ReleaseConfig.model_validate({"run_dir": "r", "corpus": {"path": "c"}, "compute": {"threads": 1}})
    workers = Processes(Nothing(tmp_path, base), open_endings, 1)  # type: ignore[arg-type]
    yield workers
    workers.close()


def made(out: Path, name: str) -> str:
    (path,) = (out / "artefacts").glob(f"{name}-*/pid")
    return path.read_text()


def test_a_process_makes_tells_of_failures_and_is_followed_by_another(processes: Processes, tmp_path: Path) -> None:
    told = {}
    for recipe in ("working", "failing", "killed", "other"):
        processes.take(recipe)
        assert processes.free == 0
        for ended in processes.ended():
            told[ended.recipe] = ended.why
    assert told == {"working": "", "failing": "It fails.", "killed": KILLED, "other": ""}
    assert processes.free == 1
    pids = {made(tmp_path, "working"), made(tmp_path, "other")}
    assert len(pids) == 2
    assert str(os.getpid()) not in pids


@pytest.mark.slow
def test_a_cluster_of_this_machine_does_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    # The workers find the stages of the tests where this process does.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    base = ReleaseConfig.model_validate({"run_dir": "r", "corpus": {"path": "c"}})
    workers = OnRay(Nothing(tmp_path, base), open_endings, 1)  # type: ignore[arg-type]
    told = {}
    try:
        for recipe in ("working", "failing", "killed", "other"):
            workers.take(recipe)
            told.update({ended.recipe: ended.why for ended in workers.ended()})
    finally:
        workers.close()
        ray.shutdown()
    assert told == {"working": "", "failing": "It fails.", "killed": KILLED, "other": ""}
    assert made(tmp_path, "working") != str(os.getpid())


def test_in_this_process(tmp_path: Path) -> None:
    base = ReleaseConfig.model_validate({"run_dir": "r", "corpus": {"path": "c"}})
    workers = InProcess(open_endings(Nothing(tmp_path, base)))
    workers.take("working")
    assert workers.free == 0
    assert workers.ended() == [Attempt("working")]
    assert (workers.free, made(tmp_path, "working")) == (1, str(os.getpid()))
