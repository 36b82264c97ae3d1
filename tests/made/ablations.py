"""Results of ablations with a known truth: what an execution writes, without anything having been trained."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from deidrelease import artifacts
from deidrelease.artifacts import Receipt
from deidrelease.auditing.result import AuditResult
from made.audit_results import clean_result, write_result

Levels = Mapping[str, Any]
Found = Callable[[Levels], float]
GRID: Mapping[str, Sequence[Any]] = {
    "share.adapt": [0.05, 0.25, 1.0],
    "share.annotator": [0.05, 1.0],
    "synthetic.share": [0.25, 1.0],
}


def rises(levels: Levels) -> float:
    """Chance that the synthetic tagger finds a mention: grows with the generator's gold, not with the size."""
    return {0.05: 0.6, 0.25: 0.85, 1.0: 0.851}[levels["share.adapt"]] - 0.2 * (levels["share.annotator"] < 1)


def annotated(levels: Levels) -> float:
    """The same for the gold tagger: the annotator's gold alone matters."""
    return 0.9 if levels.get("share.annotator", 1) == 1 else 0.7


@dataclass(frozen=True)
class Made:
    """An ablation to be written.

    Attributes:
        grid: Setting to levels; the product of all.
        synthetic: Chance that the synthetic tagger finds a mention, by levels.
        gold: The same of the gold tagger.
        folds: How many.
        patients: In each fold.
        seeds: Of the runs.
        audit: The result of a cell's audit in a fold; None for no audit.
        failed: Cells (as tuples of levels) and folds that failed.
    """

    grid: Mapping[str, Sequence[Any]] = field(default_factory=lambda: GRID)
    synthetic: Found = rises
    gold: Found = annotated
    folds: int = 3
    patients: int = 30
    seeds: tuple[int, ...] = (7,)
    audit: Callable[[Levels, int], AuditResult | None] = lambda _levels, _fold: clean_result()
    failed: frozenset[tuple[tuple[Any, ...], int]] = frozenset()

    def write(self, out: Path) -> Path:
        """Writes table, hits, and audits with their receipts; gives `out`."""
        out.mkdir(parents=True, exist_ok=True)
        rows, hits = [], []
        for levels, fold, seed in self._runs():
            done = (tuple(levels.values()), fold) not in self.failed
            row = self._row(levels, fold, seed, done, out)
            rows.append(row)
            if done:
                hits += list(self._hits(row["cell"], levels, fold, seed))
        parquet.write_table(pa.Table.from_pylist(rows), out / "ablation.parquet")
        parquet.write_table(pa.Table.from_pylist(hits), out / "hits.parquet")
        return out

    def _runs(self) -> Iterator[tuple[Levels, int, int]]:
        for levels in product(*self.grid.values()):
            for fold, seed in product(range(1, self.folds + 1), self.seeds):
                yield dict(zip(self.grid, levels, strict=True)), fold, seed

    def _row(self, levels: Levels, fold: int, seed: int, done: bool, out: Path) -> dict[str, Any]:
        cell = artifacts.sha256_text(artifacts.canonical_json(dict(levels)))[:12]
        result = self.audit(levels, fold) if done else None
        gold = 60 * self.folds / 3
        synthetic_notes = int(gold * levels.get("synthetic.share", 1.0))
        row: dict[str, Any] = {
            "cell": cell, "fold": fold, "seed": seed, "status": "done" if done else "failed",
            "why": "" if done else "The model cannot be used.", **levels,
            "gold_patients_adapt": int(gold * levels.get("share.adapt", 1.0)),
            "gold_patients_annotator": int(gold * levels.get("share.annotator", 1.0)),
            "gold_notes_adapt": int(gold * levels.get("share.adapt", 1.0)),
            "synthetic_notes": synthetic_notes if done else None,
        }  # fmt: skip
        for tagger, chance in (("gold", self.gold(levels)), ("synthetic", self.synthetic(levels))):
            for measure in ("strict.f1", "strict.precision", "strict.recall", "token.f1"):
                for end, value in (("", chance), (".low", chance - 0.02), (".high", chance + 0.02)):
                    row[f"{tagger}.{measure}{end}"] = value if done else None
        row |= _audit_columns(result)
        row["seconds"] = 100.0 + synthetic_notes if done else None
        row["seconds_shared"] = 50.0 if done else None
        row["peak_memory_bytes"] = 2**30 if done else None
        row["audit_artefact"] = None if result is None else _publish(result, out)
        return row

    def _hits(self, cell: str, levels: Levels, fold: int, seed: int) -> Iterator[dict[str, Any]]:
        mentions = np.random.default_rng(fold).integers(5, 30, self.patients)
        for patient, n in enumerate(mentions):
            row: dict[str, Any] = {"cell": cell, "fold": fold, "seed": seed, "patient": patient}
            for tagger, chance in (("gold", self.gold(levels)), ("synthetic", self.synthetic(levels))):
                # One luck for all cells: a higher chance finds all that a lower one finds, and more.
                rng = np.random.default_rng([fold, patient, seed, int(tagger == "gold")])
                found = rng.random(n) < chance
                wrong = ~found & (rng.random(n) < 0.8)
                tp, fp = int(found.sum()), int(wrong.sum())
                row |= {f"{tagger}_tp": tp, f"{tagger}_fp": fp, f"{tagger}_fn": int(n) - tp}
            yield row


def _audit_columns(result: AuditResult | None) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for report in result.audits if result else ():
        columns[f"audit.{report.audit}.status"] = report.status
        for name, estimate in report.metrics.items():
            for end, value in (("", estimate.value), (".low", estimate.low), (".high", estimate.high)):
                columns[f"audit.{report.audit}.{name}{end}"] = value
    return columns


def _publish(result: AuditResult, out: Path) -> str:
    """Publishes an audit under the name that its content gives it."""
    name = "audit-" + artifacts.sha256_text(artifacts.canonical_json(result.document()))[:16]
    final, partial = out / "artefacts" / name, out / "artefacts" / f".{name}.partial"
    if not final.exists():
        write_result(result, partial / "result.json")
        outputs = artifacts.survey(partial, frozenset({"result.json"}))
        artifacts.publish(partial, final, Receipt("audit", "0" * 64, 1, {}, {}, outputs, 0, {}, 1.0, 1, 2**20))
    return name
