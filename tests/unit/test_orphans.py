"""A worker ends with the process that began it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deidrelease.orphans import end_with_parent

# The parent's own file, as spawn imports it anew in each worker.
PARENT = """
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

{begin}

def work(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn"), begin) as pool:
        pool.submit(work, sys.argv[1]).result()
"""
WATCHING = "from deidrelease.orphans import end_with_parent as begin"
BLIND = "begin = None"
PATIENCE_SECONDS = 30.0


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def orphan(folder: Path, begin: str) -> int:
    """A worker in the middle of its work whose parent was killed."""
    script, told = folder / "parent.py", folder / "pid"
    script.write_text(PARENT.format(begin=begin))
    with subprocess.Popen([sys.executable, str(script), str(told)]) as parent:
        end = time.monotonic() + PATIENCE_SECONDS
        while not (told.exists() and told.read_text()):
            assert time.monotonic() < end, "the worker did not begin"
            time.sleep(0.02)
        parent.kill()
    return int(told.read_text())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see whether a process still runs")
def test_a_worker_ends_with_its_parent(tmp_path: Path) -> None:
    worker = orphan(tmp_path, WATCHING)
    end = time.monotonic() + PATIENCE_SECONDS
    while is_running(worker):
        assert time.monotonic() < end, "the worker outlived its parent"
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see whether a process still runs")
def test_one_that_does_not_watch_lives_on(tmp_path: Path) -> None:
    """What the other test would see if nobody watched."""
    worker = orphan(tmp_path, BLIND)
    time.sleep(0.5)
    assert is_running(worker)
    os.kill(worker, signal.SIGKILL)


def test_only_a_worker_can_ask_for_it() -> None:
    with pytest.raises(RuntimeError, match="not begun by another"):
        end_with_parent()
