"""What the runner makes of each state that a kill can leave."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from made.flows import BOTH, NEITHER, TIDY, Flow, change_settings, killed

from deidrelease import artifacts
from deidrelease.artifacts import CHECKPOINT, RECEIPT


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
