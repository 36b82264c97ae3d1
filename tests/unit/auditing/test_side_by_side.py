"""Audits in processes of their own report what they report in turn; what goes wrong in one stays there."""

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from made.notes_of import corpora_of, corpus_of, notes_of
from made.small_audits import Crashing, SharedLines

from deidrelease import progress
from deidrelease.auditing import running
from deidrelease.auditing.corpora import taken_in
from deidrelease.auditing.result import AuditResult
from deidrelease.auditing.running import audit
from deidrelease.contracts import Audit, Corpora, Shard
from deidrelease.engine import LocalEngine
from deidrelease.errors import ConfigError, CorpusError, Problem

CORPORA = corpora_of(
    [f"line {i}" for i in range(0, 60, 2)], [f"line {i}" for i in range(40)], [f"line {i}" for i in range(40, 55)]
)
AUDITS: dict[str, Audit] = {"one": SharedLines(), "long": SharedLines(6), "third": SharedLines(7)}


@dataclass(frozen=True, slots=True)
class Dying(SharedLines):
    """Its process is killed, as the system kills one that takes too much memory; it begins before the others."""

    cost: ClassVar[float] = 9

    def scan(self, index: Any, shard: Shard) -> Any:  # noqa: ARG002
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Waiting(SharedLines):
    """Takes its time."""

    seconds: float = 0.5

    def index(self, corpora: Corpora) -> dict[str, str]:
        time.sleep(self.seconds)
        return SharedLines.index(self, corpora)


@dataclass(frozen=True, slots=True)
class Noting(SharedLines):
    """Leaves a file each time that it runs."""

    folder: str = ""

    def index(self, corpora: Corpora) -> dict[str, str]:
        Path(self.folder, uuid4().hex).touch()
        return SharedLines.index(self, corpora)


class Older:
    """An audit of a package that knows nothing of `cost` and `derives`."""

    name, version, arms, metrics = SharedLines.name, SharedLines.version, SharedLines.arms, SharedLines.metrics
    threat_model, says, does_not_say = SharedLines.threat_model, SharedLines.says, SharedLines.does_not_say
    settings, index, scan, conclude = (
        lambda _: SharedLines().settings(),
        lambda _, corpora: SharedLines().index(corpora),
        lambda _, index, shard: SharedLines().scan(index, shard),
        lambda _, index, tally: SharedLines().conclude(index, tally),
    )


@dataclass(frozen=True, slots=True)
class Missing(SharedLines):
    """Lacks something that the user can bring."""

    cost: ClassVar[float] = 9

    def index(self, corpora: Corpora) -> dict[str, str]:  # noqa: ARG002
        raise ConfigError("Something is missing.", [Problem("tagger", "is not there", "train one")])


@dataclass(frozen=True, slots=True)
class Unsendable(SharedLines):
    """Has a setting that cannot travel."""

    how: Callable[[], int] = lambda: 1  # it is the point of it


@pytest.fixture(params=["at hand", "streamed"])
def notes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether the corpora stay in memory; if not, the processes begin while they are read for the first time."""
    if request.param == "streamed":
        monkeypatch.setattr(running, "taken_in", partial(taken_in, held=20))
    return str(request.param)


def results(audits: dict[str, Audit], workers: int = 2) -> AuditResult:
    return audit(CORPORA, audits, LocalEngine(workers, 100))


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize("workers", [2, 3, 7])
def test_the_result_is_that_of_one_process(workers: int) -> None:
    assert asdict(results(AUDITS, workers)) == asdict(results(AUDITS, 1))


def test_an_older_audit_runs_too() -> None:
    older: Any = Older()
    assert [report.status for report in results({"older": older, "one": SharedLines()}).audits] == ["measured"] * 2


@pytest.mark.usefixtures("notes")
def test_each_audit_runs_once(tmp_path: Path) -> None:
    audits: dict[str, Audit] = {f"audit {i}": Noting(folder=str(tmp_path)) for i in range(12)}
    assert [report.audit for report in results(audits, 3).audits] == list(audits)
    assert len(list(tmp_path.iterdir())) == 12


def test_a_defect_in_the_last_note_ends_what_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "taken_in", partial(taken_in, held=20))
    shared = replace(CORPORA, holdout=corpus_of(*notes_of("t", ["another text, of the same patients"] * 2)))
    before = multiprocessing.active_children()
    with pytest.raises(CorpusError, match="not of different patients"):
        audit(shared, {"waiting": Waiting(seconds=300), "also": Waiting(seconds=300)}, LocalEngine(2))
    end = time.monotonic() + 30
    while [process for process in multiprocessing.active_children() if process not in before]:
        assert time.monotonic() < end, "a process works on what was refused"
        time.sleep(0.05)


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize("where", ["settings", "index", "scan", "conclude"])
def test_a_crash_is_told_as_in_one_process(where: str) -> None:
    audits: dict[str, Audit] = {"crashing": Crashing(where=where), "one": SharedLines()}
    assert asdict(results(audits)) == asdict(results(audits, 1))


@pytest.mark.usefixtures("notes")
def test_a_process_that_is_killed_takes_no_other_audit_with_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="deidrelease.auditing.single"):
        result = results({"one": SharedLines(), "dying": Dying(), "waiting": Waiting()})
    assert [report.status for report in result.audits] == ["measured", "failed", "measured"]
    assert "ended from outside" in result.audits[1].reason
    assert dict(result.audits[1].settings) == {"least": 1}
    assert result.scanned == 0
    told = [
        line
        for record in caplog.records
        if {"measured", "failed:", "failed"} & {*(line := record.getMessage()).split()}
    ]
    assert sorted(told) == sorted(
        ["one: measured", "waiting: measured", "dying: failed", f"dying: failed: {result.audits[1].reason}"]
    )


def test_what_the_user_can_mend_ends_the_run(notes: str) -> None:
    """At once where notes are streamed; else when this process is done with the audit that it is at."""
    began = time.monotonic()
    with pytest.raises(ConfigError, match=r"Something is missing") as raised:
        results({"waiting": Waiting(seconds=300 if notes == "streamed" else 3), "missing": Missing()})
    assert raised.value.problems[0].remedy == "train one"
    assert time.monotonic() - began < 100


@pytest.mark.usefixtures("notes")
def test_an_audit_that_cannot_travel_is_failed_and_the_others_run() -> None:
    result = results({"unsendable": Unsendable(), "one": SharedLines()})
    assert [report.status for report in result.audits] == ["failed", "measured"]
    assert "crashed with" in result.audits[0].reason


class Steps:
    """Remembers which steps were shown."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, float | None]] = []
        self.open = 0

    def begin(self, what: str, total: float | None, done: float) -> progress.Step:  # noqa: ARG002
        self.begun.append((what, total))
        self.open += 1
        return self

    def advance(self, amount: float, **figures: float) -> None:
        """Nothing to show."""

    def end(self, step: progress.Step) -> None:
        assert step is self
        self.open -= 1


@pytest.mark.usefixtures("notes")
def test_it_shows_how_far_each_process_is() -> None:
    steps = Steps()
    with progress.listening(steps):
        results({"waiting": Waiting(seconds=1.0), "also": Waiting(seconds=1.0)})
    assert {("waiting: indexing", None), ("also: indexing", None)} <= set(steps.begun)
    assert steps.open == 0
