"""What stands in the folder of an ablation: cells and nodes that are done, failed or missing."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deidrelease.ablation.nodes import Graph, Route
from deidrelease.ablation.running import failures_in, opened, recorded


@dataclass(frozen=True, slots=True)
class CellStanding:
    """A cell on a fold with a seed.

    Attributes:
        route: Of it.
        done: Nodes that are there and whole.
        why: What failed when it was last run; empty where nothing did.
    """

    route: Route
    done: int
    why: str

    @property
    def state(self) -> str:
        """`done`, `failed`, `begun` or `missing`."""
        if self.done == len(self.route.recipes()):
            return "done"
        return "failed" if self.why else "begun" if self.done else "missing"


@dataclass(frozen=True, slots=True)
class AblationStanding:
    """All cells, and of each stage how many nodes are done and how many there are."""

    cells: tuple[CellStanding, ...]
    stages: Mapping[str, tuple[int, int]]


def standing_of(out: Path) -> AblationStanding:
    """Checks every receipt and every file; makes and changes nothing.

    Raises:
        ArtifactError: `out` is no folder of an ablation.
        CorpusError: The corpus has defects.
    """
    artefacts, graph = opened(recorded(out))
    done = artefacts.done()
    failed = failures_in(out)
    cells = tuple(
        CellStanding(
            route,
            sum(recipe in done for recipe in route.recipes()),
            next((failed[recipe] for recipe in route.recipes() if recipe in failed and recipe not in done), ""),
        )
        for route in graph.routes
    )
    return AblationStanding(cells, counted(graph, done))


def counted(graph: Graph, done: set[str]) -> dict[str, tuple[int, int]]:
    """Stage to the number of its nodes that are done, and of all, in the order of the flow."""
    all_of = Counter(node.stage.name for node in graph.nodes.values())
    done_of = Counter(graph.nodes[recipe].stage.name for recipe in done)
    return {stage: (done_of[stage], count) for stage, count in all_of.items()}
