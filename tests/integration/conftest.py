"""A tiny hospital and a tiny configuration: the whole flow in seconds, in this process or in one of its own."""

import hashlib
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deidrelease import artifacts, pipeline, release
from deidrelease.artifacts import Receipt
from deidrelease.demo import hospital
from deidrelease.formats import jsonl
from deidrelease.notes import Note
from deidrelease.settings import ReleaseConfig
from deidrelease.stages.audit import SITE_KEY
from deidrelease.work import Stage

MakeConfig = Callable[..., ReleaseConfig]


@pytest.fixture(scope="session")
def notes() -> list[Note]:
    return list(hospital.notes(30, seed=1))


@pytest.fixture(scope="session")
def corpus(notes: list[Note], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "notes.jsonl"
    jsonl.write(notes, path)
    return path


@pytest.fixture(scope="session")
def make_config(corpus: Path) -> MakeConfig:
    def make(run_dir: Path, *, seed: int = 3, path: Path = corpus) -> ReleaseConfig:
        # One site, one key: results of two run folders can be compared then.
        run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        (run_dir / SITE_KEY).write_bytes(bytes(range(32)))
        size = {"layers": 1, "hidden": 32, "heads": 2, "vocabulary": 400}
        tagger = {
            "scratch": {**size, "local_attention": 16, "dropout": 0.1},
            "window": 64, "overlap": 16, "epochs": 1, "learning_rate": 3e-3,
        }  # fmt: skip
        adapt = {"scratch": size, "context": 64, "epochs": 1, "batch_size": 8, "learning_rate": 3e-3}
        return ReleaseConfig.model_validate(
            {
                "run_dir": str(run_dir),
                "seed": seed,
                "corpus": {"path": str(path), "labels": "demo"},
                "annotator": tagger,
                "adapt": adapt,
                "generate": {"count": 20, "length_quantile": 0.02, "batch_size": 4, "loops": "keep"},
                "train": tagger,
                "synthetic_dev": 0.2,
                "evaluate": {"resamples": 100},
                # Long work is checkpointed at every step, so that each of the kills below finds one.
                "compute": {"device": "cpu", "threads": 1, "checkpoint_seconds": 1e-9},
            }
        )

    return make


@dataclass
class Watched:
    """A stage, and the files that Python opens while it runs."""

    stage: Stage
    opened: dict[str, list[str]]

    def __post_init__(self) -> None:
        self.name, self.version = self.stage.name, self.stage.version
        self.after, self.releasable = self.stage.after, self.stage.releasable

    def settings(self) -> Mapping[str, object]:
        return self.stage.settings()

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        _watching.append(self.opened.setdefault(self.name, []))
        try:
            self.stage.run(inputs, out, seed)
        finally:
            _watching.pop()


_watching: list[list[str]] = []
_hooked: list[bool] = []


def _note_opening(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _watching:
        _watching[-1].append(str(arguments[0]))


@dataclass
class FinishedRun:
    """An uninterrupted run in this process and what was seen of it."""

    config: ReleaseConfig
    receipts: dict[str, Receipt]
    opened: dict[str, list[str]]
    log: list[str] = field(default_factory=list)


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(self.format(record))


@pytest.fixture(scope="session")
def finished(make_config: MakeConfig, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """One whole run, with every message down to DEBUG and every opened file."""
    if not _hooked:  # an audit hook stays for good; it does nothing while no stage is watched
        sys.addaudithook(_note_opening)
        _hooked.append(True)
    config = make_config(tmp_path_factory.mktemp("finished") / "run")
    opened: dict[str, list[str]] = {}
    stages = [Watched(stage, opened) for stage in release.stages_of(config)]
    root, collector = logging.getLogger(), _Collector()
    before = root.level
    root.setLevel(logging.DEBUG)
    # A command that another test called in this process has set a level of its own.
    logging.getLogger("deidrelease").setLevel(logging.NOTSET)
    root.addHandler(collector)
    try:
        sources = release.sources_of(config)
        receipts = {f.receipt.stage: f.receipt for f in pipeline.run(stages, config.run_dir, sources, config.seed)}
    finally:
        root.removeHandler(collector)
        root.setLevel(before)
    artifacts.write_text(config.run_dir / release.CONFIG, config.model_dump_json())
    return FinishedRun(config, receipts, opened, collector.messages)


@dataclass(frozen=True)
class OwnProcess:
    """How a run in a process of its own ended."""

    returncode: int
    ran: dict[str, bool]
    error: str


RunAlone = Callable[..., OwnProcess]
_FLOW = """
import json, sys
from pathlib import Path
{before}
from deidrelease import release
from deidrelease.settings import ReleaseConfig
from deidrelease.stages.audit import SITE_KEY
config = ReleaseConfig.model_validate_json(Path(sys.argv[1]).read_text())
for finished in release.run(config, {until!r}):
    print(json.dumps([finished.receipt.stage, finished.ran]), flush=True)
"""


@pytest.fixture
def run_alone(tmp_path: Path) -> RunAlone:
    """Runs the flow in a new interpreter, after the statements `before`."""

    def run(config: ReleaseConfig, before: str = "", until: str | None = None) -> OwnProcess:
        path = tmp_path / "config-of-the-process.json"
        path.write_text(config.model_dump_json())
        code = _FLOW.format(before=before, until=until)
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
        ran = dict(json.loads(line) for line in done.stdout.splitlines())
        return OwnProcess(done.returncode, ran, done.stderr)

    return run


def _tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != artifacts.RECEIPT
    }


@pytest.fixture(scope="session")
def tree() -> Callable[[Path], dict[str, str]]:
    """Relative path to digest of all files of a stage's folder but its receipt."""
    return _tree
