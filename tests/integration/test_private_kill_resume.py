"""`kill -9` in the middle of a private `adapt`, by the command that a user types, and what is counted in the end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("opacus", reason="the extra dp is not installed")
pytest.importorskip("dp_accounting", reason="the extra dp is not installed")

from made.small_models import causal_folder, encoder_folder

from deidrelease import artifacts
from deidrelease.config import load_config
from deidrelease.demo import hospital
from deidrelease.formats import jsonl
from deidrelease.models.private.accounts import account_of
from deidrelease.privacy.entries import Step
from deidrelease.privacy.guarantee import parse_guarantee, require_recomputed

pytestmark = pytest.mark.slow
STEPS = 12
FIT = ".adapt.partial/.checkpoint/fit"
# Keeps the noise of every step that is taken, and kills itself just before the chosen rename.
_WATCHED = """
import json, os, signal, sys
noises, target, left = sys.argv.pop(1), sys.argv.pop(1), [int(sys.argv.pop(1))]
def hook(event, arguments):
    if event == "os.rename" and target and str(arguments[1]).endswith(target):
        left[0] -= 1
        if not left[0]: os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
from deidrelease.models.private.witness import NoiseWitness
seen = NoiseWitness.step
def keeping(self, parameters):
    seen(self, parameters)
    with open(noises, "a") as stream:
        stream.write(json.dumps(self._sketches[-1].tolist()) + "\\n")
NoiseWitness.step = keeping
from deidrelease.cli.main import cli
sys.argv[0] = "deidrelease"
cli()
"""


class Site:
    """A run folder, a ledger and the command, all of them real."""

    def __init__(self, folder: Path, shared: Path) -> None:
        folder.mkdir()
        self.run_dir, self.noises, self.path = folder / "run", folder / "noises.jsonl", folder / "run.yaml"
        private = {"epsilon": 40, "steps": STEPS, "learning_rate": 0.02, "batch": 8}
        told = {
            "run_dir": str(self.run_dir),
            "seed": 3,
            "corpus": {"path": str(shared / "notes.jsonl"), "labels": "demo"},
            "annotator": {"model": str(shared / "encoder"), "window": 64, "overlap": 16, "dp": private},
            "adapt": {"model": str(shared / "causal"), "context": 48, "lora": {"rank": 2}, "dp": private},
            "privacy": {"ledger": str(folder / "ledgers"), "budget": {"epsilon": 300, "delta": 1e-3}},
            "compute": {"device": "cpu", "threads": 1, "checkpoint_seconds": 1e-9},
        }
        self.path.write_text(json.dumps(told), encoding="utf-8")  # JSON is YAML
        self.config = load_config(self.path, ())

    def run(self, target: str = "", times: int = 1) -> int:
        """`deidrelease run CONFIG --until adapt` in a process of its own; how it ended."""
        command = [sys.executable, "-c", _WATCHED, str(self.noises), target, str(times)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [*command, "run", str(self.path), "--until", "adapt"], capture_output=True, text=True, check=False,
            env=environment,
        )  # fmt: skip
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode

    def steps(self) -> dict[str, Step]:
        """The ledger's private steps by stage; two of one stage would be a step counted twice."""
        steps = account_of(self.config).ledger().steps()
        assert len({step.stage for step in steps}) == len(steps)
        return {step.stage: step for step in steps}

    def total(self) -> float:
        return account_of(self.config).ledger().total(1e-3).epsilon

    def privacy(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.run_dir / "adapt" / "privacy.json").read_text())
        return document

    def claimed(self) -> list[list[str]]:
        keys: list[list[str]] = json.loads((self.run_dir / FIT / "keys.json").read_text())
        return keys

    def files(self) -> dict[str, tuple[int, int]]:
        """Inode and time of change of every published file, and of the ledgers."""
        folders = [*(self.run_dir / stage for stage in ("split", "annotator", "adapt")), self.path.parent / "ledgers"]
        files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus, and two bases that have never seen a note of it."""
    folder = tmp_path_factory.mktemp("shared")
    jsonl.write(hospital.notes(40, languages=("en",), seed=1), folder / "notes.jsonl")
    public = [note.text for note in hospital.notes(20, languages=("es",), seed=77)]
    causal_folder(folder / "causal", iter(public))
    encoder_folder(folder / "encoder", iter(public))
    return folder


def test_killed_at_every_bad_moment_it_counts_what_an_uninterrupted_run_counts(shared: Path, tmp_path: Path) -> None:
    whole, killed = Site(tmp_path / "whole", shared), Site(tmp_path / "killed", shared)
    assert whole.run() == 0
    # Target of the rename, which of its renames, and how many attempts have claimed keys by then.
    moments = [
        (f"{FIT}/keys.json", 1, 0),  # the ledger has the step, and nothing else is there
        (f"{FIT}/state.pt", 1, 1),  # a step was taken, and its checkpoint is not there yet
        (f"{FIT}/state.pt", 5, 2),  # four steps are kept, a fifth is lost
        (f"{FIT}/state.pt", 9, 3),  # the other eight are kept; killed at the last save, which adds nothing
        ("/privacy.json", 1, 4),  # the ledger has the end, and nobody else knows
        ("/adapt", 1, 5),  # whole, but not under its name
    ]
    for target, times, attempts in moments:
        assert killed.run(target, times) == -signal.SIGKILL, target
        assert not (killed.run_dir / "adapt").exists()
        step = killed.steps()["adapt"]
        # Whatever was killed, never less counts than what ran: all that was planned.
        assert [event.steps for event in step.events or ()] == [STEPS]
        if attempts and (killed.run_dir / FIT).exists():
            assert len(killed.claimed()) == attempts
            assert len({key for attempt in killed.claimed() for key in attempt}) == 2 * attempts
    assert killed.run() == 0

    made, alone = killed.privacy(), whole.privacy()
    stated = parse_guarantee(made["guarantee"])
    require_recomputed(stated)
    assert [event["steps"] for event in stated.events] == [STEPS]
    assert made["guarantee"] == alone["guarantee"]
    assert made["fit"]["steps"] == alone["fit"]["steps"] == STEPS
    assert killed.steps()["adapt"].state == whole.steps()["adapt"].state == "done"
    assert killed.steps().keys() == whole.steps().keys() == {"annotator", "adapt"}
    assert killed.total() == whole.total() < 300
    require_fresh_noise(killed.noises, more_than=2 * STEPS)

    before = killed.files()
    assert killed.run() == 0
    assert killed.files() == before
    receipt = artifacts.read_receipt(killed.run_dir / "annotator")
    assert receipt is not None and receipt.attempts == 1


def require_fresh_noise(path: Path, more_than: int) -> None:
    """No two steps of all attempts had noise in common: lengths are 1, independent ones hardly correlate."""
    sketches = [np.array(json.loads(line)) for line in path.read_text().splitlines()]
    assert len(sketches) > more_than  # steps were taken twice, and counted once
    for size in {len(sketch) for sketch in sketches}:
        noises = np.array([sketch for sketch in sketches if len(sketch) == size])
        alike = np.abs(noises @ noises.T - np.eye(len(noises)))
        assert alike.max() < 8 / size**0.5
