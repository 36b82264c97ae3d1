"""What has to be made for an ablation: nodes, each a stage and where it takes its inputs from.

A node's recipe is the runner's fingerprint with recipes in the place of digests. Equal recipes are one node, whichever
cells they serve; that is how nothing is made twice, and how it is known beforehand what will be shared.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from deidrelease.ablation.cells import Cell
from deidrelease.ablation.dividing import Sizes
from deidrelease.work import Stage


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an input comes from: a file of another node or all of it, or a source of the ablation."""

    recipe: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """Something to be made.

    Attributes:
        stage: That makes it.
        settings: Of the stage, asked once.
        inputs: What the stage reads, by its own names.
        seed: Of the run, or that of the base where patients are divided.
        recipe: Names the node.
        notes: That it reads or writes: what its time grows with.
        epochs: How often it goes through them.
    """

    stage: Stage
    settings: Mapping[str, object]
    inputs: Mapping[str, Origin]
    seed: int
    recipe: str
    notes: int
    epochs: float = 1.0


@dataclass(frozen=True, slots=True)
class Route:
    """A cell on a fold with a seed.

    Attributes:
        cell: Of the ablation.
        fold: From 0.
        seed: Of everything but the division of patients.
        nodes: By what they are for, each after what it reads.
        adapt: Train patients and notes that the language model learns from; none where it is taken as it is.
        annotator: Those that the annotator learns from.
        synthetic_notes: That the synthetic tagger learns from.
    """

    cell: Cell
    fold: int
    seed: int
    nodes: Mapping[str, Node]
    adapt: Sizes
    annotator: Sizes
    synthetic_notes: int

    def recipes(self) -> tuple[str, ...]:
        """Of its nodes, each once: both subsets may be one."""
        return tuple(dict.fromkeys(node.recipe for node in self.nodes.values()))


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes by recipe, each after what it reads, and the routes of the cells through them."""

    nodes: Mapping[str, Node]
    routes: tuple[Route, ...]

    def uses(self) -> dict[str, int]:
        """Recipe to the number of routes that it serves."""
        counts = dict.fromkeys(self.nodes, 0)
        for route in self.routes:
            for recipe in route.recipes():
                counts[recipe] += 1
        return counts
