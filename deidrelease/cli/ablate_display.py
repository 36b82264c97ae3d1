"""What `ablate` shows: the plan and the standing as tables on stdout, nodes as they end on stderr."""

from datetime import timedelta
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING

import click

from deidrelease.cli.display import shown_progress

if TYPE_CHECKING:
    from deidrelease.ablation.loading import Ablation
    from deidrelease.ablation.probing import Foretold
    from deidrelease.ablation.running import Event


def show_plan(ablation: "Ablation", probe: bool) -> None:
    """Prints what there is to do and, with `probe`, what it will take."""
    from rich.console import Console
    from rich.table import Table

    from deidrelease.ablation.planning import plan_of
    from deidrelease.ablation.probing import SIZES, foretell
    from deidrelease.models.loading import quieten

    if probe:
        quieten()
    found = plan_of(ablation)
    settings = ablation.settings
    seeds = len(ablation.seeds)
    click.echo(f"{found.cells} cells, {settings.folds} folds, {seeds} seed(s): {found.routes} runs")
    if probe and found.left:
        few, more = SIZES
        click.echo(f"Measuring each kind of work on the notes of {few} and of {more} patients first.", err=True)
    with shown_progress():
        foretold = foretell(ablation, found) if probe and found.left else None
    table = Table("stage", "to make", "of them shared", "unshared it would be", "done", "about", box=None)
    for name, stage in found.stages.items():
        row = [str(number) for number in (stage.nodes, stage.shared, stage.uses, stage.done)]
        table.add_row(name, *row, _about(name, foretold))
    # Numbers must not be cut off where there is no terminal.
    Console(width=max(Console().width, 100)).print(table)
    nodes, uses = len(found.graph.nodes), sum(stage.uses for stage in found.stages.values())
    click.echo(f"{nodes} things are made once; without sharing it would be {uses}. {len(found.left)} are left to make.")
    if foretold is not None:
        _show_foretold(foretold, disk_usage(settings.out).free)
    elif found.left:
        click.echo("Time and disk were not measured: leave out --no-probe.")


def _about(name: str, foretold: "Foretold | None") -> str:
    if foretold is None:
        return ""
    if name in foretold.unknown:
        return "not measured"
    return _time(foretold.seconds[name]) if name in foretold.seconds else ""


def _show_foretold(foretold: "Foretold", free: int) -> None:
    total = _time(sum(foretold.seconds.values()))
    click.echo(
        f"About {total} on this machine as busy as it is now, one after the other, with every epoch used; "
        f"about {foretold.disk_bytes / 2**20:.0f} MiB kept. Measured by a probe of {_time(foretold.probe_seconds)}."
    )
    if free < foretold.disk_bytes:
        click.echo(f"warning: only {free / 2**20:.0f} MiB of the disk are free", err=True)
    for name, why in foretold.unknown.items():
        click.echo(f"warning: {name} could not be measured and is not in these figures: {why}", err=True)


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def run_and_show(ablation: "Ablation", jobs: int, engine: str) -> bool:
    """Runs what is left, then prints where the table lies, and what failed.

    Returns:
        False where a cell failed.
    """
    from deidrelease.ablation.running import run
    from deidrelease.ablation.table import CSV, TABLE
    from deidrelease.models.loading import quieten

    quieten()
    failed, ended = {}, 0
    total = len(ablation.cells) * ablation.settings.folds * len(ablation.seeds)
    with shown_progress() as console:
        for event in run(ablation, jobs, engine):
            ended += len(event.ended)
            if event.why:
                failed[event.node.recipe] = f"{event.node.stage.name}: {event.why}"
            console.print(_line(event, ended, total), highlight=False)
    out = ablation.settings.out
    for why in dict.fromkeys(failed.values()):
        click.echo(f"failed: {why}", err=True)
    click.echo(f"table:  {out / TABLE}, {out / CSV}")
    click.echo(f"next:   deidrelease ablate report {out}")
    click.echo("Private. Nothing here may be shared but what a gate passes and a signed bundle holds.")
    return not failed


def _line(event: "Event", ended: int, total: int) -> str:
    told = f"[red]failed[/red]: {event.why}" if event.why else "done"
    return f"{event.node.stage.name:10} {told}; {event.left} left, {ended} of {total} runs ended"


def show_standing(out: Path) -> None:
    """Prints what is done of each stage and of each cell."""
    from rich.console import Console
    from rich.table import Table

    from deidrelease.ablation.standing import standing_of

    standing = standing_of(out)
    stages = Table("stage", "done", "of", box=None, pad_edge=False)
    for name, (done, count) in standing.stages.items():
        stages.add_row(name, str(done), str(count))
    cells = Table("cell", "fold", "seed", "state", "settings", "why", box=None, pad_edge=False)
    for cell in standing.cells:
        route = cell.route
        told = " ".join(f"{name}={level}" for name, level in route.cell.levels.items())
        cells.add_row(route.cell.id, str(route.fold + 1), str(route.seed), cell.state, told, cell.why)
    console = Console(width=max(Console().width, 160))
    console.print(stages)
    console.print(cells)
