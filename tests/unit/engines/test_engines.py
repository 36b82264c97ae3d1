"""Wherever scans run, the tallies are the same to the byte; what fails there fails here."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from made.notes_of import KEY, corpora_of
from made.small_audits import Crashing, SharedLines

from deidrelease.auditing.running import audit
from deidrelease.auditing.writing import write_result
from deidrelease.contracts import Audit, Corpora, Shard
from deidrelease.engine import Engine, LocalEngine, shards_of
from deidrelease.errors import AuditError, ConfigError
from deidrelease.ray_engine import RayEngine

CORPORA = corpora_of(
    [f"line {i}" for i in range(0, 60, 2)], [f"line {i}" for i in range(40)], [f"line {i}" for i in range(40, 55)]
)


def canonical(tally: Any) -> bytes:
    # Not as pickle has it: which equal strings are one object is no part of a tally.
    return repr((tally.notes, sorted(tally.shared))).encode()


def tally(engine: Engine, seen: list[Shard] | None = None, made: Audit | None = None) -> Any:
    chosen = made or SharedLines()
    return engine.tally(chosen, chosen.index(CORPORA), CORPORA, (seen if seen is not None else []).append)


@pytest.mark.parametrize("characters", [1, 7, 50, 10_000])
def test_how_the_notes_are_cut_changes_nothing(characters: int) -> None:
    seen: list[Shard] = []
    assert canonical(tally(LocalEngine(1, characters), seen)) == canonical(tally(LocalEngine()))
    assert [note for shard in seen for note in shard.notes] == [*CORPORA.train, *(CORPORA.holdout or ())]


def test_an_arm_that_is_not_there_is_an_empty_shard() -> None:
    corpora = corpora_of(["a"], ["b"])
    assert [(s.arm, len(s.notes)) for s in shards_of(SharedLines(), corpora)] == [("train", 1), ("holdout", 0)]


def test_two_processes_give_the_same_bytes() -> None:
    seen: list[Shard] = []
    assert canonical(tally(LocalEngine(2, 20), seen)) == canonical(tally(LocalEngine()))
    assert [note for shard in seen for note in shard.notes] == [*CORPORA.train, *(CORPORA.holdout or ())]


@dataclass(frozen=True, slots=True)
class Dying(SharedLines):
    """Its process is killed, as the system kills one that takes too much memory."""

    def scan(self, index: Any, shard: Shard) -> Any:
        if shard.arm == "holdout":
            os.kill(os.getpid(), signal.SIGKILL)
        return SharedLines.scan(self, index, shard)


def test_a_worker_that_is_killed_is_a_failure_and_not_a_long_wait() -> None:
    [report] = audit(CORPORA, {"dying": Dying()}, LocalEngine(2, 100)).audits
    assert report.status == "failed"
    assert "BrokenProcessPool" in report.reason


class ArmLess(SharedLines):
    arms = ()


def test_an_audit_that_looks_at_nothing_is_refused() -> None:
    with pytest.raises(AuditError, match="looks at nothing"):
        tally(LocalEngine(), made=ArmLess())
    [report] = audit(CORPORA, {"none": ArmLess()}, LocalEngine()).audits
    assert report.status == "failed"


def test_without_ray_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'deidrelease\[ray\]'"):
        tally(RayEngine())


def with_ray(corpora: Corpora, folder: Path) -> None:
    for name, engine in (("local", LocalEngine(1, 30)), ("ray", RayEngine(2, 30))):
        (folder / name).mkdir()
        audits = {"shared_lines": SharedLines(), "crashing": Crashing()}
        write_result(audit(corpora, audits, engine), folder / name, KEY)


@pytest.mark.slow
def test_a_local_ray_cluster_gives_the_same_bytes_and_keeps_no_text_in_its_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    # The workers find the audits of the tests where this process does.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    try:
        seen: list[Shard] = []
        assert canonical(tally(RayEngine(2, 20), seen)) == canonical(tally(LocalEngine()))
        assert [note for shard in seen for note in shard.notes] == [*CORPORA.train, *(CORPORA.holdout or ())]
        marked = corpora_of(["shared"], [f"quagga{i} wyvern{i} shared" for i in range(9)], ["shared", "zebulon"])
        with_ray(marked, tmp_path)
        logs = Path(ray._private.worker._global_node.get_session_dir_path()) / "logs"
        written = "".join(path.read_text(errors="replace") for path in logs.rglob("*") if path.is_file())
    finally:
        ray.shutdown()
    for name in ("result.json", "findings.private.jsonl"):
        assert (tmp_path / "ray" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
    assert "crashed with KeyError at made/small_audits.py" in (tmp_path / "ray" / "result.json").read_text()
    assert written
    assert "quagga" not in written
