"""Makes all nodes of an ablation, each once and as soon as what it reads is there, and writes the table as cells end.

What fails takes down the cells that need it, and no other. Run again, what is done stays done, what failed is tried
again, and trainings go on from their last checkpoint.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deidrelease import artifacts
from deidrelease.ablation.attempts import Attempt
from deidrelease.ablation.cluster import OnRay
from deidrelease.ablation.dividing import Census
from deidrelease.ablation.laying import graph_of
from deidrelease.ablation.loading import Ablation, load_ablation
from deidrelease.ablation.making import Artefacts
from deidrelease.ablation.nodes import Graph, Node, Route
from deidrelease.ablation.record import RECORD, write_record
from deidrelease.ablation.table import Tables
from deidrelease.ablation.workers import InProcess, Processes, Workers
from deidrelease.errors import ArtifactError, ConfigError, Problem
from deidrelease.formats import open_corpus
from deidrelease.keys import load_or_make_key
from deidrelease.models.loading import go_offline
from deidrelease.models.private.accounts import account_of
from deidrelease.pipeline import Source
from deidrelease.ray_engine import connected
from deidrelease.stages.audit import SITE_KEY

FAILURES = "failures.json"
_TRAINED_ON_GOLD = ("annotator", "adapt")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: a node was made or has failed, and the routes that ended by it.

    Attributes:
        node: The node.
        why: What failed; empty where it was made.
        ended: Routes of which nothing is left to do.
        left: Nodes that have not ended yet.
    """

    node: Node
    why: str
    ended: tuple[Route, ...]
    left: int


def run(ablation: Ablation, jobs: int = 1, engine: str = "local") -> Iterator[Event]:
    """Makes what is left to make, yielding each node as it ends.

    Args:
        ablation: What to make.
        jobs: Nodes that are made at once; with 1 all is done in this process.
        engine: `local`, or `ray` for tasks on a cluster.

    Raises:
        ArtifactError: Another process runs in the folder.
        ConfigError: A ledger is kept, which several processes cannot write at once.
    """
    go_offline(ablation.base.compute.download)
    _require_one_writer(ablation, jobs, engine)
    out = ablation.settings.out
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    with artifacts.locked(out):
        write_record(out, ablation.record())
        load_or_make_key(out / SITE_KEY)
        (out / FAILURES).unlink(missing_ok=True)
        artefacts, graph = opened(ablation)
        tables = Tables(out, ablation, graph, artefacts)
        tables.write({}, tables.done())
        workers = _workers(ablation, artefacts, jobs, engine)
        try:
            yield from _Running(graph, artefacts, tables, out / FAILURES).go(workers)
        finally:
            workers.close()


def opened(ablation: Ablation) -> tuple[Artefacts, Graph]:
    """The nodes of `ablation`, and what of them is on disk; reads the corpus once.

    Raises:
        CorpusError: The corpus has defects.
    """
    corpus = ablation.base.corpus
    graph = graph_of(ablation, Census.of(open_corpus(corpus.path, corpus.format, corpus.reading())))
    return Artefacts(ablation.settings.out, graph.nodes, sources_of(ablation)), graph


def artefacts_of(ablation: Ablation) -> Artefacts:
    """As `opened`, for a process that is told recipes."""
    go_offline(ablation.base.compute.download)
    return opened(ablation)[0]


def sources_of(ablation: Ablation) -> dict[str, Source]:
    """The private corpus, digested by content, and the site's key."""
    corpus, key = ablation.base.corpus, ablation.settings.out / SITE_KEY
    return {
        "corpus": Source(corpus.path, lambda: open_corpus(corpus.path, corpus.format, corpus.reading()).digest()),
        SITE_KEY: Source(key, lambda: load_or_make_key(key).digest("key", "") if key.exists() else ""),
    }


