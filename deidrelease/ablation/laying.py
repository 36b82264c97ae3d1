"""Lays the routes of all cells through their nodes: which stages, on which patients' notes, in which order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace

from pydantic import BaseModel

from deidrelease import release
from deidrelease.ablation.cells import Cell
from deidrelease.ablation.cut import Cut
from deidrelease.ablation.dividing import Census, Sizes
from deidrelease.ablation.fold import Fold
from deidrelease.ablation.loading import Ablation
from deidrelease.ablation.nodes import Graph, Node, Origin, Route
from deidrelease.ablation.subset import Subset
from deidrelease.ablation.unadapted import Unadapted
from deidrelease.privacy.account import Account
from deidrelease.settings import AdaptSettings, AnnotatorSettings, TaggerSettings
from deidrelease.stages.audit import SITE_KEY, Audit
from deidrelease.stages.evaluate import Evaluate
from deidrelease.stages.generate import Generate
from deidrelease.work import Stage, work_of

_RECORDING = {"canary", "dp"}
"""Audits that read what the trainings noted down; without them no audit depends on the ledger."""


def graph_of(ablation: Ablation, census: Census) -> Graph:
    """Every cell on every fold with every seed."""
    builder = _Builder(ablation, census)
    routes = tuple(builder.routes())
    return Graph(builder.nodes, routes)


@dataclass(slots=True)
class _Builder:
    ablation: Ablation
    census: Census
    nodes: dict[str, Node] = field(default_factory=dict)
    _settings: dict[tuple[str, ...], Mapping[str, object]] = field(default_factory=dict)

    def routes(self) -> Iterator[Route]:
        stages = {cell.id: _stages_of(cell, self.ablation.settings.audits) for cell in self.ablation.cells}
        for fold in range(self.ablation.settings.folds):
            held = _Held.of(self.ablation, self.census, fold)
            largest = self._largest(held)
            for seed in self.ablation.seeds:
                for cell in self.ablation.cells:
                    yield _Walk(self, held, cell, seed, stages[cell.id], largest[_generator(cell)]).route()

    def node(self, stage: Stage, inputs: Mapping[str, Origin], seed: int, notes: int, epochs: float = 1.0) -> Node:
        reads = {name: inputs[name] for name in stage.after}
        told = {name: f"{origin.recipe}/{origin.file}" for name, origin in reads.items()}
        work = work_of(stage, told, seed, self._told(stage))
        node = Node(stage, work.settings, reads, seed, work.fingerprint, notes, epochs)
        return self.nodes.setdefault(work.fingerprint, node)

    def _told(self, stage: Stage) -> Mapping[str, object]:
        """The stage's settings; asked once of equal stages, as some read label maps and weights for it."""
        key = (stage.name, *(_written(getattr(stage, each.name)) for each in fields(stage)))  # type: ignore[arg-type]
        if key not in self._settings:
            self._settings[key] = stage.settings()
        return self._settings[key]

    def _largest(self, held: "_Held") -> dict[str, int]:
        """For each way to sample, the largest corpus that any cell wants: smaller ones are cut from it."""
        largest: dict[str, int] = {}
        for cell in self.ablation.cells:
            wanted = cell.synthetic_notes(held.sizes["train"].notes)
            largest[_generator(cell)] = max(wanted, largest.get(_generator(cell), 0))
        return largest


def _generator(cell: Cell) -> str:
    config = cell.config
    sampled = config.generate.model_dump_json(exclude={"count", "multiple"})
    return f"{cell.adapt_share} {sampled} {config.adapt.model_dump_json()} {config.substitute.model_dump_json()}"


def _written(value: object) -> str:
    if isinstance(value, Account):
        return ""  # where steps are written down decides no result
    return value.model_dump_json() if isinstance(value, BaseModel) else repr(value)


def _stages_of(cell: Cell, audits: list[str]) -> dict[str, Stage]:
    stages = {stage.name: stage for stage in release.stages_of(cell.config)}
    for name, stage in stages.items():
        if isinstance(stage, Evaluate):
            stages[name] = replace(stage, by_patient=True)
        elif isinstance(stage, Audit) and not _RECORDING & set(audits):
            # Else an audit would be stale whenever another cell had spent something.
            stages[name] = replace(stage, records=(), account=None)
    return stages


@dataclass(frozen=True, slots=True)
class _Held:
    """A fold: its stage, the patients of its sides, and their sizes."""

    stage: Fold
    seed: int
    sides: Mapping[str, set[str]] = field(repr=False)
    sizes: Mapping[str, Sizes]

    @classmethod
    def of(cls, ablation: Ablation, census: Census, fold: int) -> "_Held":
        base = ablation.base
        dev = base.split.dev / (base.split.train + base.split.dev)
        # The base's seed for all: tagger and tagger are compared on the same patients, whatever they were begun with.
        sides = census.sides(ablation.settings.folds, fold, dev, base.seed)
        stage = Fold(base.corpus, ablation.settings.folds, fold, dev)
        return cls(stage, base.seed, sides, {side: census.sizes(patients) for side, patients in sides.items()})


