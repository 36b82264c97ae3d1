"""How levels, cells, numbers and comparisons are put into words, which never say more than the interval allows."""

from deidrelease.ablation.cells import Level
from deidrelease.ablation.comparing import LEVEL, Comparison
from deidrelease.ablation.outcomes import CellOutcome, Levels
from deidrelease.results import Estimate

_SHORT = {
    "share.adapt": "generator's gold",
    "share.annotator": "annotator's gold",
    "share.both": "gold",
    "synthetic.share": "synthetic",
    "adapt.dp.epsilon": "epsilon",
}
_LONG = {
    "share.adapt": "share of the gold patients that the generator learns from",
    "share.annotator": "share of the gold patients that the annotator learns from",
    "share.both": "share of the gold patients that generator and annotator learn from",
    "synthetic.share": "synthetic notes, as a share of the gold notes",
    "adapt.dp.epsilon": "epsilon of the generator's adaptation",
}


def axis_text(axis: str) -> str:
    """What varies, in words where there are any."""
    return _LONG.get(axis, axis)


def level_text(axis: str, level: Level) -> str:
    """`5%` of a share; `without` where there is none; anything else as it stands in a configuration."""
    if level is None:
        return "without"
    if isinstance(level, bool):
        return "true" if level else "false"
    if isinstance(level, int | float):
        return f"{100 * level:g}%" if "share" in axis.split(".") else f"{level:g}"
    return level


def cell_text(cell: CellOutcome, but: str = "") -> str:
    """The levels of a cell, leaving out those of the setting `but`."""
    return levels_text({axis: level for axis, level in cell.levels.items() if axis != but})


def levels_text(levels: Levels) -> str:
    """Such as `generator's gold 5%, annotator's gold 25%`."""
    return ", ".join(
        f"without {short_axis(axis)}" if level is None else f"{short_axis(axis)} {level_text(axis, level)}"
        for axis, level in levels.items()
    )


def short_axis(axis: str) -> str:
    """The name of a setting where there is little room."""
    return _SHORT.get(axis, axis)


def score_text(estimate: Estimate | None) -> str:
    """`.893 [.870, .914]`."""
    if estimate is None:
        return "not defined"
    return f"{plain(estimate.value)} [{plain(estimate.low)}, {plain(estimate.high)}]"


def difference_text(estimate: Estimate | None) -> str:
    """Such as `+.031 [+.004, +.060]`: the sign stands also where it is plus."""
    if estimate is None:
        return "not defined"
    return f"{signed(estimate.value)} [{signed(estimate.low)}, {signed(estimate.high)}]"


def plain(value: float) -> str:
    """Three digits without a leading zero; more where three would make a nothing of something."""
    rounded = f"{abs(value):.3f}" if round(value, 3) or not value else f"{abs(value):.1g}"
    minus = "\N{MINUS SIGN}" if value < 0 else ""
    return minus + (rounded[1:] if rounded.startswith("0.") else rounded)


def signed(value: float) -> str:
    """As `plain`, with a plus."""
    return ("+" if value > 0 else "") + plain(value)


def p_text(p: float) -> str:
    """`p < .001`, `p = .043`."""
    return "p < .001" if p < 0.001 else f"p = {plain(p) if round(p, 3) < 1 else '1'}"


def comparison_text(found: Comparison, left: str, right: str) -> str:
    """One sentence: which is better and by how much, or that they cannot be told apart.

    Args:
        found: The comparison.
        left: What its left side is called.
        right: What its right side is called.
    """
    numbers = f"difference {difference_text(found.difference)}, Holm {p_text(found.holm)}"
    folds = f"the same sign in {found.folds} of {found.of} folds"
    if found.told_apart:
        better = "higher" if found.difference.value > 0 else "lower"
        return f"{left} scores {better} than {right} ({numbers}, {folds})."
    clear = found.difference.low > 0 or found.difference.high < 0
    if found.p <= LEVEL < found.holm:
        why = " after the correction for all comparisons"
    elif found.holm <= LEVEL and clear and found.folds < found.of:
        why = ": the folds do not agree"
    elif found.holm <= LEVEL:
        why = ": the interval and the test do not agree"
    else:
        why = ""
    return f"{left} and {right} cannot be told apart{why} ({numbers}, {folds})."


def seconds_text(seconds: float | None) -> str:
    """In the unit that suits."""
    if seconds is None:
        return "not measured"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
