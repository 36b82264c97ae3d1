"""`deidrelease demo`."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Run folder; notes and config lie in it too.",
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
    "--seed", type=click.IntRange(0, 2**53 - 1), default=7, show_default=True, help="Another seed, another hospital."
)
@click.option("--memorise", is_flag=True, help="Let the model learn the notes by heart, and see the gate stop it.")
@click.pass_context
def demo(
    context: click.Context, out: Path, notes_only: Path | None, languages: tuple[str, ...], seed: int, memorise: bool
) -> None:
    r"""Show the whole flow on the notes of a fictitious hospital, in Spanish, Swedish and English.

    Everything in the notes is invented. Both models start from nothing, so nothing is downloaded; with two CPU cores it
    takes some minutes. Run it again after a kill and it goes on. What such small models reach says what the flow does,
    not what pretrained ones would reach on your notes.

    It ends in a signed bundle, RUN/bundle, in RUN/trust.yaml, which verifies it, and in the command by which a
    recipient would. The keys are made for this run and prove nothing. With --memorise the gate blocks: there is an
    unsigned draft, RUN/draft, whose report says why.

    \b
    Examples:
      deidrelease demo --out demo
      deidrelease demo --out demo-memorised --memorise

    Exit codes: 0 released and verified; 4 the gate blocks, as with --memorise it should: all files are there, and none
    may be shared.
    """
    from deidrelease.demo.run import write_config, write_notes

    if notes_only is not None:
        click.echo(f"{write_notes(notes_only, seed, languages)}")
        return
    from deidrelease.cli.flow import BLOCKED, run_and_show
    from deidrelease.config import load_config

    write_notes(out, seed, languages)
    passed = run_and_show(load_config(write_config(out, seed, memorise)))
    if not _published(out) or not passed:
        context.exit(BLOCKED)


def _published(run_dir: Path) -> bool:
    """Makes what a recipient would get, and shows how they would check it; whether it verifies."""
    from datetime import UTC, datetime

    from deidrelease.cli.bundle_display import show_refused
    from deidrelease.cli.display import shown_progress
    from deidrelease.cli.verify_display import show
    from deidrelease.demo.publishing import publish
    from deidrelease.signing.trust import load_trust

    click.echo()
    with shown_progress():
        published = publish(run_dir, datetime.now(UTC))
    if published.refused is not None:
        show_refused(published.refused, {})
        return False
    if published.trust is None or published.verification is None:
        click.echo(f"Not released. Why, in a report for people: {published.folder / 'report' / 'report.html'}")
        return False
    show(published.folder, published.verification, load_trust(published.trust), stateless=True)
    click.echo(f"\nThe report for people: {published.folder / 'report' / 'report.html'}")
    click.echo("What a recipient would type:")
    click.echo(f"  deidrelease verify {published.folder} --trust {published.trust}")
    return published.verification.ok
