"""`deidrelease ablate`: a grid of runs; planned, run, looked at, reported, and what to take of it."""

from pathlib import Path

import click

from deidrelease.cli.ablate_report import recommend, report
from deidrelease.cli.options import config_argument, set_option

_OUT = click.argument("out", type=click.Path(path_type=Path, file_okay=False))
_JOBS = click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Things made at once, each in a process."
)
_ENGINE = click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
_PROBE = click.option("--no-probe", is_flag=True, help="Count only; measure no time and no disk.")


class _RunByDefault(click.Group):
    """Takes what is no command's name for the config of `run`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts `run` in front where it was left out."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_RunByDefault)
def ablate() -> None:
    r"""Vary settings and shares of gold notes over folds of patients, and see what each cell is worth and leaks.

    \b
      deidrelease ablate CONFIG --plan        cells, what they share, time and disk; trains nothing that stays
      deidrelease ablate CONFIG               make what is left to make; short for `ablate run CONFIG`
      deidrelease ablate status OUT           what is done, failed or missing
      deidrelease ablate report OUT           summary, comparisons and pictures
      deidrelease ablate recommend OUT        the cheapest cell that is good enough and that a policy passes

    Cells share what they can: a fold's language model serves every annotator and every size of the synthetic corpus,
    and nothing is made twice. A smaller share's patients are among a larger one's; all cells of a fold have the same
    hold-out. Run the same command again after a kill or a change, and it goes on.

    How to write CONFIG: docs/how-to/ablate.md, examples/ablation-demo.yaml.
    """


@ablate.command()
@config_argument
@click.option("--plan", "only_plan", is_flag=True, help="Say what it will take, and begin nothing.")
@_PROBE
@_JOBS
@_ENGINE
@set_option
@click.pass_context
def run(
    context: click.Context, config: Path, only_plan: bool, no_probe: bool, jobs: int, engine: str,
    overrides: tuple[str, ...],
) -> None:  # fmt: skip
    r"""Make what CONFIG describes, or what is left of it, and write the table after each cell that ends.

    Writes into the config's `out`: ablation.parquet and ablation.csv, a row for each cell, fold and seed;
    hits.parquet, what the taggers found by patient, numbered; artefacts/, private. What fails is reported, and the
    other cells go on. With --jobs each process has its part of the CPU's threads, and with another number of threads
    the last bits of a training differ. With --engine ray they are tasks of the cluster that RAY_ADDRESS names, all of
    whose machines have to see `out` and the corpus by the same paths.

    \b
    Examples:
      deidrelease ablate examples/ablation-demo.yaml --plan
      deidrelease ablate mine.yaml --set base.corpus.path=notes.jsonl --set folds=3

    Exit codes: 0 all cells are done; 3 something that you can mend; 4 a cell failed.
    """
    from deidrelease.ablation.loading import load_ablation
    from deidrelease.cli.ablate_display import run_and_show, show_plan

    ablation = load_ablation(config, overrides)
    if only_plan:
        show_plan(ablation, not no_probe)
    elif not run_and_show(ablation, jobs, engine):
        context.exit(4)


@ablate.command()
@config_argument
@_PROBE
@set_option
def plan(config: Path, no_probe: bool, overrides: tuple[str, ...]) -> None:
    """Say what CONFIG will take: cells, what they share, and the time and disk that a short probe foretells.

    The probe does each kind of work that is left once on the notes of 8 patients and once on those of 24, in a folder
    of its own under the config's `out` that is removed again. With --no-probe nothing is trained and nothing written.
    """
    from deidrelease.ablation.loading import load_ablation
    from deidrelease.cli.ablate_display import show_plan

    show_plan(load_ablation(config, overrides), not no_probe)


@ablate.command()
@_OUT
def status(out: Path) -> None:
    """Say what is done, failed, begun or missing in OUT, stage by stage and cell by cell, and why.

    Reads receipts and checks that every file still has the digest that its receipt records; runs and changes nothing.
    """
    from deidrelease.cli.ablate_display import show_standing

    show_standing(out)


ablate.add_command(report)
ablate.add_command(recommend)
