"""The runner: what it skips, what it does again and why, and what it makes of each state a kill can leave."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deidrelease import artifacts, pipeline
from deidrelease.artifacts import CHECKPOINT, RECEIPT
from deidrelease.errors import ArtifactError
from deidrelease.pipeline import Source
from deidrelease.work import stage_seed


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


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    return Flow(tmp_path)


def test_a_fresh_run_does_everything(flow: Flow) -> None:
    assert flow.standings() == {"first": ("missing", "no receipt"), "second": ("missing", "waits for first/out.txt")}
    assert not flow.run_dir.exists()  # asking changes nothing
    assert flow.run() == BOTH
    assert flow.text() == "corpus+one+two"
    assert flow.standings() == {"first": ("done", ""), "second": ("done", "")}
    assert flow.names() == TIDY


def test_a_second_run_does_nothing(flow: Flow) -> None:
    flow.run()
    before = {path: path.stat().st_mtime_ns for path in flow.run_dir.rglob("*")}
    assert flow.run() == NEITHER
    assert {path: path.stat().st_mtime_ns for path in flow.run_dir.rglob("*")} == before
    assert len(flow.first.runs) == len(flow.second.runs) == 1


def change_settings(flow: Flow) -> None:
    flow.first.word = "uno"


def change_version(flow: Flow) -> None:
    flow.first.version = 2


def change_corpus(flow: Flow) -> None:
    flow.corpus.write_text("other")


def change_seed(flow: Flow) -> None:
    flow.seed = 6


def change_a_file(flow: Flow) -> None:
    (flow.run_dir / "first" / "side.txt").write_text("tampered")


def remove_a_file(flow: Flow) -> None:
    (flow.run_dir / "first" / "out.txt").unlink()


def add_a_file(flow: Flow) -> None:
    (flow.run_dir / "first" / "planted.txt").write_text("")


def remove_the_receipt(flow: Flow) -> None:
    (flow.run_dir / "first" / RECEIPT).unlink()


def change_the_second_settings(flow: Flow) -> None:
    flow.second.word = "dos"


def change_inputs(flow: Flow) -> None:
    flow.second.after = ("first",)


WAITS = ("stale", "waits for first/out.txt")
DONE = ("done", "")


@pytest.mark.parametrize(
    ("change", "first", "second", "ran"),
    [
        (change_settings, ("stale", "settings changed: word"), WAITS, BOTH),
        # The same bytes come out, so what follows has nothing to do.
        (change_version, ("stale", "stage version 1 is now 2"), WAITS, {"first": True, "second": False}),
        (change_corpus, ("stale", "input changed: corpus"), WAITS, BOTH),
        (change_seed, ("stale", "another seed"), WAITS, BOTH),
        (change_a_file, ("stale", "1 file(s) missing or changed: side.txt"), WAITS, {"first": True, "second": False}),
        (remove_a_file, ("stale", "1 file(s) missing or changed: out.txt"), WAITS, {"first": True, "second": False}),
        (add_a_file, ("stale", "1 file(s) missing or changed: planted.txt"), WAITS, {"first": True, "second": False}),
        (remove_the_receipt, ("missing", "no receipt"), WAITS, {"first": True, "second": False}),
        (change_the_second_settings, DONE, ("stale", "settings changed: word"), {"first": False, "second": True}),
        (change_inputs, DONE, ("stale", "input changed: first, first/out.txt"), {"first": False, "second": True}),
    ],
)
def test_what_is_done_again_and_why(
    flow: Flow,
    change: Callable[[Flow], None],
    first: tuple[str, str],
    second: tuple[str, str],
    ran: dict[str, bool],
) -> None:
    flow.run()
    change(flow)
    assert flow.standings() == {"first": first, "second": second}
    assert flow.run() == ran
    assert flow.standings() == {"first": DONE, "second": DONE}
    assert flow.text() == f"{flow.corpus.read_text()}+{flow.first.word}+{flow.second.word}"
    assert flow.names() == TIDY
    assert flow.run() == NEITHER


def test_several_reasons_are_all_given(flow: Flow) -> None:
    flow.run()
    change_settings(flow)
    change_version(flow)
    change_corpus(flow)
    change_seed(flow)
    assert flow.standings()["first"][1] == (
        "stage version 1 is now 2; another seed; settings changed: word; input changed: corpus"
    )


def test_an_unread_file_of_a_stage_decides_nothing(flow: Flow) -> None:
    flow.run()
    # `first` writes its version to side.txt; `second` reads out.txt alone, a third stage all of it.
    third = WholeReader("third", ("first",))
    stages = [flow.first, flow.second, third]

    def run() -> dict[str, bool]:
        return {f.receipt.stage: f.ran for f in pipeline.run(stages, flow.run_dir, flow.sources, flow.seed)}

    run()
    flow.first.version = 2
    assert run() == {"first": True, "second": False, "third": True}
    assert flow.text("third") == "2"


def test_only_declared_inputs_are_handed_over(flow: Flow) -> None:
    flow.run()
    assert flow.first.runs[0]["inputs"] == {"corpus": flow.corpus}
    assert flow.second.runs[0]["inputs"] == {"first/out.txt": flow.run_dir / "first/out.txt"}


def test_every_stage_has_a_seed_of_its_own(flow: Flow) -> None:
    flow.run()
    assert flow.first.runs[0]["seed"] == stage_seed(5, "first")
    assert flow.second.runs[0]["seed"] == stage_seed(5, "second")


@given(st.integers(0, 2**64), st.integers(0, 2**64), st.sampled_from("abc"), st.sampled_from("abc"))
def test_stage_seeds_differ_and_fit(one: int, two: int, a: str, b: str) -> None:
    assert 0 <= stage_seed(one, a) < 2**32
    assert (stage_seed(one, a) == stage_seed(two, b)) == ((one, a) == (two, b))


def test_the_receipt_says_how_it_came_about(flow: Flow) -> None:
    flow.run()
    receipt = artifacts.read_receipt(flow.run_dir / "first")
    assert receipt is not None
    assert receipt.settings == {"word": "one", "fixed": [1, 2]}
    assert receipt.inputs == {"corpus": artifacts.sha256_text("corpus")}
    assert {name: output.visibility for name, output in receipt.outputs.items()} == {
        "out.txt": "releasable", "side.txt": "private",
    }  # fmt: skip
    assert (receipt.attempts, receipt.version) == (1, 1)
    assert receipt.peak_memory_bytes > 1_000_000
    assert receipt.seconds >= 0
    assert {"python", "torch", "numpy"} <= receipt.versions.keys()


def test_until(flow: Flow) -> None:
    assert flow.run(until="first") == {"first": True}
    assert flow.standings() == {"first": DONE, "second": ("missing", "no receipt")}
    assert flow.names() == [".lock", "first"]
    assert flow.run(until="second") == {"first": False, "second": True}
    with pytest.raises(ArtifactError, match="one of first, second"):
        flow.run(until="third")


def test_a_second_run_in_the_folder_is_refused(flow: Flow) -> None:
    flow.run_dir.mkdir()
    with artifacts.locked(flow.run_dir), pytest.raises(ArtifactError, match="in use"):
        flow.run()
    assert flow.first.runs == []
    assert flow.run() == BOTH


def killed(flow: Flow) -> None:
    """Leaves `first` as a kill half way through its work does."""
    flow.first.die = True
    with pytest.raises(Killed):
        flow.run()
    flow.first.die = False


def test_killed_at_work_it_goes_on_from_its_checkpoint(flow: Flow) -> None:
    killed(flow)
    assert flow.standings()["first"] == ("partial", "no receipt, begun and not finished")
    assert flow.run() == BOTH
    assert [run["resumed"] for run in flow.first.runs] == [False, True]
    # What lay outside the checkpoint may be torn, and was cleared before the second attempt.
    assert [run["found"] for run in flow.first.runs] == [[], []]
    receipt = artifacts.read_receipt(flow.run_dir / "first")
    assert receipt is not None
    assert receipt.attempts == 2
    assert sorted(receipt.outputs) == ["out.txt", "side.txt"]
    assert flow.names() == TIDY


def test_a_checkpoint_of_something_else_is_not_taken_up(flow: Flow) -> None:
    killed(flow)
    change_settings(flow)
    assert flow.run() == BOTH
    assert [run["resumed"] for run in flow.first.runs] == [False, False]
    receipt = artifacts.read_receipt(flow.run_dir / "first")
    assert receipt is not None
    assert receipt.attempts == 1


@pytest.mark.parametrize("record", [None, b"", b"{", b"[]", b'{"fingerprint": 3}'])
def test_a_checkpoint_of_unknown_origin_is_not_taken_up(flow: Flow, record: bytes | None) -> None:
    killed(flow)
    path = flow.partial() / CHECKPOINT / "attempt.json"
    path.unlink()
    if record is not None:
        path.write_bytes(record)
    assert flow.run() == BOTH
    assert flow.first.runs[-1]["resumed"] is False


def test_a_stale_result_stays_until_its_successor_is_whole(flow: Flow) -> None:
    flow.run()
    change_settings(flow)
    killed(flow)
    assert flow.text("first") == "corpus+one"
    assert flow.standings()["first"] == ("stale", "settings changed: word, begun and not finished")
    assert flow.run() == BOTH
    assert flow.text("first") == "corpus+uno"
    assert flow.names() == TIDY


# The states that a kill can leave while a finished stage is published, first moment first. Each starts from a finished
# run whose `first` had replaced an older result.


def complete_but_unnamed(flow: Flow) -> None:
    (flow.run_dir / "first").rename(flow.partial())
    (flow.partial() / CHECKPOINT).mkdir()
    (flow.partial() / CHECKPOINT / "half.txt").write_text("half")
    flow.first.runs.clear()


def before_the_old_one_moved(flow: Flow) -> None:
    complete_but_unnamed(flow)
    old_result(flow.run_dir / "first")


def old_one_moved_away(flow: Flow) -> None:
    complete_but_unnamed(flow)
    old_result(flow.run_dir / ".first.discarded")


def named_but_the_old_one_is_there(flow: Flow) -> None:
    old_result(flow.run_dir / ".first.discarded")
    flow.first.runs.clear()


def named_with_its_checkpoint(flow: Flow) -> None:
    (flow.run_dir / "first" / CHECKPOINT).mkdir()
    (flow.run_dir / "first" / CHECKPOINT / "half.txt").write_text("half")
    flow.first.runs.clear()


def old_result(folder: Path) -> None:
    folder.mkdir()
    (folder / "out.txt").write_text("old")
    (folder / RECEIPT).write_text("{}")


@pytest.mark.parametrize(
    ("leave", "state"),
    [
        (complete_but_unnamed, "partial"),
        (before_the_old_one_moved, "partial"),
        (old_one_moved_away, "partial"),
        (named_but_the_old_one_is_there, "done"),
        (named_with_its_checkpoint, "done"),
    ],
)
def test_killed_while_publishing_nothing_is_lost(flow: Flow, leave: Callable[[Flow], None], state: str) -> None:
    flow.run()
    leave(flow)
    assert flow.standings()["first"][0] == state
    assert flow.run() == NEITHER
    assert flow.first.runs == []
    assert flow.text() == "corpus+one+two"
    assert flow.names() == TIDY
    assert not (flow.run_dir / "first" / CHECKPOINT).exists()


@pytest.mark.parametrize("torn", ["out.txt", RECEIPT])
def test_a_torn_partial_is_not_published(flow: Flow, torn: str) -> None:
    flow.run()
    complete_but_unnamed(flow)
    (flow.partial() / torn).write_text("to")
    assert flow.standings()["first"][0] == "partial"
    assert flow.run() == {"first": True, "second": False}
    assert flow.text("first") == "corpus+one"
    assert flow.names() == TIDY


def test_a_complete_partial_of_something_else_is_not_published(flow: Flow) -> None:
    flow.run()
    complete_but_unnamed(flow)
    change_settings(flow)
    assert flow.run() == BOTH
    assert flow.text("first") == "corpus+uno"
    assert flow.names() == TIDY


def test_a_receipt_copied_from_elsewhere_is_not_believed(flow: Flow, tmp_path: Path) -> None:
    flow.run()
    (tmp_path / "other").mkdir()
    other = Flow(tmp_path / "other")
    other.first.word = "uno"
    other.run()
    shutil.copy(other.run_dir / "first" / RECEIPT, flow.run_dir / "first" / RECEIPT)
    assert flow.standings()["first"] == ("stale", "settings changed: word")
    assert flow.run() == {"first": True, "second": False}


def test_an_error_leaves_the_folder_unlocked_and_resumable(flow: Flow) -> None:
    killed(flow)
    with artifacts.locked(flow.run_dir):
        pass
    assert flow.run() == BOTH
