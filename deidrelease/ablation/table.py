"""The results of an ablation as one tidy table: a row for each cell, fold and seed; and beside it the hits by patient.

Equal artefacts give equal bytes, whenever and in whichever order they were made. Numbers alone, and names of settings,
labels and audits: no text, no value, and of patients a running number within their fold.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deidrelease.ablation.loading import Ablation
from deidrelease.ablation.making import Artefacts, Made
from deidrelease.ablation.nodes import Graph, Route
from deidrelease.artifacts import atomic_writer
from deidrelease.auditing.result import read_result
from deidrelease.auditing.writing import RESULT
from deidrelease.stages.evaluate import PATIENTS

TABLE, CSV, HITS = "ablation.parquet", "ablation.csv", "hits.parquet"
Row = dict[str, Any]
_MEASURES = {
    "strict.f1": "strict_f1", "strict.precision": "strict_precision", "strict.recall": "strict_recall",
    "token.f1": "token_f1",
}  # fmt: skip
_TAGGERS = {"gold": "gold_tagger", "synthetic": "synthetic_tagger"}
_LAST = ("seconds", "seconds_shared", "peak_memory_bytes", "audit_artefact")
_HIT_COLUMNS = ("gold_tp", "gold_fp", "gold_fn", "synthetic_tp", "synthetic_fp", "synthetic_fn")


@dataclass(slots=True)
class Tables:
    """Writes what is known so far; finished cells are read once.

    Attributes:
        out: Folder of the ablation.
        ablation: What is being made.
        graph: Its nodes and routes.
        artefacts: What of them is there.
    """

    out: Path
    ablation: Ablation
    graph: Graph
    artefacts: Artefacts
    _done: dict[int, Row] = field(default_factory=dict)
    _hits: dict[int, list[Row]] = field(default_factory=dict)
    _uses: dict[str, int] = field(default_factory=dict)
    _ended: set[int] = field(default_factory=set)

    def done(self) -> list[int]:
        """Numbers of the routes of which everything is there and whole."""
        done = self.artefacts.done()
        return [number for number, route in enumerate(self.graph.routes) if done.issuperset(route.recipes())]

    def write(self, failed: Mapping[str, str], ended: Iterable[int]) -> None:
        """Writes table and hits, whole or not at all.

        Args:
            failed: Recipe to what failed, also of nodes behind one that did.
            ended: Numbers of routes that have ended since this was last called.
        """
        self._ended.update(ended)
        rows = [self._row(number, route, failed) for number, route in enumerate(self.graph.routes)]
        order = sorted(range(len(rows)), key=lambda number: [rows[number][key] for key in ("cell", "fold", "seed")])
        hits = [hit for number in order for hit in self._hits.get(number, ())]
        # The hits first: a table that calls a cell done has them.
        _write_parquet(self.out / HITS, hits, ["cell", "fold", "seed", "patient", *_HIT_COLUMNS])
        table = [rows[number] for number in order]
        columns = self._columns(table)
        _write_parquet(self.out / TABLE, table, columns)
        _write_csv(self.out / CSV, table, columns)

    def _columns(self, rows: Iterable[Row]) -> list[str]:
        first = [*_head(self.graph.routes[0]), *_scores()]
        found = {name for row in rows for name in row} - {*first, *_LAST}
        return [*first, *sorted(found), *_LAST]

    def _row(self, number: int, route: Route, failed: Mapping[str, str]) -> Row:
        if number not in self._done:
            why = next((failed[recipe] for recipe in route.recipes() if recipe in failed), None)
            made = self._made(route) if number in self._ended and not why else None
            if made is None:
                return {**_head(route), "status": "failed" if why else "missing", "why": why or ""}
            self._done[number] = {**_head(route), "status": "done", **self._measured(route, made)}
            self._hits[number] = _hits_of(route, made["evaluate"].folder / PATIENTS)
        return self._done[number]

    def _made(self, route: Route) -> dict[str, Made] | None:
        made = {}
        for name, node in route.nodes.items():
            found = self.artefacts.find(node.recipe)
            if found is None:
                return None
            made[name] = found
        return made

    def _measured(self, route: Route, made: Mapping[str, Made]) -> Row:
        row = _scores_of(made["evaluate"].folder / "result.json")
        if "audit" in made:
            row |= _audits_of(made["audit"].folder / RESULT)
            row["audit_artefact"] = made["audit"].folder.name
        self._uses = self._uses or self.graph.uses()
        seconds = {node.recipe: made[name].receipt.seconds for name, node in route.nodes.items()}
        shared = [each for recipe, each in seconds.items() if self._uses[recipe] > 1]
        row["seconds"], row["seconds_shared"] = round(sum(seconds.values()), 3), round(sum(shared), 3)
        row["peak_memory_bytes"] = max(each.receipt.peak_memory_bytes for each in made.values())
        return row


def _head(route: Route) -> Row:
    """What is known of a route before anything is made."""
    return {
        "cell": route.cell.id, "fold": route.fold + 1, "seed": route.seed, "status": "", "why": "", **route.cell.levels,
        "gold_patients_adapt": route.adapt.patients, "gold_patients_annotator": route.annotator.patients,
        "gold_notes_adapt": route.adapt.notes, "synthetic_notes": route.synthetic_notes,
    }  # fmt: skip


def _scores() -> list[str]:
    names = [f"{tagger}.{measure}" for tagger in _TAGGERS for measure in _MEASURES]
    return [name + end for name in names for end in ("", ".low", ".high")]


def _scores_of(path: Path) -> Row:
    result = json.loads(path.read_text(encoding="utf-8"))
    row: Row = {}
    for tagger, key in _TAGGERS.items():
        for measure, name in _MEASURES.items():
            row |= _interval(f"{tagger}.{measure}", result[key]["overall"][name])
        for label, scores in sorted(result[key]["per_label"].items()):
            row |= _interval(f"{tagger}.strict.f1/{label}", scores["strict_f1"])
    return row


def _interval(name: str, estimate: Mapping[str, Any] | None) -> Row:
    """Value and ends; empty where the measure is undefined, which is not 0."""
    told = estimate or {}
    return {name: told.get("value"), f"{name}.low": told.get("low"), f"{name}.high": told.get("high")}


def _audits_of(path: Path) -> Row:
    row: Row = {}
    for report in read_result(path).audits:
        row[f"audit.{report.audit}.status"] = report.status
        for name, found in report.metrics.items():
            told = {"value": found.value, "low": found.low, "high": found.high}
            row |= _interval(f"audit.{report.audit}.{name}", told)
    return row


def _hits_of(route: Route, file: Path) -> list[Row]:
    told = json.loads(file.read_text(encoding="utf-8"))
    place = {"cell": route.cell.id, "fold": route.fold + 1, "seed": route.seed}
    return [
        {**place, "patient": number, **dict(zip(_HIT_COLUMNS, [*gold, *synthetic], strict=True))}
        for number, (gold, synthetic) in enumerate(zip(told["gold"], told["synthetic"], strict=True))
    ]


def _write_parquet(path: Path, rows: list[Row], columns: list[str]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    arrays = [_array([row.get(name) for row in rows], name) for name in columns]
    with atomic_writer(path) as stream:
        parquet.write_table(pa.Table.from_arrays(arrays, names=columns), stream)


def _array(values: list[Any], name: str) -> Any:
    """One column; of a setting whose values are of several kinds all become words, as a column has one kind."""
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int}:
        return pa.array(values, pa.int64() if kinds or name in _HIT_COLUMNS else pa.float64())
    if kinds <= {int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if kinds in ({bool}, {str}):
        return pa.array(values)
    return pa.array([None if value is None else json.dumps(value) for value in values], pa.string())


def _write_csv(path: Path, rows: list[Row], columns: list[str]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    with atomic_writer(path) as stream:
        stream.write(text.getvalue().encode("utf-8"))


def _cell(value: Any) -> Any:
    return "" if value is None else repr(value) if isinstance(value, float) else value
