"""Points: F1 of each cell against what it leaks, and against what it costs."""

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deidrelease.ablation.outcomes import CellOutcome, Outcomes
from deidrelease.ablation.pictures.style import GREY, cleared, drawn
from deidrelease.ablation.slices import LEAKS, Scored, undominated
from deidrelease.ablation.wording import cell_text, level_text, short_axis
from deidrelease.results import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = {"o": "○", "s": "□", "^": "△", "D": "◇", "v": "▽", "h": "⬡"}
_MOST_NAMED = 10
_MOST_SPREAD = 24
_CHANCE = {"auc": 0.5, "patients_excess": 0.0}
_NAMES = {
    "verbatim.patients_excess": "verbatim: patients found\nbeyond the hold-out's share",
    "near_duplicate.patients_excess": "near duplicates: patients found\nbeyond the hold-out's share",
    "pii_replay.patients_excess": "identifiers: patients found\nbeyond the hold-out's share",
    "linkage.patients_excess": "linkage: patients found\nbeyond the hold-out's share",
    "membership.auc": "membership attack, AUC\n(0.5 is chance)",
    "canary.auc": "canaries, AUC\n(0.5 is chance)",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture of points.

    Attributes:
        name: Under the x axis.
        at: Cell id to its place on the x axis.
        reach: Cell id to how far the place may be off; not for every cell.
        chance: Where no leak stands; None for no line.
        missing: How many whole cells have no such number.
    """

    name: str
    at: Mapping[str, float]
    reach: Mapping[str, tuple[float, float]]
    chance: float | None
    missing: int


def draw_leaks(outcomes: Outcomes, scored: Scored, passing: Mapping[str, bool], out: Path) -> bool:
    """F1 against each leak metric that the audits measured; False where none was measured in any cell.

    Args:
        outcomes: Of the ablation.
        scored: Its whole cells.
        passing: Cell id to whether it passes the policy in every run.
        out: Existing folder.
    """
    panels = [panel for metric in LEAKS if (panel := _leak_panel(outcomes, scored, metric)).at]
    if not panels:
        return False
    where = "Across: mean over folds, with the least and the greatest end of their intervals. "
    title = "F1 of the synthetic tagger against what its corpus tells of training patients"
    _draw(outcomes, scored, passing, panels, out, "f1-leaks", title, where)
    return True


def draw_cost(outcomes: Outcomes, scored: Scored, passing: Mapping[str, bool], out: Path) -> bool:
    """F1 against seconds of computing; False where no cell's were measured. Arguments as those of `draw_leaks`."""
    at = {cell.id: mean / 60 for cell in _scored(outcomes, scored) if (mean := cell.mean("seconds"))}
    if not at:
        return False
    missing = len(outcomes.whole) - len(at)
    panel = Panel("minutes of computing for one run, by the clock", at, {}, None, missing)
    where = "Across: mean over folds of all stages of one run, also those that cells share. "
    _draw(outcomes, scored, passing, [panel], out, "f1-cost", "F1 of the synthetic tagger against its cost", where)
    return True


def _leak_panel(outcomes: Outcomes, scored: Scored, metric: str) -> Panel:
    leaks = {cell.id: leak for cell in _scored(outcomes, scored) if (leak := cell.leak(metric))}
    at = {cell: mean for cell, (mean, _) in leaks.items()}
    reach = {cell: ends for cell, (_, ends) in leaks.items()}
    return Panel(_NAMES[metric], at, reach, _CHANCE[metric.split(".")[1]], len(outcomes.whole) - len(at))


def _scored(outcomes: Outcomes, scored: Scored) -> list[CellOutcome]:
    return [cell for cell in outcomes.whole if scored.synthetic[cell.id]]


def _draw(
    outcomes: Outcomes, scored: Scored, passing: Mapping[str, bool], panels: Sequence[Panel], out: Path, name: str,
    title: str, where: str,
) -> None:  # fmt: skip
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    f1 = {cell.id: found for cell in outcomes.whole if (found := scored.synthetic[cell.id])}
    letters = _letters(panels, f1)
    told = f"{_shapes(outcomes)}{where}Up: 95% interval. Filled: passes the policy in every run."
    if len(outcomes.whole) > _MOST_SPREAD:
        told += " Intervals are drawn of the cells with letters alone."
    told += " Line: cells that no other beats in both." + "".join(f"\n{line}" for line in _key(outcomes, letters))
    with drawn(out, name, 1.0 + 2.7 * columns if columns > 1 else 6.4, 0.8 + 2.7 * rows, title, told) as figure:
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        for axes, panel in zip(grid, panels, strict=False):
            _points(axes, outcomes, panel, f1, passing, letters)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[::columns]:
            axes.set_ylabel("strict F1")


def _points(
    axes: "Axes", outcomes: Outcomes, panel: Panel, f1: Mapping[str, Estimate], passing: Mapping[str, bool],
    letters: Mapping[str, str],
) -> None:  # fmt: skip
    if panel.chance is not None:
        axes.axvline(panel.chance, color="0.6", linewidth=0.9, linestyle=(0, (4, 2)))
    edge = undominated({cell: (x, f1[cell].value) for cell, x in panel.at.items()})
    # In steps: between two cells nothing was measured, so no slope is claimed.
    places, heights = [panel.at[c] for c in edge], [f1[c].value for c in edge]
    axes.plot(places, heights, color=GREY, linewidth=1.0, drawstyle="steps-post", zorder=1)
    _spread(axes, panel, f1, letters if len(outcomes.whole) > _MOST_SPREAD else panel.at)
    for cell in outcomes.whole:
        if cell.id not in panel.at:
            continue
        place = (panel.at[cell.id], f1[cell.id].value)
        fill = "black" if passing.get(cell.id) else "white"
        edge_of, order = ("black", 3) if cell.id in letters or passing.get(cell.id) else ("0.5", 2)
        axes.plot(*place, _marker(outcomes, cell), color=edge_of, markerfacecolor=fill, markersize=4.5, zorder=order)
        if letter := letters.get(cell.id):
            axes.annotate(letter, place, xytext=(-9, 4), textcoords="offset points", fontsize=8, zorder=4)
    axes.set_xlabel(panel.name)
    if panel.chance is None and max(panel.at.values()) > 10 * min(panel.at.values()) > 0:
        axes.set_xscale("log")
    else:
        # Small shares have long numbers, which must not run into one another.
        axes.locator_params(axis="x", nbins=5)
    if panel.missing:
        axes.set_title(f"{panel.missing} cell(s) not measured", loc="right", fontsize=7.5, color="0.25")
    cleared(axes, "both")


def _spread(axes: "Axes", panel: Panel, f1: Mapping[str, Estimate], shown: Iterable[str]) -> None:
    """How far each place of those `shown` may be off, across and up, in a grey that stays behind the points."""
    places = [(cell, panel.at[cell]) for cell in shown if cell in panel.at]
    crosses = [(x, panel.reach.get(cell, (x, x)), f1[cell]) for cell, x in places]
    axes.errorbar(
        [x for x, _, _ in crosses], [y.value for _, _, y in crosses], fmt="none", ecolor="0.65", elinewidth=0.7,
        zorder=0,
        xerr=[[max(0.0, x - low) for x, (low, _), _ in crosses], [max(0.0, high - x) for x, (_, high), _ in crosses]],
        yerr=[[y.value - y.low for _, _, y in crosses], [y.high - y.value for _, _, y in crosses]],
    )  # fmt: skip


def _first_axis(outcomes: Outcomes) -> str | None:
    return next((axis for axis, levels in outcomes.axes.items() if len(levels) <= len(_MARKERS)), None)


def _marker(outcomes: Outcomes, cell: CellOutcome) -> str:
    axis = _first_axis(outcomes)
    return tuple(_MARKERS)[outcomes.axes[axis].index(cell.levels[axis]) if axis else 0]


def _shapes(outcomes: Outcomes) -> str:
    """Which shape is which level of the first setting, as a line of text."""
    axis = _first_axis(outcomes)
    if axis is None:
        return ""
    levels = zip(_MARKERS.values(), outcomes.axes[axis], strict=False)
    return f"{short_axis(axis)}: " + "  ".join(f"{sign} {level_text(axis, level)}" for sign, level in levels) + "\n"


def _letters(panels: Sequence[Panel], f1: Mapping[str, Estimate]) -> dict[str, str]:
    """A letter for each cell that nothing beats in some panel, the best F1 first, as many as can be read."""
    named = {c for panel in panels for c in undominated({c: (x, f1[c].value) for c, x in panel.at.items()})}
    ordered = sorted(named, key=lambda cell: (-f1[cell].value, cell))
    return dict(zip(ordered[:_MOST_NAMED], string.ascii_uppercase, strict=False))


def _key(outcomes: Outcomes, letters: Mapping[str, str]) -> list[str]:
    by_id = {cell.id: cell for cell in outcomes.whole}
    return [f"{letter}: {cell_text(by_id[cell])}" for cell, letter in letters.items()]
