"""`kill -9` in the middle of everything, and what the next run makes of it.

The process kills itself with SIGKILL, which no handler sees, at a chosen step or just before a chosen rename: the same
moment on every machine, and the worst ones there are.
"""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deidrelease import artifacts, release
from deidrelease.settings import ReleaseConfig

pytestmark = pytest.mark.slow

_KILL = "import os, signal, sys\ndie = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
_AT_STEP = """
from contextlib import ExitStack
from deidrelease import progress
class Step:
    def __init__(self, what): self.what, self.steps = what, 0
    def advance(self, amount, **figures):
        self.steps += 1
        if self.what == {what!r} and self.steps == {steps}: die()
class Listener:
    def begin(self, what, total, done): return Step(what)
    def end(self, step): pass
stack = ExitStack()
stack.enter_context(progress.listening(Listener()))
"""
_BEFORE_RENAME = """
left = [{times}]
def hook(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith({target!r}):
        left[0] -= 1
        if not left[0]: die()
sys.addaudithook(hook)
"""


def at_step(what: str, steps: int) -> str:
    return _KILL + _AT_STEP.format(what=what, steps=steps)


def before_rename(target: str, times: int = 1) -> str:
    return _KILL + _BEFORE_RENAME.format(target=target, times=times)


def texts(run_dir: Path) -> list[bytes]:
    lines = (run_dir / ".generate.partial" / ".checkpoint" / "texts.jsonl").read_bytes().splitlines(keepends=True)
    return [line for line in lines if line.endswith(b"\n")]


def published(run_dir: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of every file of the finished stages."""
    return {
        path.relative_to(run_dir).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for receipt in run_dir.glob("[!.]*/" + artifacts.RECEIPT)
        for path in receipt.parent.rglob("*")
        if path.is_file() and artifacts.CHECKPOINT not in path.parts
    }


def test_killed_again_and_again_it_ends_as_if_it_had_not_been(
    make_config: Callable[..., ReleaseConfig], run_alone: Callable[..., Any], finished: Any, tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    config = make_config(run_dir)
    # Where it is killed, and what must have been published by then.
    kills = [
        (at_step("training the tagger", 9), ["split"]),
        (before_rename(".annotator.partial/.checkpoint/fit/best.pt"), ["split"]),
        (before_rename("/annotator"), ["split"]),  # complete, receipt and all, but not yet under its name
        (at_step("adapting the language model", 11), ["split", "annotator"]),
        (before_rename(".adapt.partial/receipt.json"), ["split", "annotator"]),
        (at_step("sampling notes", 6), ["split", "annotator", "adapt"]),
        (before_rename(".generate.partial/notes.jsonl"), ["split", "annotator", "adapt"]),
    ]
    kept_texts: list[bytes] = []
    for moment, expected in kills:
        before = published(run_dir)
        ended = run_alone(config, moment)
        assert ended.returncode == -signal.SIGKILL, ended.error
        now = published(run_dir)
        assert sorted({name.split("/")[0] for name in now}) == sorted(expected)
        assert {name: now[name] for name in before} == before
        if "adapt" in expected:
            assert texts(run_dir)[: len(kept_texts)] == kept_texts
            kept_texts = texts(run_dir)
    before = published(run_dir)
    partial = json.loads((run_dir / ".generate.partial" / ".checkpoint" / "attempt.json").read_text())
    assert partial["attempts"] == 2

    ended = run_alone(config)

    assert ended.returncode == 0, ended.error
    assert ended.ran == {stage: stage not in ("split", "annotator", "adapt") for stage in finished.receipts}
    now = published(run_dir)
    assert {name: now[name] for name in before} == before
    receipts = {stage: artifacts.read_receipt(run_dir / stage) for stage in finished.receipts}
    for stage, whole in finished.receipts.items():
        receipt = receipts[stage]
        assert receipt is not None
        assert artifacts.damage(run_dir / stage, receipt) == []
        assert (stage, receipt.fingerprint, receipt.outputs) == (stage, whole.fingerprint, whole.outputs)
    attempts = {stage: receipt.attempts for stage, receipt in receipts.items() if receipt is not None}
    assert attempts == {
        "split": 1, "annotator": 3, "adapt": 3, "generate": 3, "annotate": 1, "train": 1, "evaluate": 1,
        "audit": 1, "gate": 1,
    }  # fmt: skip
    assert [standing.state for standing in release.status(run_dir)] == ["done"] * len(receipts)
    assert sorted(path.name for path in run_dir.iterdir()) == sorted([".lock", "config.json", "site.key", *receipts])
    indices = [json.loads(line)["index"] for line in kept_texts]
    assert len(indices) == len(set(indices)) >= 20
    notes = [json.loads(line)["text"] for line in (run_dir / "generate" / "notes.jsonl").read_text().splitlines()]
    by_index = {record["index"]: record["text"] for record in map(json.loads, kept_texts)}
    assert notes == [by_index[index] for index in range(20)]