def recorded(out: Path) -> Ablation:
    """The ablation that the folder `out` was last run with, pointed at where the folder is now.

    Raises:
        ArtifactError: It is no folder of an ablation.
    """
    try:
        return load_ablation(out / RECORD, [f"out={json.dumps(str(out))}"])
    except ConfigError as error:
        problem = Problem(str(out), "is no folder that `deidrelease ablate` made, or of another version", "name one")
        raise ArtifactError("This is no ablation.", [problem, *error.problems]) from None


def failures_in(out: Path) -> dict[str, str]:
    """Recipe to what failed, of the last run."""
    try:
        told = json.loads((out / FAILURES).read_text(encoding="utf-8"))
        return {str(recipe): str(why) for recipe, why in told.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _workers(ablation: Ablation, artefacts: Artefacts, jobs: int, engine: str) -> Workers:
    if engine == "ray":
        connected(jobs)
        return OnRay(ablation, artefacts_of, jobs)
    return InProcess(artefacts) if jobs == 1 else Processes(ablation, artefacts_of, jobs)


def _require_one_writer(ablation: Ablation, jobs: int, engine: str) -> None:
    promising = any(cell.config.adapt.dp or cell.config.annotator.dp for cell in ablation.cells)
    if (jobs, engine) == (1, "local") or not (promising or account_of(ablation.base).is_kept()):
        return
    what = "asks for other processes, and a ledger of private steps is kept, which has one writer at a time"
    problem = Problem(f"--jobs {jobs} --engine {engine}", what, "use --jobs 1 --engine local")
    raise ConfigError("The ablation was not begun.", [problem])


@dataclass(slots=True)
class _Running:
    """Which nodes wait for which; a node is taken once nothing that it reads is left."""

    graph: Graph
    artefacts: Artefacts
    tables: Tables
    failures: Path
    left: dict[str, set[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)

    def go(self, workers: Workers) -> Iterator[Event]:
        order = self._order()
        self.left = {recipe: self._reads(recipe) for recipe in order}
        readers = defaultdict(set)
        for recipe, reads in self.left.items():
            for read in reads:
                readers[read].add(recipe)
        ready, taken = [recipe for recipe in order if not self.left[recipe]], set()
        while self.left:
            while workers.free > 0 and ready:
                taken.add(ready[0])
                workers.take(ready.pop(0))
            for attempt in workers.ended():
                taken.discard(attempt.recipe)
                yield self._note(attempt)
                for reader in readers[attempt.recipe] & self.left.keys():
                    self.left[reader].discard(attempt.recipe)
                ready = [recipe for recipe in order if self.left.get(recipe) == set() and recipe not in taken]

    def _order(self) -> list[str]:
        """Route by route, so that cells end one after the other and not all together."""
        return list(dict.fromkeys(recipe for route in self.graph.routes for recipe in route.recipes()))

    def _reads(self, recipe: str) -> set[str]:
        return {origin.recipe for origin in self.graph.nodes[recipe].inputs.values()} & self.graph.nodes.keys()

    def _note(self, attempt: Attempt) -> Event:
        """Takes a node that ended off the list, and with one that failed all that would have read it."""
        node = self.graph.nodes[attempt.recipe]
        gone = {attempt.recipe}
        if attempt.why:
            why = f"{node.stage.name}: {attempt.why}"
            gone |= self._behind(attempt.recipe)
            self.failed.update(dict.fromkeys(gone, why))
            artifacts.write_text(self.failures, json.dumps(dict(sorted(self.failed.items())), indent=1) + "\n")
        for recipe in gone:
            self.left.pop(recipe, None)
        ended = self._ended()
        if ended:
            self.tables.write(self.failed, ended)
        return Event(node, attempt.why, tuple(self.graph.routes[number] for number in ended), len(self.left))

    def _behind(self, recipe: str) -> set[str]:
        behind = {recipe}
        for each in self.graph.nodes:  # each after what it reads
            if behind & self._reads(each):
                behind.add(each)
        return behind - {recipe}

    def _ended(self) -> list[int]:
        now = {
            number
            for number, route in enumerate(self.graph.routes)
            if number not in self.ended and not any(recipe in self.left for recipe in route.recipes())
        }
        self.ended |= now
        return sorted(now)
