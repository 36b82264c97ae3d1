"""`deidrelease ledger`: what all private steps on a corpus, of every run and release, have spent."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from deidrelease.cli.options import set_option

if TYPE_CHECKING:
    from deidrelease.privacy.account import Account
    from deidrelease.privacy.ledger import Ledger

_Command = TypeVar("_Command", bound=Callable[..., Any])
_path = click.Path(path_type=Path)


def _corpus_options(command: _Command) -> _Command:
    """The options that say which corpus is meant, and where its ledger lies."""
    options = (
        click.argument("corpus", metavar="CORPUS", type=_path),
        click.option("--from", "from_format", metavar="FORMAT", default="auto", help="Of CORPUS, as in its runs."),
        click.option("--patients", metavar="WHERE", default="recorded", help="As in its runs: recorded, note, field:…"),
        click.option(
            "--overlaps", type=click.Choice(["error", "keep-longest"]), default="error", help="As in its runs."
        ),
        click.option("--merge", is_flag=True, help="As in its runs."),
        click.option("--ledger", "folder", metavar="DIR", type=_path, help="Folder of the ledgers; as in its runs."),
        set_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def ledger() -> None:
    """Show and add up what a private corpus has been exposed to, by all runs and releases on record.

    CORPUS is the YAML config of a run, which says all that is needed; or the private corpus itself, with the options
    that its runs read it by. What was done with other corpora that have a patient of it counts as well. No output holds
    text, PII or ids: runs are shown by keyed digests.
    """


@ledger.command()
@_corpus_options
def show(**given: Any) -> None:
    """List every private step on CORPUS, and every release, in the order in which they were written down."""
    from deidrelease.cli.ledger_display import show_steps

    account = _account(given)
    found = _ledger(account)
    if found is not None:
        show_steps(found.steps(), found.releases(), found.run_digest(account.run_dir) if _is_config(given) else "")


@ledger.command()
@_corpus_options
@click.option("--delta", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="At which epsilon is told.")
def total(delta: float | None, **given: Any) -> None:
    """Compose everything on record about CORPUS: epsilon per patient, by run, by release and in sum.

    Composition is not addition: the epsilon of two runs together is as a rule below the sum of theirs. At the delta of
    privacy.budget by default, else at the smallest that a step was planned with.
    """
    from deidrelease.cli.ledger_display import show_total

    account = _account(given)
    found = _ledger(account)
    if found is not None:
        budget = account.budget
        told = delta or (budget.delta if budget else min((s.delta for s in found.steps() if s.delta), default=1e-5))
        show_total(found.total(told), budget if budget and budget.delta == told else None)


@ledger.command()
@_corpus_options
def repair(**given: Any) -> None:
    """Take away a last line that was cut off while it was written, by a full disk or a loss of power.

    That it was done is written into the ledger. A step whose beginning was cut off never began; one whose end was cut
    off goes on counting as all that was planned. No other damage can be repaired: restore a backup.
    """
    from deidrelease.errors import PrivacyError, Problem

    account = _account(given)
    if not account.folder.exists():
        problem = Problem(str(account.folder), "holds no ledger", "name the folder: --ledger")
        raise PrivacyError("There is nothing to repair.", [problem])
    dropped = account.ledger().repair()
    click.echo(f"{dropped} bytes of a cut-off line were taken away." if dropped else "Nothing was cut off.")


def _ledger(account: "Account") -> "Ledger | None":
    from deidrelease.privacy.folder import has_ledgers

    # Looking makes no folder and no key.
    found = account.ledger() if has_ledgers(account.folder) else None
    if found is None or not found.exists():
        click.echo(f"No private step on this corpus is on record in {account.folder}.")
        return None
    return found


def _is_config(given: dict[str, Any]) -> bool:
    corpus: Path = given["corpus"]
    return corpus.suffix in {".yaml", ".yml"}


def _account(given: dict[str, Any]) -> "Account":
    from deidrelease.privacy.account import Account
    from deidrelease.privacy.folder import ledger_folder

    if _is_config(given):
        from dataclasses import replace

        from deidrelease.config import load_config
        from deidrelease.models.private.accounts import account_of

        account = account_of(load_config(given["corpus"], given["overrides"]))
        return replace(account, folder=given["folder"]) if given["folder"] else account
    if given["overrides"]:
        raise click.UsageError("--set is for a CORPUS that is a config")
    from deidrelease.formats import PatientSource, ReadOptions, open_corpus

    reading = ReadOptions(PatientSource.parse(given["patients"]), given["overlaps"], given["merge"])
    return Account(
        ledger_folder(given["folder"]), lambda: open_corpus(given["corpus"], given["from_format"], reading), Path()
    )
