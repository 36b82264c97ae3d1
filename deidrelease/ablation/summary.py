"""The summary of an ablation in Markdown: what varied, what it did to F1, what each cell leaks, what nothing here says.

Every sentence on a difference comes from `wording.comparison_text`, which says *higher* only of what survives the
correction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from deidrelease.ablation.comparing import LEVEL, RESAMPLING, Comparison, Side, f1_of
from deidrelease.ablation.judging import CellVerdict
from deidrelease.ablation.leak_tables import leak_tables
from deidrelease.ablation.markdown import MOST_ROWS, cut_off, table
from deidrelease.ablation.outcomes import CellOutcome, Outcomes
from deidrelease.ablation.questions import TAGGER, TAGGER_ORDER, blocks_of, steps_of
from deidrelease.ablation.slices import Scored
from deidrelease.ablation.wording import (
    axis_text,
    cell_text,
    comparison_text,
    difference_text,
    level_text,
    p_text,
    plain,
    score_text,
    seconds_text,
)

_LIMITS = f"""\
Intervals are 95%, by resampling hold-out patients within each fold ({RESAMPLING.n_resamples:,} resamples),
each for itself. The test is Wilcoxon's signed-rank test on the patients' F1, two-sided, with Holm's
correction over all comparisons on this page. *Higher* and *lower* are said only where the corrected p is at
most {LEVEL:g} the interval is clear of zero, and test, interval and every fold point to the same side.
*Cannot be told apart* does not say that two things are equal: the interval says how far apart they may be.

Neither covers another training of the same cell, except as far as several seeds were run, nor the dependence
of folds that share training patients, nor another hospital, nor mistakes in the gold annotation.

Gold and synthetic taggers are scored on patients that no model of their fold has seen. Leaks are measured
against the patients that the generator of the cell learnt from, with the fold's hold-out for a control. With
few such patients, a share of them is a coarse number: look at its interval."""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a summary is written from.

    Attributes:
        outcomes: Of the ablation.
        scored: Its whole cells.
        comparisons: All that were made, corrected together.
        verdicts: Of the policy, by cell.
        policy: Its name.
        pictures: File names, beside the summary.
    """

    outcomes: Outcomes
    scored: Scored
    comparisons: Sequence[Comparison]
    verdicts: Mapping[str, CellVerdict]
    policy: str
    pictures: Sequence[str]


def summary(found: Findings) -> str:
    """The whole page; equal findings give an equal page."""
    parts = (_head, _varied, _gaps, _axes, _taggers, _cells, _leaks, _survivors, _pictures, _limits)
    return "\n".join(line for part in parts for line in part(found)).rstrip() + "\n"


def _head(found: Findings) -> Iterator[str]:
    outcomes = found.outcomes
    runs = [run for cell in outcomes.cells for run in cell.runs]
    folds, seeds = {run.fold for run in runs}, {run.seed for run in runs}
    yield "# Ablation"
    yield ""
    yield (
        f"{len(outcomes.cells)} cells, {len(folds)} folds by patient, {len(seeds)} seed(s): {len(runs)} runs, "
        f"{sum(run.status == 'done' for run in runs)} done. {len(outcomes.whole)} cells are done in every run; only "
        f"these are compared, on {len(outcomes.folds)} hold-out patients. F1 is strict: same span, same type."
    )
    if len(seeds) == 1:
        yield ""
        yield (
            "One seed: intervals cover the choice of hold-out patients, and not what another training would have "
            "made of the same cell. A small difference may be that, above all with fewer than 5 folds."
        )
    yield ""


def _varied(found: Findings) -> Iterator[str]:
    yield "## What varied"
    yield ""
    for axis, levels in found.outcomes.axes.items():
        yield f"- {axis_text(axis)} (`{axis}`): {', '.join(level_text(axis, level) for level in levels)}"
    if not found.outcomes.axes:
        yield "Nothing: there is one cell."
    yield ""


def _gaps(found: Findings) -> Iterator[str]:
    gaps = [(cell, run) for cell in found.outcomes.cells for run in cell.runs if run.status != "done"]
    if not gaps:
        return
    yield "## What is not there"
    yield ""
    rows = [[cell_text(cell), str(run.fold), str(run.seed), run.status, run.why] for cell, run in gaps]
    yield from table(["cell", "fold", "seed", "state", "why"], rows[:MOST_ROWS])
    yield from cut_off(rows)


def _axes(found: Findings) -> Iterator[str]:
    for axis in found.outcomes.axes:
        yield f"## By {axis_text(axis)}"
        yield ""
        yield from _levels(found, axis)
        yield from _steps(found, axis)
        yield ""


def _levels(found: Findings, axis: str) -> Iterator[str]:
    blocks = blocks_of(found.outcomes, axis)
    if not blocks:
        return
    columns = list(zip(*blocks, strict=True))
    gold, synthetic = (_pooled(found.outcomes, columns, tagger) for tagger in ("gold", "synthetic"))
    rows = [
        [level_text(axis, level), g, s] for level, g, s in zip(found.outcomes.axes[axis], gold, synthetic, strict=True)
    ]
    yield f"Counts of the {len(blocks)} cell(s) at each level added up; all else is the same at every level."
    yield ""
    yield from table([axis, "F1 gold tagger", "F1 synthetic tagger"], rows)


