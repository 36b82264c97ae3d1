"""Draws what privacy costs and what it buys: the same flow without differential privacy and with, side by side.

    python benchmarks/tradeoff.py "demo=none:runs/demo-none,8:runs/demo-8,2:runs/demo-2" \
        "MEDDOCAN=none:runs/med-none,8:runs/med-8,2:runs/med-2" --out docs/pictures

Each run folder is one of `deidrelease run`, finished up to its audit, and differs from its neighbours in `adapt.dp`.
Everything is read from `evaluate/result.json`, `audit/result.json` and the receipts; nothing is measured here. Writes
`tradeoff.svg` and `tradeoff.png`, and prints the table in Markdown. A run whose `adapt` ended in an error, because the
noise drowned all, has no result: name its folder all the same, and its row says so.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STAGES = ("adapt", "generate", "annotate", "train")
INK = ("#000000", "#0072B2")
"""Of the corpora; black and a blue that prints as a middle grey. Their markers differ as well."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Arm:
    """One run of a corpus; `None` where it has no such figure.

    Attributes:
        corpus: Its name.
        epsilon: As the user names the arm: `none`, or what was asked of `adapt.dp`.
        figures: By the keys of `PANELS`, and `gold`.
        minutes: Of the stages that a change of epsilon repeats.
    """

    corpus: str
    epsilon: str
    figures: Mapping[str, Figure | None]
    minutes: float | None


PANELS = {
    "f1": ("strict F1 of the synthetic tagger", (0.0, 1.0), None),
    "canary.auc": ("canaries: AUC against the model", (0.3, 1.0), 0.5),
    "membership.auc": ("membership: AUC against the notes", (0.3, 1.0), 0.5),
    "pii_replay.patients_excess": ("patients whose values are replayed,\nin excess of the hold-out", None, 0.0),
}
TABLE = (*PANELS, "canary.epsilon_lower", "verbatim.longest_span_tokens", "linkage.patients_excess", "dp.epsilon")


def arm_of(corpus: str, epsilon: str, run: Path) -> Arm:
    """Reads a run folder."""
    audits = {
        f"{audit['audit']}.{name}": figure(metric)
        for audit in read(run / "audit" / "result.json").get("audits", [])
        for name, metric in audit["metrics"].items()
    }
    scores = read(run / "evaluate" / "result.json")
    f1 = {
        key: figure(scores[tagger]["overall"]["strict_f1"]) if scores else None
        for key, tagger in (("f1", "synthetic_tagger"), ("gold", "gold_tagger"))
    }
    seconds = [read(run / stage / "receipt.json").get("seconds") for stage in STAGES]
    minutes = None if None in seconds else sum(seconds) / 60
    return Arm(corpus, epsilon, {**audits, **f1}, minutes)


def read(path: Path) -> dict[str, Any]:
    """A JSON document; an empty one where it is missing."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def figure(metric: Mapping[str, Any] | None) -> Figure | None:
    """One of a result's estimates; some have no value, as where nothing could be measured."""
    if metric is None or metric.get("value") is None:
        return None
    return Figure(metric["value"], metric["low"], metric["high"])


def table(arms: Sequence[Arm]) -> str:
    """All arms in Markdown, a row a run."""
    head = ["corpus", "epsilon asked", "gold strict F1", *TABLE, "minutes"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for arm in arms:
        cells = [str(arm.figures.get(key) or "-") for key in ("gold", *TABLE)]
        minutes = "-" if arm.minutes is None else f"{arm.minutes:.0f}"
        lines.append(f"| {' | '.join([arm.corpus, arm.epsilon, *cells, minutes])} |")
    return "\n".join(lines)


def draw(arms: Sequence[Arm], out: Path) -> None:
    """Four panels, epsilon from none to small along the foot, an interval at each point."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    corpora = list(dict.fromkeys(arm.corpus for arm in arms))
    places = list(dict.fromkeys(arm.epsilon for arm in arms))
    with matplotlib.rc_context({"svg.hashsalt": "deidrelease", "svg.fonttype": "none", "font.size": 9}):
        canvas = Canvas(figsize=(8, 6), layout="constrained")
        FigureCanvasAgg(canvas)
        for axes, (key, (title, limits, chance)) in zip(canvas.subplots(2, 2).flat, PANELS.items(), strict=True):
            for number, corpus in enumerate(corpora):
                own = [arm for arm in arms if arm.corpus == corpus]
                draw_line(axes, own, key, places, number)
            if chance is not None:
                axes.axhline(chance, color="#888888", linewidth=0.8, linestyle=":")
            if limits:
                axes.set_ylim(limits)
            axes.set_title(title, fontsize=9, loc="left")
            axes.set_xticks(range(len(places)), places)
            axes.set_xlim(-0.4, len(places) - 0.6)
            axes.set_xlabel("epsilon of the language model")
            axes.spines[["top", "right"]].set_visible(False)
        handles, labels = canvas.axes[0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
        canvas.savefig(out / "tradeoff.svg", metadata={"Date": None, "Creator": None})
        canvas.savefig(out / "tradeoff.png", dpi=150, metadata={"Software": None})


def draw_line(axes: Any, arms: Sequence[Arm], key: str, places: Sequence[str], number: int) -> None:
    """One corpus in one panel; the gold tagger's F1 as a dashed line beside the synthetic one's."""
    found = [(places.index(arm.epsilon) + 0.08 * number, arm.figures.get(key)) for arm in arms]
    drawn = [(x, f) for x, f in found if f is not None]
    if not drawn:
        return
    axes.errorbar(
        [x for x, _ in drawn],
        [f.value for _, f in drawn],
        [[f.value - f.low for _, f in drawn], [f.high - f.value for _, f in drawn]],
        color=INK[number % 2],
        marker="os"[number % 2],
        linestyle=("-", (0, (5, 2)))[number % 2],
        capsize=3,
        label=arms[0].corpus,
    )
    gold = next((arm.figures["gold"] for arm in arms if arm.figures.get("gold")), None)
    if key == "f1" and gold is not None:
        axes.axhline(gold.value, color=INK[number % 2], linewidth=0.8, linestyle=("-", "--")[number % 2])
        axes.text(
            0.99, 0.87 - 0.07 * number, f"line above: gold tagger, {arms[0].corpus}, {gold.value:.3f}",
            transform=axes.transAxes, ha="right", fontsize=8, color=INK[number % 2],
        )  # fmt: skip


def main() -> None:
    """Reads the run folders, prints the table and draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="+", metavar="NAME=EPSILON:RUN,…")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arms = []
    for corpus in arguments.corpora:
        name, _, runs = corpus.partition("=")
        for run in runs.split(","):
            epsilon, _, folder = run.partition(":")
            if not Path(folder).is_dir():
                parser.error(f"{folder} is no folder")
            arms.append(arm_of(name, epsilon, Path(folder)))
    print(table(arms))
    draw(arms, arguments.out)


if __name__ == "__main__":
    main()
