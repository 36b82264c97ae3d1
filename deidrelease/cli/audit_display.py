"""What `deidrelease audit` prints: a row a headline, then what was not measured, then where the files lie."""

from collections.abc import Iterator
from pathlib import Path

import click

from deidrelease.auditing.result import AuditResult
from deidrelease.cli.corpus_display import wide_console
from deidrelease.results import AuditReport, Estimate

_FIRST = ("decisive", "patients_excess", "unique_excess", "p_value")
"""Shown before all others; of the rest, those that come first in the result."""
_ROWS = 4


def show_result(result: AuditResult) -> None:
    """Prints the table; loud about every audit that measured nothing."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, how in (("audit", "left"), ("status", "left"), ("metric", "left"), ("value", "right")):
        table.add_column(name, justify=how, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("interval", no_wrap=True)
    table.add_column("hold-out", justify="right", no_wrap=True)
    for report in result.audits:
        for row in _rows(report):
            table.add_row(*row)
    wide_console().print(table)
    notes = ", ".join(f"{facts.notes:,} {arm}" for arm, facts in result.corpora.items())
    click.echo(f"\nNotes: {notes}. Scanned {result.scanned:,} of {result.total:,}.")
    for report in result.audits:
        if report.status != "measured":
            click.echo(f"{report.status.upper()}: {report.audit}: {report.reason}")


def show_files(folder: Path) -> None:
    """Says which of the files may leave."""
    for name, what in (
        ("result.json", "aggregates, may leave the site"),
        ("verdict.json", "what the policy says"),
        ("findings.private.jsonl", "the evidence, private"),
        ("site.key", "the key of all digests, private"),
    ):
        if (folder / name).exists():
            click.echo(f"{what + ':':32} {folder / name}")


def _rows(report: AuditReport) -> Iterator[tuple[str, ...]]:
    named = sorted(report.metrics, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))[:_ROWS]
    status = report.status if report.status == "measured" else report.status.upper()
    if not named:
        yield report.audit, status, "", "", "", ""
    for number, name in enumerate(named):
        estimate, control = report.metrics[name], report.control.get(name)
        value, interval = _number(estimate.value), _interval(estimate)
        first = (report.audit, status) if number == 0 else ("", "")
        yield *first, name, value, interval, _number(control.value) if control else ""


def _interval(estimate: Estimate) -> str:
    if estimate.low == estimate.high:
        return ""
    # Rich reads square brackets as mark-up.
    return f"{_number(estimate.low)} to {_number(estimate.high)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) >= 1 else f"{value:.3g}"
