"""Lines: F1 against the share of gold, and against the size of the synthetic corpus."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deidrelease.ablation.outcomes import CellOutcome, Outcomes
from deidrelease.ablation.pictures.style import GOLD, SERIES, SYNTHETIC, Hand, apart, beside, cleared, drawn, placed
from deidrelease.ablation.slices import (
    GOLD_AXES,
    SIZE_AXES,
    Line,
    Scored,
    best_cell,
    gold_lines,
    line_through,
    lines_by,
)
from deidrelease.ablation.wording import axis_text, level_text, levels_text, short_axis
from deidrelease.results import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AXIS_NAMES = {
    "both": "generator and annotator together",
    "share.both": "generator and annotator together",
    "share.adapt": "generator alone",
    "share.annotator": "annotator alone",
}


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, how it is drawn, and an estimate for each place; None where there is none."""

    name: str
    hand: Hand
    estimates: Sequence[Estimate | None]


def draw_gold_share(outcomes: Outcomes, scored: Scored, out: Path) -> bool:
    """F1 of the gold and of the synthetic tagger against the share of gold patients; False where none was varied."""
    best = best_cell(outcomes, scored, GOLD_AXES)
    lines = gold_lines(outcomes, best) if best else []
    if best is None or not lines:
        return False
    title, beneath = "F1 against the share of gold patients", _beneath(outcomes, best, but=GOLD_AXES)
    with drawn(out, "f1-gold-share", 2.0 + 2.7 * len(lines), 3.5, title, beneath) as figure:
        panels = figure.subplots(1, len(lines), sharey=True, squeeze=False)[0]
        for panel, line in zip(panels, lines, strict=True):
            places = placed(panel, "share", line.levels, [_patients(line, cell) for cell in line.cells])
            for series, shift in zip(_both(line, scored), beside(places, 2), strict=True):
                _draw(panel, [place + shift for place in places], series)
            panel.set_title(_AXIS_NAMES[line.axis], loc="left", fontsize=9)
            panel.set_xlabel("share of gold patients\n(their number)")
            cleared(panel)
        panels[0].set_ylabel("strict F1")
        _name_ends(panels[-1], _both(lines[-1], scored))
    return True


def draw_synthetic_size(outcomes: Outcomes, scored: Scored, out: Path) -> bool:
    """F1 of the synthetic tagger against the size of its corpus, a line for each share of gold; False if not varied."""
    axis = next((axis for axis in SIZE_AXES if axis in outcomes.axes), None)
    by = next((a for a in ("share.adapt", "share.both") if a in outcomes.axes), None)
    best = best_cell(outcomes, scored, (axis, by) if axis and by else (axis,)) if axis else None
    if axis is None or best is None:
        return False
    lines = lines_by(outcomes, axis, by, best)[-len(SERIES) :] if by else [line_through(outcomes, (axis,), best)]
    levels = outcomes.axes[axis]
    title, beneath = "F1 against the size of the synthetic corpus", _beneath(outcomes, best, (axis, by or axis))
    with drawn(out, "f1-synthetic-size", 6.4, 3.5, title, beneath) as figure:
        panel = figure.subplots()
        places = placed(panel, axis, levels, [_notes(line, level) for line in lines[-1:] for level in levels])
        series = [
            Series(_name(by, line), hand, [_at(line, level, scored) for level in levels])
            for line, hand in zip(lines, SERIES, strict=False)
        ]
        for each, shift in zip(series, beside(places, len(series)), strict=True):
            _draw(panel, [place + shift for place in places], each)
        _gold_level(panel, scored.gold[best.id])
        panel.set_xlabel(f"{axis_text(axis)}\n(notes, mean over folds)")
        panel.set_ylabel("strict F1 of the synthetic tagger")
        cleared(panel)
        _name_ends(panel, series)
    return True


def _both(line: Line, scored: Scored) -> list[Series]:
    return [
        Series("gold tagger", GOLD, [scored.gold[cell.id] for cell in line.cells]),
        Series("synthetic tagger", SYNTHETIC, [scored.synthetic[cell.id] for cell in line.cells]),
    ]


def _name(by: str | None, line: Line) -> str:
    if by is None or not line.cells:
        return "synthetic tagger"
    return f"{short_axis(by)} {level_text(by, line.cells[0].levels[by])}"


def _at(line: Line, level: object, scored: Scored) -> Estimate | None:
    cell = next((cell for own, cell in zip(line.levels, line.cells, strict=True) if own == level), None)
    return scored.synthetic[cell.id] if cell else None


def _draw(axes: "Axes", places: Sequence[float], series: Series) -> None:
    there = [(place, each) for place, each in zip(places, series.estimates, strict=True) if each is not None]
    values = [each.value for _, each in there]
    below, above = [each.value - each.low for _, each in there], [each.high - each.value for _, each in there]
    hand = series.hand
    axes.errorbar(
        [place for place, _ in there], values, yerr=[below, above], color=hand.colour, marker=hand.marker,
        linestyle=hand.dashes, markerfacecolor=hand.colour if hand.filled else "white", capsize=2.5, markersize=5,
        linewidth=1.3, elinewidth=1.0,
    )  # fmt: skip


def _name_ends(axes: "Axes", series: Sequence[Series]) -> None:
    """Writes each line's name where it ends, instead of a legend."""
    named = [each for each in series if any(each.estimates)]
    ends = [[point for point in each.estimates if point is not None][-1].value for each in named]
    low, high = axes.get_ylim()
    for each, height in zip(named, apart(ends, 0.065 * (high - low)), strict=True):
        axes.annotate(
            each.name, (1.0, height), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points",
            va="center", color=each.hand.colour, annotation_clip=False,
        )  # fmt: skip


def _gold_level(axes: "Axes", gold: Estimate | None) -> None:
    if gold is None:
        return
    axes.axhline(gold.value, color="0.3", linewidth=0.9, linestyle=(0, (1, 2)))
    axes.annotate(
        "gold tagger of the best cell", (0.01, gold.value), xycoords=("axes fraction", "data"), xytext=(0, 3),
        textcoords="offset points", fontsize=8, color="0.3",
    )  # fmt: skip


def _patients(line: Line, cell: CellOutcome) -> str:
    """How many gold patients, mean over folds; of the side that varies, or of the generator's where both do."""
    side = "annotator" if line.axis == "share.annotator" else "adapt"
    mean = cell.mean(f"gold_patients_{side}")
    return "" if mean is None else f"({mean:.0f})"


def _notes(line: Line, level: object) -> str:
    cell = next((cell for own, cell in zip(line.levels, line.cells, strict=True) if own == level), None)
    mean = cell.mean("synthetic_notes") if cell else None
    return "" if mean is None else f"({mean:.0f})"


def _beneath(outcomes: Outcomes, best: CellOutcome, but: Sequence[str]) -> str:
    held = {axis: level for axis, level in best.levels.items() if axis in outcomes.axes and axis not in but}
    kept = f"Held at the best cell: {levels_text(held)}. " if held else ""
    folds = len(set(outcomes.folds.tolist()))
    return f"{kept}95% intervals over {len(outcomes.folds)} hold-out patients of {folds} folds."
