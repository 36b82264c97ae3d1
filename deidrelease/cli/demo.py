"""`deidrelease demo`."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Folder for notes, config and run.",
)
@click.option(
    "--notes-only",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write just the notes into DIR, and train nothing.",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    type=click.Choice(["es", "sv", "en"]),
    help="Only notes in this language; may be given more than once.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Another seed, another hospital."
)
@click.option("--memorise", is_flag=True, help="Let the model learn the notes by heart, and see the gate stop it.")
def demo(out: Path, notes_only: Path | None, languages: tuple[str, ...], seed: int, memorise: bool) -> None:
    """Show the whole flow on the notes of a fictitious hospital, in Spanish, Swedish and English.

    Everything in the notes is invented. Both models start from nothing, so nothing is downloaded; with two CPU cores it
    takes a few minutes. Run it again after a kill and it goes on. What such small models reach says what the flow does,
    not what pretrained ones would reach on your notes.
    """
    from deidrelease.demo.run import write_config, write_notes

    if notes_only is not None:
        click.echo(f"{write_notes(notes_only, seed, languages)}")
        return
    from deidrelease.cli.flow import run_and_show
    from deidrelease.config import load_config

    write_notes(out, seed, languages)
    run_and_show(load_config(write_config(out, seed, memorise)))
