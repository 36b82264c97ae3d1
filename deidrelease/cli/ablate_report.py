"""`deidrelease ablate report` and `deidrelease ablate recommend`: what an ablation says, and what to take of it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import date

    from deidrelease.ablation.recommending import Cost

BLOCKED = 4
_OUT = click.argument("out", type=click.Path(path_type=Path, file_okay=False))
_POLICY = click.option("--policy", metavar="NAME|FILE", help="Instead of the policy that the ablation's config names.")


@click.command()
@_OUT
@_POLICY
@click.option(
    "--to", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False),
    help="Write there instead of into OUT/report.",
)  # fmt: skip
def report(out: Path, policy: str | None, to: Path | None) -> None:
    r"""Write what the ablation in OUT says: a summary in Markdown, every comparison as CSV, and pictures.

    Only cells that are done on every fold with every seed are compared: the synthetic tagger with the gold one in each
    cell, and neighbouring levels of each setting, each with a paired interval over hold-out patients, Wilcoxon's test,
    and Holm's correction over all of them. Pictures, as SVG and PNG: F1 against the share of gold, annotator against
    generator, F1 against the size of the synthetic corpus, against each leak, and against cost.

    Holds no text, no value and no patient id.

    \b
    Examples:
      deidrelease ablate report runs/ablation
      deidrelease ablate report runs/ablation --to docs/results/mine
    """
    from deidrelease.ablation.record import read_record
    from deidrelease.ablation.reporting import SUMMARY, write_report
    from deidrelease.policy import load_policy

    folder = write_report(out, load_policy(policy or read_record(out).policy), _today(), to)
    click.echo(f"summary: {folder / SUMMARY}")
    for picture in sorted(folder.glob("*.svg")):
        click.echo(f"picture: {picture}")


@click.command()
@_OUT
@_POLICY
@click.option("--margin", type=click.FloatRange(0, 1), help="Largest loss of strict F1, instead of the config's.")
@click.option(
    "--cost", type=click.Choice(["seconds", "annotated"]), default="seconds", show_default=True,
    help="What cheapest means: time of computing, or patients to annotate by hand.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="All candidates, for programs.")
@click.pass_context
def recommend(
    context: click.Context, out: Path, policy: str | None, margin: float | None, cost: "Cost", as_json: bool
) -> None:
    r"""Name the cheapest cell of OUT that is as good as the best and passes a policy on every fold, with the reasons.

    As good: the lower end of the paired 95% interval of its strict F1 minus that of the best cell is above minus the
    margin. Passes: the policy passes the audit's result of every fold and seed; an audit that did not run blocks, and
    no waiver counts.

    It chooses among what was tried and permits nothing: run the settings, and let the gate judge that run.

    \b
    Examples:
      deidrelease ablate recommend runs/ablation
      deidrelease ablate recommend runs/ablation --margin 0.01 --policy strict-research
      deidrelease ablate recommend runs/ablation --cost annotated

    Exit codes: 0 a cell is recommended; 4 none can be; 3 something that you can mend.
    """
    import json

    from deidrelease.ablation.advice import advice, as_document
    from deidrelease.ablation.outcomes import read_outcomes
    from deidrelease.ablation.recommending import recommend as choose
    from deidrelease.ablation.record import read_record
    from deidrelease.policy import load_policy

    settings = read_record(out)
    allowed = settings.margin if margin is None else margin
    found = choose(read_outcomes(out), out, load_policy(policy or settings.policy), allowed, _today(), cost)
    if found is None:
        click.echo("No cell can be recommended: none is done on every fold with every seed.")
        context.exit(BLOCKED)
    click.echo(json.dumps(as_document(found), indent=1) if as_json else advice(found))
    if found.chosen is None:
        context.exit(BLOCKED)


def _today() -> "date":
    from datetime import UTC, datetime

    return datetime.now(UTC).date()
