"""A flow of two small stages, and a kill half way through the first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deidrelease import artifacts, pipeline
from deidrelease.artifacts import CHECKPOINT
from deidrelease.pipeline import Source


class Killed(BaseException):
    """Nothing catches it."""


@dataclass
class Step:
    """Joins what it reads, with a word of its own; can die half way, and goes on from its checkpoint."""

    name: str = "first"
    after: tuple[str, ...] = ("corpus",)
    word: str = "one"
    version: int = 1
    releasable: frozenset[str] = frozenset({"out.txt"})
    die: bool = False
    runs: list[dict[str, Any]] = field(default_factory=list)

    def settings(self) -> Mapping[str, object]:
        return {"word": self.word, "fixed": (1, 2)}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        begun = out / CHECKPOINT / "half.txt"
        self.runs.append({"inputs": dict(inputs), "seed": seed, "resumed": begun.exists(), "found": sorted(
            path.name for path in out.iterdir() if path.name != CHECKPOINT)})  # fmt: skip
        texts = [(p / "out.txt" if p.is_dir() else p).read_text() for p in inputs.values()]
        if self.die:
            begun.write_text("half")
            (out / "torn.txt").write_text("to")
            raise Killed
        (out / "out.txt").write_text("+".join([*texts, self.word]))
        (out / "side.txt").write_text(str(self.version))


class WholeReader(Step):
    """Reads a whole stage: the file that `second` does not look at."""

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:  # noqa: ARG002
        (out / "out.txt").write_text((inputs["first"] / "side.txt").read_text())


class Flow:
    """Two stages in a folder; `second` reads one file of `first`."""

    def __init__(self, tmp_path: Path) -> None:
        self.run_dir = tmp_path / "run"
        self.corpus = tmp_path / "corpus.txt"
        self.corpus.write_text("corpus")
        self.first = Step()
        self.second = Step("second", ("first/out.txt",), "two")
        self.seed = 5

    @property
    def stages(self) -> list[Any]:
        return [self.first, self.second]

    @property
    def sources(self) -> dict[str, Source]:
        return {"corpus": Source(self.corpus, lambda: artifacts.sha256_file(self.corpus))}

    def run(self, until: str | None = None) -> dict[str, bool]:
        done = pipeline.run(self.stages, self.run_dir, self.sources, self.seed, until)
        return {finished.receipt.stage: finished.ran for finished in done}

    def standings(self) -> dict[str, tuple[str, str]]:
        found = pipeline.standings(self.stages, self.run_dir, self.sources, self.seed)
        return {standing.stage: (standing.state, standing.why) for standing in found}

    def text(self, stage: str = "second") -> str:
        return (self.run_dir / stage / "out.txt").read_text()

    def partial(self, stage: str = "first") -> Path:
        return self.run_dir / f".{stage}.partial"

    def names(self) -> list[str]:
        return sorted(path.name for path in self.run_dir.iterdir())


BOTH = {"first": True, "second": True}
NEITHER = {"first": False, "second": False}
TIDY = [".lock", "first", "second"]


def change_settings(flow: Flow) -> None:
    flow.first.word = "uno"


def killed(flow: Flow) -> None:
    """Leaves `first` as a kill half way through its work does."""
    flow.first.die = True
    with pytest.raises(Killed):
        flow.run()
    flow.first.die = False
