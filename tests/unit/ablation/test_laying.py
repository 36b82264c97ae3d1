"""What there is to make for a grid, counted by hand, and where each thing takes its inputs from."""

import gc
import time
from collections import Counter
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from made.ablation_configs import write_ablation, write_notes

from deidrelease.ablation.dividing import Census
from deidrelease.ablation.laying import graph_of
from deidrelease.ablation.loading import load_ablation
from deidrelease.ablation.nodes import Graph, Route
from deidrelease.ablation.planning import Plan, plan_of
from deidrelease.formats import open_corpus

AXES = {"share.adapt": [0.25, 1], "share.annotator": [0.5, 1.0], "synthetic.share": [0.5, 1, 2]}


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_notes(tmp_path_factory.mktemp("notes"))


def laid(notes: Path, folder: Path, **settings: Any) -> Graph:
    base = {**settings.pop("base", {}), "corpus": {"path": str(notes)}}
    ablation = load_ablation(write_ablation(folder, base=base, **settings))
    return graph_of(ablation, Census.of(open_corpus(notes, "jsonl")))


def count(graph: Graph) -> dict[str, int]:
    return dict(Counter(node.stage.name for node in graph.nodes.values()))


def test_everything_is_made_once(notes: Path, tmp_path: Path) -> None:
    graph = laid(notes, tmp_path, grid=AXES, audits=["verbatim"])
    assert len(graph.routes) == 2 * 2 * 2 * 3
    assert count(graph) == {
        "fold": 2,
        "subset": 2 * 2,  # a quarter for the language model, a half for the annotator; all of them is the fold itself
        "annotator": 2 * 2,
        "adapt": 2 * 2,
        "generate": 2 * 2,  # sampled once, at the largest size
        "annotate": 2 * 4,
        "cut": 2 * 4 * 2,  # the largest is not cut
        "train": 2 * 12,
        "evaluate": 2 * 12,
        "audit": 2 * 12,
    }
    uses = graph.uses()
    shared = Counter(uses[recipe] for recipe, node in graph.nodes.items() if node.stage.name == "generate")
    assert shared == {6: 4}


def test_one_share_for_both_has_one_subset(notes: Path, tmp_path: Path) -> None:
    assert count(laid(notes, tmp_path, grid={"share.both": [0.5]}))["subset"] == 2


def test_what_does_not_matter_to_a_thing_makes_no_other(notes: Path, tmp_path: Path) -> None:
    found = count(laid(notes, tmp_path, grid={"generate.temperature": [0.7, 1], "train.epochs": [1, 2]}))
    assert (found["annotator"], found["adapt"], found["generate"], found["annotate"], found["train"]) == (2, 2, 4, 4, 8)
    found = count(laid(notes, tmp_path, grid={"annotate.batch_tokens": [512, 1024]}))
    assert found["annotate"] == 2


def test_seeds_share_the_division_and_nothing_else(notes: Path, tmp_path: Path) -> None:
    found = count(laid(notes, tmp_path, seeds=[1, 2, 3]))
    assert (found["fold"], found["annotator"], found["evaluate"]) == (2, 6, 6)


def test_all_cells_of_a_fold_have_the_same_holdout(notes: Path, tmp_path: Path) -> None:
    graph = laid(notes, tmp_path, grid=AXES, seeds=[1, 2], audits=["verbatim"])
    for fold in range(2):
        judged = [route for route in graph.routes if route.fold == fold]
        holdouts = {
            route.nodes[name].inputs["split/holdout.jsonl"] for route in judged for name in ("evaluate", "audit")
        }
        assert len(judged) == 24
        assert len(holdouts) == 1


def origin(route: Route, name: str, read: str) -> str:
    recipe = route.nodes[name].inputs[read].recipe
    return next(each for each, node in route.nodes.items() if node.recipe == recipe)


