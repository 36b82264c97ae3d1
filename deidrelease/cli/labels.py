"""`deidrelease labels`: the label maps that come with deidrelease."""

import click


@click.group()
def labels() -> None:
    r"""What labels mean: HIPAA class, how far a value identifies, whose it is, which surrogate it gets.

    `corpus.labels` in a config names one of these maps, or the path of your own. Surrogates need one; `deidrelease
    check` lists every label of a corpus that its map lacks. See docs/how-to/label-maps.md.

    \b
    Examples:
      deidrelease labels list
      deidrelease labels show i2b2-2014 > mine.yaml
    """


@labels.command("list")
def list_maps() -> None:
    """Name the shipped label maps, with how many labels each knows and where the label set comes from."""
    from deidrelease.labels import load_label_map, shipped_label_maps

    for name in shipped_label_maps():
        label_map = load_label_map(name)
        click.echo(f"{name}: {len(label_map.labels)} labels; {label_map.source} ({label_map.licence}).")


@labels.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the label map NAME, shipped or a path, as it stands, to read or to start your own from."""
    from deidrelease.labels import find_label_map, load_label_map

    load_label_map(name)
    click.echo(find_label_map(name).read_text(encoding="utf-8"), nl=False)
