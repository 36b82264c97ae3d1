"""`deidrelease status`."""

from pathlib import Path

import click


@click.command()
@click.argument("run_dir", metavar="RUN", type=click.Path(path_type=Path))
def status(run_dir: Path) -> None:
    """Say what is done, stale, begun or missing in the run folder RUN, and why.

    Reads receipts and checks that every file still has the digest that its receipt records; runs and changes nothing.
    """
    from rich.console import Console
    from rich.table import Table

    from deidrelease import release

    table = Table("stage", "state", "seconds", "peak MiB", "why", box=None, pad_edge=False)
    for standing in release.status(run_dir):
        receipt = standing.receipt
        seconds = f"{receipt.seconds:.1f}" if receipt else ""
        memory = f"{receipt.peak_memory_bytes / 2**20:.0f}" if receipt else ""
        table.add_row(standing.stage, standing.state, seconds, memory, standing.why)
    Console().print(table)
