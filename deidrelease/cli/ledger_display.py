"""What the ledger commands print."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from deidrelease.privacy.entries import Released, Step
    from deidrelease.privacy.totals import Budget, Share, Total

_SHORT = 12


def show_steps(steps: Sequence["Step"], releases: Sequence["Released"], this_run: str) -> None:
    """Prints a table of steps, and a line a release."""
    from rich.table import Table

    from deidrelease.cli.corpus_display import wide_console

    table = Table("began (UTC)", "run", "stage", "mechanism", "unit", "counts as", "state", box=None, pad_edge=False)
    for step in steps:
        run = f"{step.run[:_SHORT]}{' (this run)' if step.run == this_run else ''}"
        unit = step.unit if step.group == 1 else f"{step.unit}, {step.group} a patient"
        table.add_row(step.at, run, step.stage, step.mechanism, unit, _counts_as(step), _state(step))
    wide_console().print(table)
    for release in releases:
        click.echo(f"{release.at} release {release.release_id} of run {release.run[:_SHORT]}")


def show_total(total: "Total", budget: "Budget | None") -> None:
    """Prints the sum first, then what it consists of."""
    click.echo(f"epsilon {_number(total.epsilon)} at delta {total.delta:.2g}, per patient, over {_steps(total)}")
    if total.unbounded:
        click.echo(
            f"  {total.unbounded} trained without differential privacy: nothing bounds what they told. "
            f"The others alone: epsilon {_number(total.bounded_epsilon)}"
        )
    if total.unfinished:
        click.echo(f"  {total.unfinished} began and have no recorded end: they count as all that was planned")
    for kind, shares in (("run", total.runs), ("release", total.releases)):
        for share in shares:
            click.echo(f"{kind} {share.name[: _SHORT if kind == 'run' else None]}: {_share(share)}")
    if budget is not None:
        remains = max(0.0, budget.epsilon - total.epsilon)
        click.echo(f"budget: epsilon {budget.epsilon:.4g} at delta {budget.delta:.2g}; about {remains:.4g} remains")


def _steps(total: "Total") -> str:
    return f"{_counted(total.steps, 'private step')} of {_counted(len(total.runs), 'run')}"


def _share(share: "Share") -> str:
    return f"epsilon {_number(share.epsilon)}, {_counted(share.steps, 'private step')}"


def _counts_as(step: "Step") -> str:
    if step.events is None:
        return "no bound"
    parts = (f"{e.steps} steps at q {e.sampling_rate:.4g}, sigma {e.noise_multiplier:.4g}" for e in step.events)
    return "; ".join(parts) or "nothing"


def _state(step: "Step") -> str:
    return "begun, no recorded end" if step.state == "begun" else step.state


def _number(epsilon: float) -> str:
    return f"{epsilon:.4g}" if math.isfinite(epsilon) else "without bound"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