def test_every_input_comes_from_where_it_should(notes: Path, tmp_path: Path) -> None:
    grid = {"share.adapt": [0.25], "share.annotator": [0.5], "synthetic.share": [0.5, 1]}
    route = next(
        route
        for route in laid(notes, tmp_path, grid=grid, audits=["verbatim"]).routes
        if route.cell.levels["synthetic.share"] == 0.5
    )
    assert origin(route, "annotator", "split/train.jsonl") == "annotator-subset"
    assert origin(route, "adapt", "split/train.jsonl") == origin(route, "adapt", "split/dev.jsonl") == "subset"
    assert origin(route, "generate", "split/train.jsonl") == "subset"
    assert origin(route, "train", "annotate/notes.jsonl") == "cut"
    assert origin(route, "audit", "annotate/notes.jsonl") == "cut"
    # Copies are looked for of the notes that the language model saw; what is unseen is told by all train notes.
    assert origin(route, "audit", "split/train.jsonl") == "subset"
    assert origin(route, "evaluate", "split/train.jsonl") == "fold"
    assert origin(route, "evaluate", "annotator") == "annotator"


def test_surrogates_are_new_to_all_private_notes_of_the_fold(notes: Path, tmp_path: Path) -> None:
    base = {"substitute": {"enabled": True}, "adapt": {"pseudonymise": True}}
    route = laid(notes, tmp_path, base=base, grid={"share.both": [0.5]}, audits=["verbatim"]).routes[0]
    assert origin(route, "pseudonymise", "split/train.jsonl") == "subset"
    assert origin(route, "adapt", "pseudonymise/train.jsonl") == "pseudonymise"
    assert origin(route, "generate", "pseudonymise/train.jsonl") == "pseudonymise"
    assert {origin(route, "substitute", f"split/{side}.jsonl") for side in ("train", "dev", "holdout")} == {"fold"}
    assert origin(route, "train", "substitute/notes.jsonl") == "substitute"
    assert origin(route, "audit", "split/train.jsonl") == "subset"


def test_a_model_that_learnt_from_nobody_is_held_against_all(notes: Path, tmp_path: Path) -> None:
    base = {"adapt": {"model": "some/model"}}
    graph = laid(notes, tmp_path, base=base, grid={"share.adapt": [0, 0.5]}, audits=["verbatim"])
    route = graph.routes[0]
    assert route.nodes["adapt"].stage.name == "unadapted"
    assert route.nodes["adapt"].inputs == {}
    assert origin(route, "generate", "split/train.jsonl") == origin(route, "audit", "split/train.jsonl") == "fold"
    assert (route.adapt.patients, route.adapt.notes) == (0, 0)
    assert count(graph)["unadapted"] == 1  # of all folds: it depends on no note
    assert count(graph)["adapt"] == 2


def test_sizes_are_shares_of_the_fold(notes: Path, tmp_path: Path) -> None:
    graph = laid(notes, tmp_path, grid={"share.adapt": [0.25, 1], "synthetic.share": [0.5, 2]})
    for route in graph.routes:
        share, size = route.cell.levels["share.adapt"], route.cell.levels["synthetic.share"]
        whole = next(r.adapt for r in graph.routes if r.fold == route.fold and r.cell.levels["share.adapt"] == 1)
        assert isinstance(share, float)
        assert isinstance(size, int | float)
        assert route.adapt.patients == max(2, round(share * whole.patients))
        assert route.synthetic_notes == round(size * whole.notes)
        assert route.nodes["generate"].settings["count"] == 2 * whole.notes


def _planned(path: Path) -> tuple[Plan, float]:
    """The plan, and its seconds of processor time, but none for what other tests left in memory."""
    gc.freeze()
    started = time.process_time()
    try:
        return plan_of(load_ablation(path, ["folds=3"])), time.process_time() - started
    finally:
        gc.unfreeze()


def test_a_grid_of_200_cells_is_planned_in_a_second(notes: Path, tmp_path: Path) -> None:
    grid = {
        "share.adapt": [0.05, 0.25, 0.5, 0.95, 1], "share.annotator": [0.05, 0.25, 0.5, 1],
        "synthetic.share": [0.05, 0.25, 1, 2, 4], "adapt.epochs": [1, 2],
    }  # fmt: skip
    path = write_ablation(tmp_path, base={"corpus": {"path": str(notes)}}, grid=grid, audits=["verbatim", "linkage"])
    plan_of(load_ablation(path, ["folds=2", "grid={}"]))  # imports and label maps, once a process
    plan, seconds = min((_planned(path) for _ in range(3)), key=itemgetter(1))
    assert seconds < 1
    assert (plan.cells, plan.routes) == (200, 600)
    assert (plan.stages["adapt"].nodes, plan.stages["adapt"].uses, plan.stages["train"].nodes) == (30, 600, 600)
    assert not (tmp_path / "out").exists()
