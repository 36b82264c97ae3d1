"""`kill -9` while a bundle is made: at each file that is opened or renamed, it is there whole or not at all."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from made.finished_runs import NOW, material_of, request_of, signer_of, trust_of, write_run

from deidrelease.bundle.making import Made, make
from deidrelease.bundle.verification import verify
from deidrelease_audits.file_scan import Files


def events_of_a_child(run_dir: Path, folder: Path, die_at: int) -> int:
    """Makes a bundle in a child, which dies at its event number `die_at`; returns how many there were, or -1."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with os.fdopen(reading, "rb") as stream:
            told = stream.read()
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the child crashed"
        return -1 if os.WIFSIGNALED(status) else int(told)
    counted = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal counted
        if event in ("open", "os.rename", "os.mkdir", "os.rmdir", "os.remove") and str(folder) in str(arguments[0]):
            if counted == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            counted += 1

    try:
        sys.addaudithook(watch)
        outcome = make(material_of(run_dir), request_of(folder), signer_of("release"), Files(), folder / "bundle")
        os.write(writing, str(counted).encode())
        os._exit(0 if isinstance(outcome, Made) else 1)
    finally:
        os._exit(2)


@pytest.mark.slow
def test_no_half_bundle_stands_or_verifies(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    write_run(run_dir)
    signer_of("release")
    whole = tmp_path / "whole"
    whole.mkdir()
    made = make(material_of(run_dir), request_of(whole), signer_of("release"), Files(), whole / "bundle")
    assert isinstance(made, Made)
    folder = tmp_path / "killed"
    folder.mkdir()
    trust = trust_of(request_of(folder))
    number, killed, stood = 0, 0, 0
    while (events := events_of_a_child(run_dir, folder, number)) == -1:
        killed += 1
        there = [path for path in folder.rglob("*") if path.is_dir()]
        for path in there:
            codes = {failure.code for failure in verify(path, trust, NOW, None).failures}
            # Approvals alone are missing from a bundle that is whole.
            if codes == {"approvals-too-few", "statement-missing"}:
                stood += 1
                assert (path / "manifest.json").read_bytes() == (whole / "bundle" / "manifest.json").read_bytes()
        if (folder / "bundle").exists():
            assert {p.name for p in (folder / "bundle").iterdir()} == {p.name for p in (whole / "bundle").iterdir()}
            for path in sorted((folder / "bundle").rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            (folder / "bundle").rmdir()
        number += 4
    assert killed > 10
    assert events > 40
    left = [path for path in folder.iterdir() if path.name not in ("policy.yaml", "bundle")]
    assert not any(any(path.iterdir()) for path in left), "a leftover stayed that is not empty"
