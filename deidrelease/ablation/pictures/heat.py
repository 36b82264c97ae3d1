"""The annotator against the generator: F1 of the synthetic tagger in every combination of the two."""

from pathlib import Path
from typing import TYPE_CHECKING

from deidrelease.ablation.cells import Level
from deidrelease.ablation.outcomes import Outcomes
from deidrelease.ablation.pictures.style import drawn
from deidrelease.ablation.slices import Scored, annotator_and_generator, best_cell
from deidrelease.ablation.wording import axis_text, level_text, levels_text, plain
from deidrelease.results import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LIGHTEST, _DARKEST = 0.08, 0.72
_WHITE_BELOW = 0.18  # where black and white stand out alike (WCAG 2.1, contrast ratio)


def draw_heat_map(outcomes: Outcomes, scored: Scored, out: Path) -> bool:
    """Draws it, everything else as in the best cell; False where annotator or generator was not varied."""
    crossed = annotator_and_generator(outcomes)
    best = best_cell(outcomes, scored, crossed) if crossed else None
    if crossed is None or best is None:
        return False
    annotator, generator = crossed
    rows, columns = outcomes.axes[annotator], outcomes.axes[generator]
    base = best.levels
    grid = [[_at(outcomes, scored, {**base, annotator: row, generator: column}) for column in columns] for row in rows]
    still = {axis: level for axis, level in best.levels.items() if axis in outcomes.axes and axis not in crossed}
    kept = f"Held at the best cell: {levels_text(still)}. " if still else ""
    title = "Strict F1 of the synthetic tagger"
    beneath = f"{kept}In brackets: 95% intervals over {len(outcomes.folds)} hold-out patients."
    with drawn(
        out, "f1-annotator-generator", 2.6 + 1.15 * len(columns), 1.5 + 0.62 * len(rows), title, beneath
    ) as figure:
        panel = figure.subplots()
        _draw(panel, grid)
        panel.set_xticks(range(len(columns)), [level_text(generator, level) for level in columns])
        panel.set_yticks(range(len(rows)), [level_text(annotator, level) for level in rows])
        panel.set_xlabel(axis_text(generator))
        panel.set_ylabel(_broken(axis_text(annotator)))
    return True


def _at(outcomes: Outcomes, scored: Scored, levels: dict[str, Level]) -> Estimate | None:
    return next((scored.synthetic[cell.id] for cell in outcomes.whole if cell.levels == levels), None)


def _draw(axes: "Axes", grid: list[list[Estimate | None]]) -> None:
    """Darker is better; the numbers stand in the fields, so that no shade has to be looked up."""
    from matplotlib.patches import Rectangle

    values = [each.value for row in grid for each in row if each is not None]
    low, spread = min(values, default=0.0), max(values, default=1.0) - min(values, default=0.0)
    for y, row in enumerate(grid):
        for x, each in enumerate(row):
            corner = (x - 0.5, y - 0.5)
            if each is None:
                axes.add_patch(Rectangle(corner, 1, 1, facecolor="white", edgecolor="0.6", hatch="///"))
                axes.text(x, y, "not whole", ha="center", va="center", fontsize=8, backgroundcolor="white")
                continue
            share = (each.value - low) / spread if spread else 0.0
            axes.add_patch(Rectangle(corner, 1, 1, facecolor=_shade(share), edgecolor="white", linewidth=2))
            ink = "white" if _lightness(_shade(share)) < _WHITE_BELOW else "black"
            axes.text(x, y + 0.12, plain(each.value), ha="center", va="center", fontsize=10, color=ink)
            spell = f"[{plain(each.low)}, {plain(each.high)}]"
            axes.text(x, y - 0.2, spell, ha="center", va="center", fontsize=7.5, color=ink)
    axes.set_xlim(-0.5, len(grid[0]) - 0.5)
    axes.set_ylim(-0.5, len(grid) - 0.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _shade(share: float) -> tuple[float, float, float, float]:
    """Between light and dark; lightness alone falls with the share, so that print without colour says the same."""
    from matplotlib import colormaps

    return colormaps["Blues"](_LIGHTEST + share * (1.15 * _DARKEST - _LIGHTEST))


def _lightness(colour: tuple[float, float, float, float]) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.1, after ITU-R BT.709)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _broken(text: str) -> str:
    """On two lines, broken near the middle."""
    words, first = text.split(), ""
    while words and len(first) < len(text) / 2:
        first += ("" if not first else " ") + words.pop(0)
    return f"{first}\n{' '.join(words)}" if words else first
