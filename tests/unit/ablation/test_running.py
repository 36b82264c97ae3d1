"""Nodes as they are made: each once, after what it reads; what fails takes down what needs it and nothing else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deidrelease import artifacts
from deidrelease.ablation.making import Artefacts
from deidrelease.ablation.nodes import Graph, Node, Origin, Route
from deidrelease.ablation.running import Event, _Running, failures_in
from deidrelease.ablation.workers import InProcess
from deidrelease.errors import ModelError, Problem
from deidrelease.pipeline import Source

SECRET = "Eva Lindqvist"


@dataclass
class Step:
    """Joins what it reads with a word of its own; or fails, in one way or another."""

    name: str
    after: tuple[str, ...] = ("corpus",)
    failing: Exception | None = None
    runs: list[str] = field(default_factory=list)
    version: int = 1
    releasable: frozenset[str] = frozenset()

    def settings(self) -> Mapping[str, object]:
        return {}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        self.runs.append(self.name)
        if self.failing:
            raise self.failing
        read = [(path / "out.txt" if path.is_dir() else path).read_text() for path in inputs.values()]
        (out / "out.txt").write_text("+".join([*read, self.name, str(seed)]))


class Written:
    """What the table would be written from."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], list[int]]] = []

    def write(self, failed: Mapping[str, str], ended: list[int]) -> None:
        self.calls.append((dict(failed), ended))


class Diamond:
    """Two routes: corpus, first, left, last; and corpus, first, right, end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.out, self.corpus = folder / "out", folder / "corpus.txt"
        self.out.mkdir(exist_ok=True)
        self.corpus.write_text("corpus")
        self.steps = {
            "first": Step("first"), "left": Step("left", ("first",)), "last": Step("last", ("left",)),
            "right": Step("right", ("first/out.txt",)), "end": Step("end", ("right",)),
        }  # fmt: skip
        self.events: list[Event] = []
        self.written = Written()

    def run(self) -> list[tuple[str, str]]:
        nodes = {name: self.node(step) for name, step in self.steps.items()}
        routes = tuple(
            Route(None, 0, 0, {name: nodes[name] for name in names}, None, None, 0)  # type: ignore[arg-type]
            for names in (("first", "left", "last"), ("first", "right", "end"))
        )
        graph, self.written = Graph(nodes, routes), Written()
        artefacts = Artefacts(self.out, nodes, {"corpus": Source(self.corpus, self.digest)})
        running = _Running(graph, artefacts, self.written, self.out / "failures.json")  # type: ignore[arg-type]
        self.events = list(running.go(InProcess(artefacts)))
        return [(event.node.recipe, event.why) for event in self.events]

    def digest(self) -> str:
        return artifacts.sha256_file(self.corpus)

    def node(self, step: Step) -> Node:
        inputs = {name: Origin(*name.split("/")) for name in step.after}
        return Node(step, {}, inputs, 5, step.name, 1)  # type: ignore[arg-type]

    @property
    def ran(self) -> list[str]:
        return [name for step in self.steps.values() for name in step.runs]


@pytest.fixture
def diamond(tmp_path: Path) -> Diamond:
    return Diamond(tmp_path)


def test_each_node_is_made_once_and_routes_end_one_after_the_other(diamond: Diamond) -> None:
    assert diamond.run() == [("first", ""), ("left", ""), ("last", ""), ("right", ""), ("end", "")]
    assert [len(event.ended) for event in diamond.events] == [0, 0, 1, 0, 1]
    assert diamond.written.calls == [({}, [0]), ({}, [1])]
    names = sorted(path.name.split("-")[0] for path in (diamond.out / "artefacts").glob("[!.]*"))
    assert names == ["end", "first", "last", "left", "right"]


def test_what_is_done_stays_done(diamond: Diamond) -> None:
    diamond.run()
    assert [why for _, why in diamond.run()] == [""] * 5
    assert sorted(diamond.ran) == ["end", "first", "last", "left", "right"]
    diamond.corpus.write_text("another")
    diamond.run()
    assert len(diamond.ran) == 10


def test_a_damaged_artefact_is_made_anew(diamond: Diamond) -> None:
    diamond.run()
    (path,) = (diamond.out / "artefacts").glob("left-*/out.txt")
    path.write_text("torn")
    diamond.run()
    assert diamond.steps["left"].runs == ["left", "left"]
    assert diamond.steps["last"].runs == ["last"]  # the same bytes came out
    assert "torn" not in path.read_text()


def test_what_fails_takes_down_what_needs_it_alone(diamond: Diamond) -> None:
    problem = Problem("notes/lindqvist.txt", "is no model", "name another")
    diamond.steps["left"].failing = ModelError("A model cannot be loaded.", [problem])
    told = dict(diamond.run())
    assert told == {"first": "", "left": "A model cannot be loaded. is no model", "right": "", "end": ""}
    assert diamond.steps["last"].runs == []
    why = "left: A model cannot be loaded. is no model"
    assert failures_in(diamond.out) == {"left": why, "last": why}
    assert diamond.written.calls == [({"left": why, "last": why}, [0]), ({"left": why, "last": why}, [1])]
    diamond.steps["left"].failing = None
    assert dict(diamond.run())["last"] == ""
    assert diamond.steps["first"].runs == ["first"]


def test_a_failure_at_the_root_ends_everything(diamond: Diamond) -> None:
    diamond.steps["first"].failing = ModelError("No.")
    assert diamond.run() == [("first", "No.")]
    assert len(diamond.events[0].ended) == 2


def test_a_crash_is_told_without_its_message(diamond: Diamond) -> None:
    diamond.steps["right"].failing = ValueError(f"cannot tag {SECRET}")
    why = dict(diamond.run())["right"]
    assert why.startswith("ValueError in test_running.py:")
    assert SECRET not in json.dumps(failures_in(diamond.out)) + why


def test_no_failures_are_on_record_where_there_is_no_file(tmp_path: Path) -> None:
    assert failures_in(tmp_path) == {}


def test_equal_fingerprints_share_a_folder(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("corpus")
    step = Step("first")
    nodes = {name: Node(step, {}, {"corpus": Origin("corpus")}, 5, name, 1) for name in ("one", "two")}  # type: ignore[arg-type]
    artefacts = Artefacts(tmp_path, nodes, {"corpus": Source(tmp_path / "corpus.txt", lambda: "0")})
    assert artefacts.done() == set()
    assert artefacts.find("one") is None
    assert artefacts.make("one").folder == artefacts.make("two").folder
    assert step.runs == ["first"]
    assert artefacts.done() == {"one", "two"}


def test_an_interrupt_is_no_failure(diamond: Diamond) -> None:
    diamond.steps["left"].failing = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        diamond.run()
    assert not (diamond.out / "failures.json").exists()
