"""The same seed gives the same bytes, all the way to the picture; another seed other ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deidrelease import artifacts, release
from deidrelease.errors import ArtifactError
from deidrelease.settings import ReleaseConfig

DECISIVE = {
    "split": "train.jsonl",
    "annotator": "model/model.safetensors",
    "adapt": "model/model.safetensors",
    "generate": "notes.jsonl",
    "annotate": "notes.jsonl",
    "train": "model/model.safetensors",
    "evaluate": "result.json",
    "audit": "result.json",
    "gate": "verdict.json",
}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(
    make_config: Callable[..., ReleaseConfig], finished: Any, tree: Callable[[Path], dict[str, str]], tmp_path: Path
) -> None:
    again = {f.receipt.stage: f.receipt for f in release.run(make_config(tmp_path / "elsewhere"))}
    assert list(again) == list(DECISIVE)
    for stage, receipt in again.items():
        assert (stage, receipt.outputs) == (stage, finished.receipts[stage].outputs)
        # Receipts are believed by nobody: the files themselves are the same.
        files = tree(tmp_path / "elsewhere" / stage)
        assert files == tree(finished.config.run_dir / stage)
        assert files == {name: output.sha256 for name, output in receipt.outputs.items()}


@pytest.mark.slow
def test_another_seed_gives_other_results(
    make_config: Callable[..., ReleaseConfig], finished: Any, tmp_path: Path
) -> None:
    other = {f.receipt.stage: f.receipt for f in release.run(make_config(tmp_path / "other", seed=4))}
    for stage, name in DECISIVE.items():
        assert other[stage].outputs[name].sha256 != finished.receipts[stage].outputs[name].sha256


@pytest.mark.parametrize("until", ["split", "adapt"])
def test_a_finished_run_is_left_alone(finished: Any, until: str) -> None:
    assert [f.ran for f in release.run(finished.config, until)] == [False] * (1 + ["split", "-", "adapt"].index(until))


def test_a_second_process_does_not_even_touch_the_configuration(
    make_config: Callable[..., ReleaseConfig], tmp_path: Path
) -> None:
    # `status` judges by it, so it has to stay that of the process that holds the folder.
    (tmp_path / release.CONFIG).write_text("that of the first")
    with artifacts.locked(tmp_path), pytest.raises(ArtifactError, match="in use"):
        list(release.run(make_config(tmp_path, seed=99)))
    assert (tmp_path / release.CONFIG).read_text() == "that of the first"
