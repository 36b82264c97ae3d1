"""What an ablation will make, before anything of it is made: its cells, and what they share."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from deidrelease.ablation.loading import Ablation
from deidrelease.ablation.nodes import Graph, Node
from deidrelease.ablation.running import opened


@dataclass(frozen=True, slots=True)
class StagePlan:
    """The nodes of one stage.

    Attributes:
        nodes: All of them.
        shared: Those that more than one cell needs, on the same fold with the same seed.
        uses: How often it would run if nothing were shared.
        done: Those that are there already.
    """

    nodes: int
    shared: int
    uses: int
    done: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do.

    Attributes:
        cells: Of the ablation.
        routes: Cells times folds times seeds.
        stages: By name, in the order of the flow.
        graph: All nodes.
        left: Recipes of those that are not there yet.
    """

    cells: int
    routes: int
    stages: Mapping[str, StagePlan]
    graph: Graph
    left: frozenset[str]

    def left_nodes(self) -> list[Node]:
        """What is still to be made, each after what it reads."""
        return [node for recipe, node in self.graph.nodes.items() if recipe in self.left]


def plan_of(ablation: Ablation) -> Plan:
    """Counts; trains nothing and writes nothing.

    Raises:
        CorpusError: The corpus has defects.
    """
    artefacts, graph = opened(ablation)
    done = artefacts.done()
    uses = graph.uses()
    kinds: dict[str, list[str]] = {}
    for recipe, node in graph.nodes.items():
        kinds.setdefault(node.stage.name, []).append(recipe)
    used = Counter({name: sum(uses[recipe] for recipe in recipes) for name, recipes in kinds.items()})
    stages = {
        name: StagePlan(
            len(recipes), sum(uses[recipe] > 1 for recipe in recipes), used[name], len(done.intersection(recipes))
        )
        for name, recipes in kinds.items()
    }
    return Plan(len(ablation.cells), len(graph.routes), stages, graph, frozenset(graph.nodes.keys() - done))