@dataclass(slots=True)
class _Walk:
    """Lays one route: `made` holds its nodes so far, by the name of their stage."""

    builder: _Builder
    held: _Held
    cell: Cell
    seed: int
    stages: Mapping[str, Stage]
    sampled: int
    made: dict[str, Node] = field(default_factory=dict)

    def route(self) -> Route:
        held, cell = self.held, self.cell
        fold = self._add("fold", held.stage, {"corpus": Origin("corpus")}, self.builder.census.sizes(
            self.builder.census.notes).notes, seed=held.seed)  # fmt: skip
        # A model that learns from nobody is judged against all whom it could have learnt from.
        adapt_from, adapt = self._share("subset", fold, cell.adapt_share or 1.0)
        gold_from, annotator = self._share("annotator-subset", fold, cell.annotator_share)
        tagger = self._add(
            "annotator", self.stages["annotator"], _sides("split", gold_from), annotator.notes,
            _epochs(cell.config.annotator, annotator.patients),
        )  # fmt: skip
        self._language_model(adapt_from, adapt)
        count = cell.synthetic_notes(held.sizes["train"].notes)
        notes = self._notes(fold, tagger, adapt_from, count)
        self._judged(fold, tagger, adapt_from, notes, count)
        none = Sizes(0, 0)
        return Route(cell, held.stage.fold, self.seed, self.made, adapt if cell.adapt_share else none, annotator, count)

    def _share(self, name: str, fold: Node, share: float) -> tuple[Node, Sizes]:
        if share == 1:
            return fold, self.held.sizes["train"]
        subset = self._add(name, Subset(share), _sides("fold", fold), self.held.sizes["train"].notes)
        patients = self.held.sides["train"]
        return subset, self.builder.census.subset("train", patients, share, self.seed)

    def _language_model(self, source: Node, size: Sizes) -> None:
        """From the base or the share's notes, with surrogates where those are asked for."""
        config = self.cell.config
        if "pseudonymise" in self.stages:
            self._add("pseudonymise", self.stages["pseudonymise"], _sides("split", source), size.notes)
        if self.cell.adapt_share == 0:
            self._add("adapt", Unadapted(config.adapt, config.compute), {}, 0)
            return
        adapt = self.stages["adapt"]
        inputs = _sides("pseudonymise", self.made["pseudonymise"]) if "pseudonymise" in self.made else {}
        self._add(
            "adapt", adapt, {**_sides("split", source), **inputs}, size.notes, _epochs(config.adapt, size.patients)
        )

    def _notes(self, fold: Node, tagger: Node, source: Node, count: int) -> Node:
        """The synthetic notes as they are learnt from: sampled, tagged, with surrogates, cut."""
        generate = self.stages["generate"]
        if isinstance(generate, Generate):
            generate = replace(generate, generate=generate.generate.model_copy(update={"count": self.sampled}))
        learnt = _sides("pseudonymise", self.made["pseudonymise"]) if "pseudonymise" in self.made else {}
        inputs = {"adapt": Origin(self.made["adapt"].recipe), **_sides("split", source), **learnt}
        sampled = self._add("generate", generate, inputs, self.sampled)
        tagged = {"annotator": Origin(tagger.recipe), "generate/notes.jsonl": Origin(sampled.recipe, "notes.jsonl")}
        notes, name = self._add("annotate", self.stages["annotate"], tagged, self.sampled), "annotate"
        if "substitute" in self.stages:
            private = _sides("split", fold, "train", "dev", "holdout")
            inputs = {"annotate/notes.jsonl": Origin(notes.recipe, "notes.jsonl"), **private}
            notes, name = self._add("substitute", self.stages["substitute"], inputs, self.sampled), "substitute"
        if count == self.sampled:
            return notes
        return self._add("cut", Cut(count, name == "substitute"), {
            f"{name}/notes.jsonl": Origin(notes.recipe, "notes.jsonl")}, count)  # fmt: skip

    def _judged(self, fold: Node, tagger: Node, source: Node, notes: Node, count: int) -> None:
        """The synthetic tagger, its scores beside the gold one's, and the audits, where there are any."""
        last = "substitute" if "substitute" in self.stages else "annotate"
        synthetic = {f"{last}/notes.jsonl": Origin(notes.recipe, "notes.jsonl")}
        train = self._add("train", self.stages["train"], synthetic, count, _epochs(self.cell.config.train, count))
        taggers = {"annotator": Origin(tagger.recipe), "train": Origin(train.recipe)}
        holdout = self.held.sizes["holdout"].notes
        # All cells of a fold call the same values unseen: those that its train notes do not hold.
        self._add(
            "evaluate", self.stages["evaluate"], {**taggers, **_sides("split", fold, "train", "holdout")}, holdout
        )
        if "audit" in self.stages:
            inputs = {
                **synthetic, **_sides("split", source, "train"), **_sides("split", fold, "holdout"),
                "annotator": taggers["annotator"], "adapt": Origin(self.made["adapt"].recipe),
                SITE_KEY: Origin(SITE_KEY),
            }  # fmt: skip
            self._add("audit", self.stages["audit"], inputs, count)

    def _add(
        self, name: str, stage: Stage, inputs: Mapping[str, Origin], notes: int, epochs: float = 1.0,
        seed: int | None = None,
    ) -> Node:  # fmt: skip
        node = self.builder.node(stage, inputs, self.seed if seed is None else seed, notes, epochs)
        self.made[name] = node
        return node


def _sides(name: str, node: Node, *sides: str) -> dict[str, Origin]:
    return {f"{name}/{side}.jsonl": Origin(node.recipe, f"{side}.jsonl") for side in sides or ("train", "dev")}


def _epochs(section: TaggerSettings | AdaptSettings, patients: int) -> float:
    """How often a training goes through its notes, at most."""
    private = section.dp if isinstance(section, AnnotatorSettings | AdaptSettings) else None
    if private is None:
        return float(section.epochs)
    if private.steps is None:
        return private.epochs
    return private.steps * (0.25 if private.batch is None else private.batch / max(1, patients))
