"""A training that is killed outright goes on: no step is lost or counted twice, and no noise is used again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("opacus", reason="the extra dp is not installed")

TESTS = Path(__file__).parents[3]


def worker(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "made.regressions", str(folder / "fit"), str(folder / "noise.jsonl")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


@pytest.mark.slow
def test_sigkill_and_resume(tmp_path: Path) -> None:
    taken: list[int] = []
    for stop in (6, 15):
        with worker(tmp_path) as process:
            assert process.stdout is not None
            for line in process.stdout:
                taken.append(int(line))
                if taken[-1] == stop:
                    process.send_signal(signal.SIGKILL)
                    break
            process.wait()
        assert process.returncode == -signal.SIGKILL
    with worker(tmp_path) as process:
        out, _ = process.communicate()
    assert process.returncode == 0
    *steps, last = out.splitlines()
    events, counted, attempts = json.loads(last)

    # Killed in step 6, after the checkpoint of step 4; then in step 15, after that of step 12.
    assert taken == [*range(7), *range(4, 16)]
    assert list(map(int, steps)) == list(range(12, 30))
    assert events == [{"kind": "poisson-gaussian", "sampling_rate": 0.25, "noise_multiplier": 1.0, "steps": 30}]
    assert (counted, attempts) == (30, 3)

    lines = [json.loads(line) for line in (tmp_path / "noise.jsonl").read_text().splitlines()]
    noises = np.array([noise for _, noise in lines])
    assert len(lines) > 30  # steps were taken twice, each with noise of its own
    alike = np.abs(noises @ noises.T - np.eye(len(noises)))
    assert alike.max() < 8 / noises.shape[1] ** 0.5
    keys = json.loads((tmp_path / "fit" / "keys.json").read_text())
    assert len({key for attempt in keys for key in attempt}) == 6