def _steps(found: Findings, axis: str) -> Iterator[str]:
    steps = steps_of(found.outcomes, axis)
    if not steps:
        yield "No two cells differ in this alone."
        return
    asked = {(c.question.left, c.question.right): c for c in found.comparisons if c.question.about == axis}
    told: list[str] = []
    for tagger in TAGGER_ORDER:
        for step in steps:
            made = asked.get((step.side(tagger, after=True), step.side(tagger, after=False)))
            if made is not None:
                after, before = (f"the {tagger} tagger at {level_text(axis, x)}" for x in (step.after, step.before))
                pairs = f"Over {len(step.pairs)} pair(s) of cells, {after}"
                told.append(f"- {comparison_text(made, pairs, before)}")
    yield from told
    if not told:
        yield "At every level the taggers find and miss the same: there is nothing to compare."


def _pooled(outcomes: Outcomes, columns: Sequence[Sequence[CellOutcome]], tagger: str) -> list[str]:
    sides = [Side(tuple(cell.id for cell in column), "gold" if tagger == "gold" else "synthetic") for column in columns]
    return [score_text(estimate) for estimate in f1_of(outcomes, sides)]


def _step(comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    return f"{difference_text(comparison.difference)}, {p_text(comparison.holm)}"


def _taggers(found: Findings) -> Iterator[str]:
    yield "## Synthetic against gold tagger, cell by cell"
    yield ""
    by_cell = {c.question.left.cells[0]: c for c in found.comparisons if c.question.about == TAGGER}
    rows = []
    for cell in found.outcomes.whole:
        scores = (score_text(found.scored.of(tagger)[cell.id]) for tagger in ("gold", "synthetic"))
        told = by_cell.get(cell.id)
        verdict = ("lower" if told.difference.value < 0 else "higher") if told and told.told_apart else "not told apart"
        rows.append([cell_text(cell), *scores, _step(told), verdict])
    yield from table(["cell", "gold", "synthetic", "difference, Holm p", "synthetic is"], rows[:MOST_ROWS])
    yield from cut_off(rows)


def _cells(found: Findings) -> Iterator[str]:
    yield "## Other scores and cost, mean over runs"
    yield ""
    names = ("gold.token.f1", "synthetic.token.f1", "synthetic.strict.precision", "synthetic.strict.recall")
    rows = [
        [cell_text(cell), *(_number(cell.mean(name)) for name in names), _count(cell.mean("synthetic_notes")),
         seconds_text(cell.mean("seconds")), _gibibytes(cell)]
        for cell in found.outcomes.whole
    ]  # fmt: skip
    head = ["cell", "token F1 gold", "token F1 synthetic", "precision", "recall", "synthetic notes", "time", "memory"]
    yield from table(head, rows[:MOST_ROWS])
    yield from cut_off(rows)
    yield "Precision and recall are strict and the synthetic tagger's. Time is by the clock, of all stages of one run."
    yield ""


def _leaks(found: Findings) -> Iterator[str]:
    yield "## What each cell leaks"
    yield ""
    yield from leak_tables(found.outcomes.whole, found.verdicts, found.policy)


def _survivors(found: Findings) -> Iterator[str]:
    made = [c for c in found.comparisons if c.question.about != TAGGER and len(c.question.left.cells) == 1]
    apart = [c for c in made if c.told_apart]
    total = sum(c.told_apart for c in found.comparisons)
    yield "## Pairs of cells that differ in one setting"
    yield ""
    yield f"{len(found.comparisons)} comparisons stand on this page and in `comparisons.csv`; {total} are told apart."
    yield f"Of {len(made)} pairs of neighbouring cells {len(apart) or 'none'} {'is' if len(apart) < 2 else 'are'}:"
    yield ""
    by_id = {cell.id: cell for cell in found.outcomes.cells}
    sentences = [_pair(c, by_id) for c in apart]
    yield from sentences[:MOST_ROWS]
    yield ""
    yield from cut_off(sentences)


def _pair(comparison: Comparison, by_id: Mapping[str, CellOutcome]) -> str:
    axis, question = comparison.question.about, comparison.question
    left, right = (by_id[side.cells[0]] for side in (question.left, question.right))
    others = cell_text(left, but=axis)
    at = f" ({others})" if others else ""
    names = (f"`{axis}` {level_text(axis, cell.levels[axis])}" for cell in (left, right))
    first, second = names
    return f"- {comparison_text(comparison, first + at, second)}"


def _pictures(found: Findings) -> Iterator[str]:
    if not found.pictures:
        return
    yield "## Pictures"
    yield ""
    for name in found.pictures:
        yield f"![{name}]({name}.svg)"
        yield ""


def _limits(found: Findings) -> Iterator[str]:  # noqa: ARG001
    yield "## What this does not say"
    yield ""
    yield _LIMITS


def _number(value: float | None) -> str:
    return "not defined" if value is None else plain(value)


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _gibibytes(cell: CellOutcome) -> str:
    mean = cell.mean("peak_memory_bytes")
    return "" if mean is None else f"{mean / 2**30:.1f} GiB"
