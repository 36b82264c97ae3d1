"""Writes the report of an ablation: the summary, every comparison as a table, and the pictures."""

import csv
import datetime
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deidrelease.ablation.comparing import compare_all
from deidrelease.ablation.judging import judge_cells
from deidrelease.ablation.outcomes import CellOutcome, read_outcomes
from deidrelease.ablation.pictures.curves import draw_gold_share, draw_synthetic_size
from deidrelease.ablation.pictures.frontier import draw_cost, draw_leaks
from deidrelease.ablation.pictures.heat import draw_heat_map
from deidrelease.ablation.questions import questions_of
from deidrelease.ablation.slices import best_cell, score_cells
from deidrelease.ablation.summary import Findings, summary
from deidrelease.ablation.wording import cell_text
from deidrelease.artifacts import write_text
from deidrelease.errors import ArtifactError, Problem
from deidrelease.policy import Policy

REPORT, SUMMARY, COMPARISONS = "report", "summary.md", "comparisons.csv"


def write_report(out: Path, policy: Policy, now: datetime.date, folder: Path | None = None) -> Path:
    """Writes all of it and gives the folder; equal results give equal bytes.

    Args:
        out: Folder of the ablation.
        policy: Against which the audits are held; pictures and summary show which cells pass.
        now: The day, UTC.
        folder: Where to; `report` within `out` by default.

    Raises:
        ArtifactError: There are no results that can be used, or no cell is done in every fold yet.
    """
    found = findings_of(out, policy, now)
    target = folder or out / REPORT
    target.mkdir(parents=True, exist_ok=True)
    found = replace(found, pictures=_draw(found, target))
    write_text(target / COMPARISONS, comparisons_csv(found))
    write_text(target / SUMMARY, summary(found))
    return target


def findings_of(out: Path, policy: Policy, now: datetime.date) -> Findings:
    """All that the report says, but for pictures. Arguments and errors as those of `write_report`."""
    outcomes = read_outcomes(out)
    if not outcomes.whole:
        remedy = "go on with `deidrelease ablate`, then report again"
        problem = Problem(str(out), "no cell is done on every fold", remedy)
        raise ArtifactError("There is nothing to report yet.", [problem])
    verdicts = judge_cells(outcomes, out, policy, now)
    comparisons = compare_all(outcomes, questions_of(outcomes))
    return Findings(outcomes, score_cells(outcomes), comparisons, verdicts, policy.name, ())


def _draw(found: Findings, target: Path) -> list[str]:
    """Names of the pictures that there was something to draw for."""
    outcomes, scored = found.outcomes, found.scored
    if best_cell(outcomes, scored) is None:
        return []
    passing = {cell: verdict.passes for cell, verdict in found.verdicts.items()}
    drawn = {
        "f1-gold-share": draw_gold_share(outcomes, scored, target),
        "f1-annotator-generator": draw_heat_map(outcomes, scored, target),
        "f1-synthetic-size": draw_synthetic_size(outcomes, scored, target),
        "f1-leaks": draw_leaks(outcomes, scored, passing, target),
        "f1-cost": draw_cost(outcomes, scored, passing, target),
    }
    return [name for name, there in drawn.items() if there]


def comparisons_csv(found: Findings) -> str:
    """A row a comparison, with all digits."""
    outcomes, comparisons = found.outcomes, found.comparisons
    by_id = {cell.id: cell for cell in outcomes.cells}
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        ["about", "left_tagger", "left", "right_tagger", "right", "difference", "low", "high", "p", "holm_p",
         "patients_that_differ", "folds_of_same_sign", "folds", "told_apart"]
    )  # fmt: skip
    for each in comparisons:
        q, gap = each.question, each.difference
        writer.writerow(
            [q.about, q.left.tagger, _side(by_id, q.left.cells), q.right.tagger, _side(by_id, q.right.cells),
             repr(gap.value), repr(gap.low), repr(gap.high), repr(each.p), repr(each.holm), each.patients, each.folds,
             each.of, str(each.told_apart).lower()]
        )  # fmt: skip
    return stream.getvalue()


def _side(by_id: dict[str, CellOutcome], cells: Sequence[str]) -> str:
    return " + ".join(cell_text(by_id[cell]) or cell for cell in cells)
