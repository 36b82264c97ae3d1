"""`deidrelease run`."""

from pathlib import Path

import click

from deidrelease.cli.options import config_argument, set_option


@click.command()
@config_argument
@click.option("--until", metavar="STAGE", help="Stop after this stage: split, annotator, adapt, generate, …")
@set_option
@click.pass_context
def run(context: click.Context, config: Path, until: str | None, overrides: tuple[str, ...]) -> None:
    r"""Run the flow that CONFIG describes, or what is left of it.

    split → annotator → adapt → generate → annotate → train → evaluate → audit → gate

    Each stage is published whole with a receipt in the config's run_dir. Run the same command again after a kill, a
    crash or a change: what is done stays done, what is stale is made anew, and long stages go on from their last
    checkpoint. Only one run at a time may use a run folder.

    \b
    Examples:
      deidrelease run examples/meddocan-scratch.yaml
      deidrelease run my.yaml --until annotator --set annotator.epochs=8

    Nothing touches the network unless the config says compute.download: true.

    Exit codes: 0 done, and the gate's policy passes, which is no release yet; 3 something that you can mend; 4 the gate
    blocks, or an audit crashed: all files are there, and none may be shared.
    """
    from deidrelease.cli.flow import BLOCKED, run_and_show
    from deidrelease.config import load_config

    if not run_and_show(load_config(config, overrides), until):
        context.exit(BLOCKED)
