"""The runner: what it skips, and what it does again and why."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.flows import BOTH, NEITHER, TIDY, Flow, WholeReader, change_settings

from deidrelease import artifacts, pipeline
from deidrelease.artifacts import RECEIPT
from deidrelease.errors import ArtifactError
from deidrelease.work import stage_seed


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
