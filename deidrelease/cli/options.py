"""Arguments that several commands share."""

from pathlib import Path

import click

config_argument = click.argument("config", type=click.Path(path_type=Path))
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override any key of the config, such as --set corpus.path=notes.jsonl; may be given many times.",
)
