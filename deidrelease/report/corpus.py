"""Shows the description of a corpus: tables for the terminal, a picture of its types and of its notes' lengths."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.errors import ConfigError, Problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table

_ENDINGS = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}
_BLUE = "#0072B2"
_ROWS = {"note_characters": "characters a note", "note_tokens": "tokens a note", "patient_notes": "notes a patient"}
_MOST_BARS = 40


def refuse_ending(path: Path) -> None:
    """Makes sure before the work that a picture can be written as `path`.

    Raises:
        ConfigError: It ends neither in `.png` nor in `.svg`.
    """
    if path.suffix not in _ENDINGS:
        raise ConfigError("There is no such picture.", [Problem(str(path), "is neither .png nor .svg", "name one")])


def corpus_sentence(record: Mapping[str, Any]) -> str:
    """How large it is.

    Args:
        record: As `CorpusDescription.as_record` makes it.
    """
    return (
        f"{record['notes']:,} notes of {record['patients']:,} patients, {record['characters']:,} characters, "
        f"{record['tokens']:,} tokens, {sum(of['spans'] for of in record['types'].values()):,} spans of "
        f"{len(record['types'])} types; {record['notes_without_spans']:,} notes without a span"
    )


def corpus_tables(record: Mapping[str, Any]) -> Sequence["Table"]:
    """Sizes, then types with the values that patients share.

    Args:
        record: As `CorpusDescription.as_record` makes it.
    """
    from rich.table import Table

    sizes = Table(box=None, pad_edge=False)
    sizes.add_column("quantile", no_wrap=True)
    for share in record["quantiles_at"]:
        sizes.add_column("largest" if share == 1 else f"{share:.0%}", justify="right", no_wrap=True)
    for key, name in _ROWS.items():
        sizes.add_row(name, *(f"{value:,}" for value in record[key]))
    return sizes, _types(record["types"])


def _types(types: Mapping[str, Any]) -> "Table":
    from rich.table import Table

    caption = "shared: share of the values that occur with more than one patient, and its 95% interval"
    table = Table(caption=caption, caption_justify="left", box=None, pad_edge=False)
    table.add_column("type", no_wrap=True)
    for name in ("spans", "notes", "values", "median length", "shared"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, of in types.items():
        shared = of["shared"]
        interval = f"{shared['value']:.3f} [{shared['low']:.3f}, {shared['high']:.3f}]"
        numbers = (f"{of[key]:,}" for key in ("spans", "notes", "values", "median_length"))
        table.add_row(label, *numbers, interval)
    return table


def draw_corpus(record: Mapping[str, Any], path: Path) -> None:
    """Draws spans by type beside a histogram of the notes' lengths; the same record gives the same bytes.

    Args:
        record: As `CorpusDescription.as_record` makes it.
        path: Ends in `.png` or `.svg`.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from deidrelease.artifacts import atomic_writer

    rows = min(len(record["types"]), _MOST_BARS + 1)
    with matplotlib.rc_context({"svg.hashsalt": "deidrelease", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(9, max(2.6, 0.9 + 0.2 * rows)), layout="constrained")
        FigureCanvasAgg(figure)
        bars, lengths = figure.subplots(1, 2)
        _draw_types(bars, record["types"])
        _draw_lengths(lengths, record)
        with atomic_writer(path) as stream:
            figure.savefig(stream, format=path.suffix[1:], dpi=150, metadata=_ENDINGS[path.suffix])


def _draw_types(axes: "Axes", types: Mapping[str, Any]) -> None:
    spans = [(label, of["spans"]) for label, of in types.items()]
    if len(spans) > _MOST_BARS:
        others = sum(count for _, count in spans[_MOST_BARS:])
        spans = [*spans[:_MOST_BARS], (f"{len(spans) - _MOST_BARS} others", others)]
    bars = axes.barh(range(len(spans)), [count for _, count in spans], color=_BLUE, height=0.7)
    axes.bar_label(bars, [f"{count:,}" for _, count in spans], padding=3, fontsize=8)
    axes.set_yticks(range(len(spans)), [label for label, _ in spans])
    axes.set_ylim(len(spans) - 0.4, -0.6)
    axes.margins(x=0.15)
    _finish(axes, f"{sum(count for _, count in spans):,} spans by type", "spans")


def _draw_lengths(axes: "Axes", record: Mapping[str, Any]) -> None:
    histogram = record["histogram"]
    axes.stairs(histogram["counts"], histogram["edges"], fill=True, color=_BLUE)
    axes.set_xlim(0, histogram["edges"][-1])
    axes.set_ylabel("notes")
    longer = f" ({histogram['above']:,} longer notes not shown)" if histogram["above"] else ""
    _finish(axes, f"{record['notes']:,} notes by length", f"characters{longer}")


def _finish(axes: "Axes", title: str, label: str) -> None:
    axes.set_title(title, loc="left")
    axes.set_xlabel(label)
    axes.locator_params("x", nbins=6, integer=True)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
