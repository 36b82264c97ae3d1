"""What the corpus commands print."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from deidrelease.corpora.converting import Converted
    from deidrelease.corpora.inspecting import Findings, Kind
    from deidrelease.corpora.repairing import Repaired
    from deidrelease.corpora.writing import Written
    from deidrelease.errors import Problem

_TABLE_WIDTH = 124


def wide_console() -> "Console":
    """For tables: numbers must not be cut off where the terminal is narrow, or where there is none."""
    from rich.console import Console

    return Console(width=max(Console().width, _TABLE_WIDTH))


def show_converted(converted: "Converted", target: Path) -> None:
    """Says what stands at `target`, and what does not."""
    written = converted.written
    notes = f"{written.contents.notes:,} notes of {converted.patients:,} patients with {written.spans:,} spans"
    click.echo(f"{target}: {notes}, as {written.format_name}; {_proof(written)}")
    for kind, count in sorted(converted.choices.items()):
        click.echo(f"changed while reading, as the options say: {kind} in {count:,} place(s)")
    _show_losses(written)


def _proof(written: "Written") -> str:
    return "read back and equal" if written.verified else "not read back"


def _show_losses(written: "Written") -> None:
    from deidrelease.corpora.writing import LOSSES

    for kind, count in sorted(written.lost.items()):
        click.echo(f"lost, for {written.format_name} cannot carry it: {kind} ({count:,} {LOSSES[kind]})")
    if written.leftovers:
        click.echo(f"removed what {written.leftovers} killed attempt(s) had left", err=True)


def show_description(record: Mapping[str, Any]) -> None:
    """Prints the tables of `corpus stats`."""
    from deidrelease.report.corpus import corpus_sentence, corpus_tables

    click.echo(corpus_sentence(record))
    click.echo()
    for table in corpus_tables(record):
        wide_console().print(table, end="\n\n")


def print_problem(problem: "Problem") -> None:
    """One line, at once: there may be millions, so none is held back."""
    sys.stdout.write(f"{problem.kind}: {problem}\n")


def show_findings(findings: "Findings", *, places: bool) -> None:
    """Prints a table of kinds, and below it the first places of each, where they were not printed already."""
    if findings.defects:
        _show_kinds(findings.defects, places=places)
    if findings.advice:
        click.echo("Worth knowing, and no hindrance:")
        _show_kinds(findings.advice, places=places)
    click.echo(f"{findings.notes:,} note(s) can be used as they are.")


def _show_kinds(kinds: Mapping[str, "Kind"], *, places: bool) -> None:
    from rich.table import Table

    from deidrelease.formats.defects import KINDS

    table = Table(box=None, pad_edge=False)
    table.add_column("kind", no_wrap=True)
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("what it is")
    ranked = sorted(kinds.items(), key=lambda item: (-item[1].count, item[0]))
    for name, kind in ranked:
        table.add_row(name, f"{kind.count:,}", KINDS.get(name, KINDS["other"]))
    wide_console().print(table, end="\n\n")
    for name, kind in ranked if places else ():
        more = f", the first {len(kind.first)}" if kind.count > len(kind.first) else ""
        click.echo(f"{name} ({kind.count:,}{more})")
        for problem in kind.first:
            click.echo(f"  {problem}")
        click.echo()


def show_repaired(repaired: "Repaired", target: Path) -> None:
    """Says what was mended, what was left out, and where the log is."""
    written = repaired.written
    click.echo(f"{target}: {written.contents.notes:,} notes, as {written.format_name}; {_proof(written)}")
    click.echo(f"{repaired.log}: what was done, place by place; private")
    for kind, count in sorted(repaired.repairs.items()):
        click.echo(f"mended: {kind} in {count:,} place(s)")
    if repaired.repeats:
        click.echo(f"left out: {repaired.repeats:,} note(s) identical to an earlier one")
    for kind, count in sorted(repaired.left_out.items()):
        click.echo(f"left out: {count:,} note(s) that cannot be mended: {kind}")
    _show_losses(written)
