"""What the demo writes before it runs: one folder for notes, config and run, its owner's alone."""

import stat
from pathlib import Path

from deidrelease.config import load_config
from deidrelease.demo.run import write_config, write_notes


def test_the_folder_is_the_run_folder(tmp_path: Path) -> None:
    folder = tmp_path / "RUN: ñ"
    notes = write_notes(folder, 7, ["es"])
    config = load_config(write_config(folder, 7))
    assert (config.run_dir, config.corpus.path) == (folder, notes)
    assert sorted(path.name for path in folder.iterdir()) == ["config.yaml", "notes.jsonl"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_demo_that_memorises_is_judged_by_the_same_policy(tmp_path: Path) -> None:
    write_notes(tmp_path, 7, ["es"])
    careful = load_config(write_config(tmp_path, 7))
    memorising = load_config(write_config(tmp_path, 7, memorise=True))
    assert careful.gate == memorising.gate
    assert careful.gate.policy == "research"
    assert careful.audit == memorising.audit
