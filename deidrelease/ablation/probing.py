"""A short probe: every kind of work of an ablation done once on a few notes and once on three times as many.

Through both measurements of a kind goes a line, in notes times epochs, and from it comes the time of all nodes of that
kind. Sampling is measured with as many notes as are sampled at once, as a few take as long as those; once, as the
second corpus would tell nothing else of it, and so is what reads those notes alone. Trainings are
taken to use every epoch, and synthetic notes to reach the length cap, which is too much; by how much a line through
two small corpora is off far beyond them, in either direction, nobody knows. Of a kind that fails on so few notes
nothing is foretold.

The probe trains on private notes, in a folder of its own that is removed again; nothing that it makes is kept, so the
site's ledger hears nothing of it, and its private steps are written down in a ledger that goes with the folder.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from deidrelease.ablation.attempts import attempt
from deidrelease.ablation.cells import Cell
from deidrelease.ablation.dividing import Census
from deidrelease.ablation.laying import graph_of
from deidrelease.ablation.loading import Ablation
from deidrelease.ablation.making import Artefacts, Made
from deidrelease.ablation.nodes import Graph, Node, Origin
from deidrelease.ablation.planning import Plan
from deidrelease.ablation.running import sources_of
from deidrelease.artifacts import canonical_json
from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import jsonl, open_corpus
from deidrelease.keys import load_or_make_key
from deidrelease.models.loading import go_offline
from deidrelease.notes import Note
from deidrelease.progress import step
from deidrelease.settings import AdaptSettings, AnnotatorSettings, CorpusSettings, PrivacySettings, TaggerSettings
from deidrelease.stages.audit import SITE_KEY

Trained = TypeVar("Trained", AnnotatorSettings, TaggerSettings, AdaptSettings)
FOLDER = ".probe"
_AS_LONG = {"generate", "annotate", "substitute", "cut"}
"""Stages whose results are as long as the sampled texts."""
SIZES = (8, 24)
"""Patients of the two small corpora, of which half are held out."""
_COUNTED = frozenset({
    "epochs", "steps", "patience", "share", "count", "multiple", "fold", "folds", "dev", "loops", "duplicates",
    "truncated", "structure", "attempts",
})  # fmt: skip
"""Settings that say how much work there is, or what is thrown away of it, and not of what kind it is."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a kind of work takes: `start + slope * work`, with work in notes times epochs; never less than nothing."""

    start: float
    slope: float

    @classmethod
    def through(cls, points: Mapping[float, float]) -> "Line":
        """Through two points and not falling, as more work takes no less; through nothing and the point, of one."""
        (least, low), (most, high) = min(points.items()), max(points.items())
        if least == most:
            return cls(0.0, high / most) if most else cls(high, 0.0)
        slope = (high - low) / (most - least)
        return cls(max(0.0, low - slope * least), slope) if slope > 0 else cls(low, 0.0)

    def at(self, work: float) -> float:
        """What so much work takes."""
        return self.start + self.slope * work


@dataclass(frozen=True, slots=True)
class Foretold:
    """What is left to make takes about so much, one node after the other.

    Attributes:
        seconds: By stage; of the kinds that could be measured.
        disk_bytes: Of all that is going to be kept.
        unknown: Stage to why it could not be measured, and with how many nodes.
        probe_seconds: What the probe itself took.
    """

    seconds: Mapping[str, float]
    disk_bytes: int
    unknown: Mapping[str, str]
    probe_seconds: float


def foretell(ablation: Ablation, plan: Plan) -> Foretold:
    """Makes each kind of node that is left twice, small, and reckons from there.

    Raises:
        CorpusError: The corpus has defects, or too few patients for a probe.
    """
    go_offline(ablation.base.compute.download)
    folder = ablation.settings.out / FOLDER
    wanted = {kind_of(node) for node in plan.left_nodes()}
    with step("measure on few notes", 1 + len(SIZES)) as shown, _gone_after(folder):
        # The first one loads libraries and wakes the machine up, and measures nothing else.
        _probed(ablation, folder / "first", SIZES[0], wanted, {}, whole_batches=False)
        shown.advance(1)
        probes: list[_Probe] = []
        for size in SIZES:
            known = {kind: each for probe in probes for kind, each in probe.measured.items()}
            if wanted - known.keys():
                known = {}  # what failed on fewer notes may need what is known
            probes.append(_probed(ablation, folder / str(size), size, wanted, known, whole_batches=True))
            shown.advance(1)
    return _reckoned(plan, probes)


