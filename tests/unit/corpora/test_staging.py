"""A target appears whole or not at all, replaces nothing, and what a kill leaves goes at the next start."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deidrelease.corpora.staging import staged
from deidrelease.errors import CorpusError

_DIES = """
import os, signal, sys
from pathlib import Path
from deidrelease.corpora.staging import staged
with staged(Path(sys.argv[1])) as stage:
    stage.path.write_text("private")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_hidden_while_it_is_written_is_for_its_owner(tmp_path: Path) -> None:
    with staged(tmp_path / "new" / "a.jsonl") as stage:
        assert stage.path.parent.stat().st_mode & 0o777 == 0o700
        stage.path.write_text("x")
        assert not (tmp_path / "new" / "a.jsonl").exists()
    assert names(tmp_path / "new") == ["a.jsonl"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_stays_of_what_failed(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), staged(tmp_path / "a") as stage:
        stage.path.mkdir()
        (stage.path / "b").write_text("x")
        raise error
    assert names(tmp_path) == []


@pytest.mark.parametrize("folder", [True, False])
def test_what_appears_meanwhile_is_not_replaced(tmp_path: Path, folder: bool) -> None:
    target = tmp_path / "a"
    with pytest.raises(CorpusError, match="meanwhile"), staged(target) as stage:
        stage.path.mkdir() if folder else stage.path.write_text("ours")
        target.write_text("theirs")
    assert target.read_text() == "theirs"
    assert names(tmp_path) == ["a"]


def test_a_killed_attempt_is_removed_by_the_next_and_a_living_one_is_not(tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    died = subprocess.run([sys.executable, "-c", _DIES, str(target)], check=False)
    assert died.returncode == -signal.SIGKILL
    (left,) = names(tmp_path)
    assert (tmp_path / left / "a.jsonl").read_text() == "private"
    living = tmp_path / ".a.jsonl.0000.partial"
    living.mkdir()
    stranger = tmp_path / ".a.jsonl.1111.partial"
    stranger.write_text("not a folder of ours")
    with (living / ".lock").open("x") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with staged(target) as stage:
            assert stage.leftovers == 1
            stage.path.write_text("x")
    assert names(tmp_path) == [living.name, stranger.name, "a.jsonl"]


def test_what_the_system_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for target, remedy in ((tmp_path / "file" / "a", "a folder that is one"), (tmp_path / ("a" * 250), "shorter name")):
        with pytest.raises(CorpusError, match=remedy), staged(target):
            pass
    assert names(tmp_path) == ["file"]


def test_without_hard_links_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    with staged(tmp_path / "a") as stage:
        stage.path.write_text("x")
    assert names(tmp_path) == ["a"]
