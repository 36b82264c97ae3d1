"""What all pictures share: one hand, no colour without a shape beside it, and the same bytes for the same results."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from deidrelease.ablation.cells import Level
from deidrelease.ablation.wording import level_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "0.45"
# Okabe and Ito (2008): told apart by all common kinds of colour vision; shape, filling and dashes tell apart in grey.
BLUE, ORANGE = "#0072B2", "#D55E00"
DPI = 150
_LETTERS_AN_INCH = 16.5
_LINE = 0.16
_METADATA = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}


@dataclass(frozen=True, slots=True)
class Hand:
    """How one series is drawn.

    Attributes:
        colour: Of line and marker.
        marker: Shape.
        dashes: Line style.
        filled: Whether the marker is.
    """

    colour: str
    marker: str
    dashes: str
    filled: bool


GOLD = Hand(BLUE, "o", "-", True)
SYNTHETIC = Hand(ORANGE, "s", "--", False)
SERIES = (
    Hand("0.0", "o", "-", True), Hand(BLUE, "^", "--", False), Hand(ORANGE, "s", "-.", False),
    Hand("0.45", "D", ":", True), Hand("#009E73", "v", (0, (5, 1, 1, 1)), False),  # type: ignore[arg-type]
)  # fmt: skip
"""For up to five lines in one picture."""


@contextmanager
def drawn(out: Path, name: str, width: float, height: float, title: str, beneath: str) -> Iterator["Figure"]:
    """A figure, written as `name.svg` and `name.png` when the block ends well.

    Args:
        out: Existing folder.
        name: Of the files.
        width: In inches.
        height: In inches, without what stands beneath.
        title: Above it.
        beneath: What holds for all of the picture, in smaller letters; wrapped, and its line ends kept.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from deidrelease.artifacts import atomic_writer

    lines = [
        line
        for part in beneath.splitlines()
        for line in wrap(part, int(width * _LETTERS_AN_INCH), break_on_hyphens=False)
    ]
    # Nothing in the files may depend on when or where they were drawn.
    with matplotlib.rc_context({"svg.hashsalt": "deidrelease", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(width, height + _LINE * len(lines)), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
        figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=8, color="0.25")
        yield figure
        for kind, metadata in _METADATA.items():
            with atomic_writer(out / f"{name}.{kind}") as stream:
                figure.savefig(stream, format=kind, dpi=DPI, metadata=metadata)
            # Laid out once: the second file is the same picture.
            figure.set_layout_engine("none")


def cleared(axes: "Axes", grid: str = "y") -> None:
    """Leaves of the frame and the grid what helps to read a value."""
    axes.grid(axis=grid, color="0.9")  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def placed(axes: "Axes", axis: str, levels: Sequence[Level], beneath: Sequence[str]) -> list[float]:
    """Puts the levels on the x axis: by their logarithm where all are above zero, evenly elsewhere; gives their places.

    Args:
        axes: To draw on.
        axis: The setting.
        levels: In order.
        beneath: A second line under each level; empty for none.
    """
    import math

    above = [level for level in levels if isinstance(level, int | float) and not isinstance(level, bool) and level > 0]
    scaled = len(above) == len(levels)
    places = [math.log10(level) for level in above] if scaled else [float(i) for i in range(len(levels))]
    names = [level_text(axis, level) for level in levels]
    axes.set_xticks(places, [f"{name}\n{more}" if more else name for name, more in zip(names, beneath, strict=True)])
    axes.margins(x=0.12)
    return places


def apart(heights: Sequence[float], least: float) -> list[float]:
    """Moves heights so that neighbours are `least` apart and their mean stays, for names at the ends of lines."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    moved = [heights[i] for i in order]
    for i in range(1, len(moved)):
        moved[i] = max(moved[i], moved[i - 1] + least)
    shift = (sum(moved) - sum(heights)) / len(heights) if heights else 0.0
    found = [0.0] * len(heights)
    for rank, i in enumerate(order):
        found[i] = moved[rank] - shift
    return found


def beside(places: Sequence[float], n: int) -> list[float]:
    """How far each of `n` series is moved aside, so that their intervals do not cover each other."""
    step = 0.012 * (max(places) - min(places)) if places else 0.0
    return [step * (i - (n - 1) / 2) for i in range(n)]