@contextmanager
def _gone_after(folder: Path) -> Iterator[None]:
    """Nothing of an earlier, killed probe lies there at the start, and nothing of this one at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Measured:
    """One node of a probe."""

    notes: int
    work: float
    seconds: float
    size: int


@dataclass(frozen=True, slots=True)
class _Probe:
    """Of each kind what was measured, or why it failed."""

    measured: Mapping[str, _Measured]
    failed: Mapping[str, str]


def kind_of(node: Node) -> str:
    """Nodes of one kind take time by their notes and epochs alone."""
    told = _without(dict(node.settings))
    return canonical_json([node.stage.name, told])


def _without(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: _without(each) for name, each in value.items() if name not in _COUNTED}


def _reckoned(plan: Plan, probes: list[_Probe]) -> Foretold:
    seconds: dict[str, float] = {}
    unknown: dict[str, str] = {}
    disk = 0.0
    for node, kind in ((node, kind_of(node)) for node in plan.left_nodes()):
        name = node.stage.name
        found = [probe.measured[kind] for probe in probes if kind in probe.measured]
        if not found:
            unknown[name] = next((p.failed[kind] for p in probes if kind in p.failed), "the probe did not reach it")
            continue
        took = Line.through({each.work: each.seconds for each in found}).at(node.notes * node.epochs)
        seconds[name] = seconds.get(name, 0.0) + took
        # What is kept grows with the notes, however often they were gone through.
        disk += Line.through({float(each.notes): float(each.size) for each in found}).at(node.notes)
    total = sum(each.seconds for probe in probes for each in probe.measured.values())
    return Foretold(seconds, round(disk), unknown, total)


def _probed(
    ablation: Ablation,
    out: Path,
    patients: int,
    wanted: set[str],
    known: Mapping[str, _Measured],
    *,
    whole_batches: bool,
) -> _Probe:
    """Measures each wanted kind on a few patients, but for those that are `known` for as much work."""
    out.mkdir(parents=True, mode=0o700)
    small = _small(ablation, out, patients, whole_batches=whole_batches)
    corpus = open_corpus(small.base.corpus.path, "jsonl")
    graph = _on_gold(graph_of(small, Census.of(corpus)))
    load_or_make_key(out / SITE_KEY)
    artefacts = Artefacts(out, graph.nodes, sources_of(small))
    measured: dict[str, _Measured] = {}
    failed: dict[str, str] = {}
    broken: set[str] = set()
    growth: dict[str, float] = {}
    needless: set[str] = set()
    for recipe, node in graph.nodes.items():
        kind = kind_of(node)
        reads = {origin.recipe for origin in node.inputs.values()}
        if broken & reads:
            broken.add(recipe)
            failed.setdefault(kind, "what it reads could not be made")
        elif needless & reads or (kind in known and known[kind].work == node.notes * node.epochs):
            needless.add(recipe)
        elif kind in wanted and kind not in measured and kind not in failed:
            ended = attempt(artefacts, recipe)
            if ended.why:
                broken.add(recipe)
                failed[kind] = ended.why
            else:
                made = artefacts.make(recipe)
                longer = _longer(node, made) * max((growth.get(o.recipe, 1.0) for o in node.inputs.values()), default=1)
                growth[recipe] = longer if node.stage.name in _AS_LONG else 1.0
                measured[kind] = _measured(node, made, longer)
    return _Probe(measured, failed)


def _longer(node: Node, made: Made) -> float:
    """How many times as long the sampled texts could have been: one who has learnt for an epoch ends many soon."""
    if node.stage.name != "generate":
        return 1.0
    counts = json.loads((made.folder / "generation.json").read_text(encoding="utf-8"))
    return max(1.0, float(counts["sampled"] * counts["cap"] / max(1, counts["tokens"])))


def _measured(node: Node, made: Made, longer: float) -> _Measured:
    size = sum(output.size for output in made.receipt.outputs.values())
    return _Measured(node.notes, node.notes * node.epochs, longer * made.receipt.seconds, round(longer * size))


def _small(ablation: Ablation, out: Path, patients: int, *, whole_batches: bool) -> Ablation:
    """The same cells, each an epoch long, on the first fold of two over a few patients' notes."""
    path = out / "notes.jsonl"
    corpus = ablation.base.corpus
    jsonl.write(_of_few(open_corpus(corpus.path, corpus.format, corpus.reading()), patients), path)
    told = CorpusSettings(path=path, format="jsonl", labels=corpus.labels)
    settings = ablation.settings.model_copy(update={"out": out, "folds": 2})
    # Half are held out, and one is for early stopping; with more notes a patient more are sampled.
    batches = [cell.config.generate.batch_size if whole_batches else 1 for cell in ablation.cells]
    shares = [max(1.0, batch / (patients // 2 - 1)) for batch in batches]
    cells = [_short(cell, told, out, share) for cell, share in zip(ablation.cells, shares, strict=True)]
    # One that cuts patients and one that cuts notes: what a share of few takes says nothing of a share of many.
    cells += [replace(cells[0], annotator_share=0.5), replace(cells[0], synthetic_share=0.5 * shares[0])]
    base = ablation.base.model_copy(update={"corpus": told, "run_dir": out})
    return replace(ablation, settings=settings, base=base, cells=tuple(cells), seeds=ablation.seeds[:1])


def _of_few(corpus: Iterable[Note], patients: int) -> Iterator[Note]:
    """The notes of the first patients.

    Raises:
        CorpusError: There are not so many.
    """
    seen: set[str] = set()
    for note in corpus:
        seen.add(note.patient_id)
        if len(seen) > patients:
            return
        yield note
    if len(seen) < patients:
        problem = Problem("corpus", f"has {len(seen)} patients; a probe takes {patients}", "plan with --no-probe")
        raise CorpusError("The corpus is too small to measure anything on a part of it.", [problem])


def _short(cell: Cell, corpus: CorpusSettings, out: Path, share: float) -> Cell:
    """The cell on all of few notes, one epoch long, with whatever its models then write, `share` times as much."""
    config = cell.config
    kept = {"loops": "keep", "duplicates": "keep", "truncated": "keep", "structure": 0.0}
    short = config.model_copy(
        update={
            "run_dir": out,
            "corpus": corpus,
            "annotator": _one_epoch(config.annotator),
            "adapt": _one_epoch(config.adapt),
            "train": _one_epoch(config.train),
            "generate": config.generate.model_copy(update=kept),
            # Nothing that is made here stays, so the site's own ledger has nothing to hold.
            "privacy": PrivacySettings(ledger=(out / "ledger").absolute()),
        }
    )
    return replace(
        cell, config=short, adapt_share=float(cell.adapt_share > 0), annotator_share=1.0, synthetic_share=share
    )


def _one_epoch(section: Trained) -> Trained:
    dp = getattr(section, "dp", None)
    update: dict[str, object] = {"epochs": 1}
    if dp is not None:
        update["dp"] = dp.model_copy(update={"epochs": 1.0, "steps": None})
    short: Trained = section.model_copy(update=update)
    return short


def _on_gold(graph: Graph) -> Graph:
    """Lets synthetic taggers learn from gold notes: a generator that has learnt little writes nothing to learn from."""
    nodes = dict(graph.nodes)
    for route in graph.routes:
        train, fold = route.nodes["train"], route.nodes["fold"]
        gold = dict.fromkeys(train.inputs, Origin(fold.recipe, "train.jsonl"))
        nodes[train.recipe] = replace(train, inputs=gold, notes=route.annotator.notes)
    return Graph(nodes, graph.routes)
