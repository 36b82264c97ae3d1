"""Shows the result of `evaluate`: a picture of both taggers by type, and a table for the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table

# Okabe and Ito (2008): told apart by all common kinds of colour vision, and by lightness in print.
_TAGGERS = (("gold_tagger", "trained on gold notes", "#0072B2", "o"),
            ("synthetic_tagger", "trained on synthetic notes", "#D55E00", "s"))  # fmt: skip
_ROWS = {
    "strict_f1": "strict F1 (span and type)",
    "strict_precision": "strict precision",
    "strict_recall": "strict recall",
    "token_f1": "token F1",
    "character_recall": "character recall",
    "unseen_recall": "recall, values unseen in training",
    "exposed_mentions": "mentions left exposed (lower is better)",
    "leak_score": "leak score, misses a sentence (lower is better)",
}


def draw_comparison(result: Mapping[str, Any], out: Path) -> None:
    """Writes `comparison.svg` and `comparison.png`: strict F1 by type, both taggers, intervals drawn.

    Args:
        result: As `evaluate` writes it.
        out: Existing folder.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    labels = _by_support(result)
    # Nothing in the files may depend on when or where they were drawn.
    with matplotlib.rc_context({"svg.hashsalt": "deidrelease", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(8, 1.8 + 0.32 * (len(labels) + 1)), layout="constrained")
        FigureCanvasAgg(figure)
        _draw(figure.add_subplot(), result, labels)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        figure.savefig(out / "comparison.svg", metadata={"Date": None, "Creator": None})
        figure.savefig(out / "comparison.png", dpi=150, metadata={"Software": None})


def comparison_table(result: Mapping[str, Any]) -> "Table":
    """The overall scores of both taggers and their paired difference, with intervals."""
    from rich.table import Table

    gold, synthetic = result["gold_tagger"], result["synthetic_tagger"]
    title = f"Hold-out: {gold['patients']} patients, {gold['notes']} notes, {gold['mentions']} mentions of PII"
    confidence = _confidence(gold["overall"])
    table = Table(title=title, caption=f"in brackets: {confidence:.0%} intervals over patients", title_justify="left")
    for name in ("", "gold tagger", "synthetic tagger", "synthetic - gold"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    for key, name in _ROWS.items():
        differences = result["synthetic_minus_gold"]
        table.add_row(name, *(_cell(source[key]) for source in (gold["overall"], synthetic["overall"], differences)))
    return table


def _by_support(result: Mapping[str, Any]) -> list[str]:
    per_label = result["gold_tagger"]["per_label"]
    return sorted((label for label in per_label if per_label[label]["support"]), key=lambda x: per_label[x]["support"])


def _draw(axes: "Axes", result: Mapping[str, Any], labels: Sequence[str]) -> None:
    gold = result["gold_tagger"]
    for (key, name, colour, marker), shift in zip(_TAGGERS, (0.14, -0.14), strict=True):
        tagger = result[key]
        scores = [tagger["overall"]["strict_f1"], *(tagger["per_label"][label]["strict_f1"] for label in labels)]
        rows = [(-1 if i == 0 else i, score) for i, score in enumerate(scores) if score is not None]
        values = [score["value"] for _, score in rows]
        below = [score["value"] - score["low"] for _, score in rows]
        above = [score["high"] - score["value"] for _, score in rows]
        heights = [row + shift for row, _ in rows]
        axes.errorbar(
            values, heights, xerr=[below, above], fmt=marker, color=colour, label=name, capsize=2.5, markersize=4.5
        )
    names = [f"{label}  (n = {gold['per_label'][label]['support']})" for label in labels]
    axes.set_yticks([-1, *range(1, len(labels) + 1)], [f"all types  (n = {gold['mentions']})", *names])
    axes.axhline(0, color="0.7", linewidth=0.8)
    axes.set_xlim(-0.02, 1.02)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    confidence = _confidence(gold["overall"])
    axes.set_xlabel(f"strict F1 (same span, same type) with {confidence:.0%} intervals over patients")
    axes.set_title(f"Hold-out: {gold['patients']} patients, {gold['notes']} notes", loc="left")


def _confidence(overall: Mapping[str, Any]) -> float:
    return next((float(score["confidence"]) for score in overall.values() if score), 0.95)


def _cell(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return "not defined"
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
