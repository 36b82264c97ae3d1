"""`deidrelease check`."""

from pathlib import Path

import click

from deidrelease.cli.options import config_argument, set_option


@click.command()
@config_argument
@set_option
def check(config: Path, overrides: tuple[str, ...]) -> None:
    """Find in seconds whatever would stop `deidrelease run CONFIG` later.

    Looks at the config, the corpus (every note, every span), the split, labels that clash, models that are not there,
    the device, and the disk. Lists everything it finds. Exit code 0: nothing stands in the way; 3: something does.
    """
    from deidrelease.checks import check_release
    from deidrelease.config import load_config
    from deidrelease.errors import ConfigError

    report = check_release(load_config(config, overrides))
    for line in report.facts:
        click.echo(line)
    for warning in report.warnings:
        click.echo(f"warning: {warning}", err=True)
    if report.problems:
        raise ConfigError(f"{config}: {len(report.problems)} problem(s) stand in the way.", report.problems)
    click.echo("Nothing stands in the way.")
