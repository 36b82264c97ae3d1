"""`deidrelease verify --rerun`: its options, and the table of what came out again."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from deidrelease.bundle.rerun import Again, Rerun
    from deidrelease.notes import Corpus

_PATH = click.Path(path_type=Path)
_FILE = click.Path(path_type=Path, dir_okay=False)
F = TypeVar("F", bound=Callable[..., Any])
_OPTIONS = (
    click.option("--rerun", is_flag=True, help="Where the private corpora are: repeat the audits, and compare."),
    click.option("--private", "train", metavar="PATH", type=_PATH, help="For --rerun: TRAIN of the audit."),
    click.option("--holdout", metavar="PATH", type=_PATH, help="For --rerun: the hold-out of the audit."),
    click.option("--labels", metavar="MAP", help="For --rerun: what the private labels mean."),
    click.option("--site-key", metavar="FILE", type=_FILE, help="For --rerun: the site's key, to know the corpora by."),
    click.option("--tagger", metavar="FOLDER", type=_PATH, help="For --rerun: the detector that the audit had."),
    click.option("--run", "run_dir", metavar="DIR", type=_PATH, help="For --rerun: the run, for audits canary and dp."),
    click.option("--from", "private_format", default="auto", help="For --rerun: format of the private notes."),
    click.option("--patients", default="recorded", help="For --rerun: where their patient ids stand."),
)


def rerun_options(command: F) -> F:
    """Adds the options of `--rerun`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_rerun(given: dict[str, Any]) -> None:
    """Refuses options that mean nothing together."""
    if given["rerun"] and given["train"] is None:
        raise click.UsageError("--rerun needs --private: the audits compare with the private notes")
    if not given["rerun"] and any(
        given[name] for name in ("train", "holdout", "labels", "site_key", "tagger", "run_dir")
    ):
        raise click.UsageError("these options are for --rerun")


def repeat(bundle: Path, given: dict[str, Any]) -> bool:
    """Repeats the audits, prints what came out, and says whether all did."""
    from deidrelease.auditing.records import records_in
    from deidrelease.bundle.rerun import Given, rerun
    from deidrelease.cli.display import shown_progress
    from deidrelease.engine import LocalEngine
    from deidrelease.labels import load_label_map

    has = Given(
        train=_open(given["train"], given),
        holdout=_open(given["holdout"], given) if given["holdout"] else None,
        label_map=load_label_map(given["labels"]) if given["labels"] else None,
        key=_key(given["site_key"]),
        tagger=given["tagger"],
        records=records_in(given["run_dir"]) if given["run_dir"] else {},
    )
    with shown_progress():
        found = rerun(bundle, has, LocalEngine())
    _show(found)
    return found.ok


def _open(path: Path, given: dict[str, Any]) -> "Corpus":
    from deidrelease.formats import PatientSource, ReadOptions, open_corpus

    return open_corpus(path, given["private_format"], ReadOptions(PatientSource.parse(given["patients"])))


def _key(path: Path | None) -> Any:
    from deidrelease.errors import BundleError, Problem
    from deidrelease.keys import load_or_make_key

    if path is None:
        return None
    if not path.is_file():
        raise BundleError("There is no such key.", [Problem(str(path), "is not there", "name the site's key")])
    return load_or_make_key(path)


def _show(found: "Rerun") -> None:
    from rich.table import Table

    from deidrelease.cli.corpus_display import wide_console

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("audit", "metric", "then", "now", ""):
        table.add_column(name, no_wrap=True)
    for number in found.numbers:
        table.add_row(*_row(number))
    wide_console().print(table)
    for arm, same in found.corpora.items():
        click.echo(f"{arm + ':':10} {_CORPUS[same]}")
    failed = sum(not number.good for number in found.numbers)
    click.echo(f"\nAUDITS REPEATED: {len(found.numbers) - failed} of {len(found.numbers)} numbers came out again.")


_CORPUS = {
    True: "the corpus that was audited",
    False: "ANOTHER CORPUS than the one that was audited",
    None: "not known to be the corpus that was audited: without the site's key (--site-key) nobody can tell",
}


def _row(number: "Again") -> tuple[str, str, str, str, str]:
    told = [_number(estimate) for estimate in (number.then, number.now)]
    said = number.standing if number.good else number.standing.upper()
    return number.audit, number.metric, *told, f"{said}  {number.remark}".rstrip()  # type: ignore[return-value]


def _number(estimate: Any) -> str:
    if estimate is None:
        return "-"
    if estimate.low == estimate.high:
        return f"{estimate.value:.4g}"
    return f"{estimate.value:.4g} ({estimate.low:.4g} to {estimate.high:.4g})"
