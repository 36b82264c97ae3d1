"""`deidrelease approve`."""

from pathlib import Path
from typing import Any

import click

NOT_APPROVED = 4
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--key", required=True, metavar="PEM|URI", help="Your private key, with the role approval.")
@click.option("--public", metavar="PEM", type=_FILE, help="Public half of the key; needed with a URI.")
@click.option("--name", required=True, help="Your name.")
@click.option("--state", "states", multiple=True, metavar="ID", help="What you state; may be given many times.")
@click.option("--comment", default="", help="In your words; stands in the bundle.")
@click.option("--trust", metavar="FILE", type=_FILE, help="Also check whose keys have signed so far.")
@click.option("--zip", "archive", metavar="FILE", type=_FILE, help="Pack the bundle afterwards, again if it is there.")
@click.option("--yes", is_flag=True, help="Do not ask: I have read the report.")
@click.pass_context
def approve(context: click.Context, /, **given: Any) -> None:
    r"""Approve the BUNDLE, a folder that `deidrelease bundle` wrote, by signing for it as a person.

    Read report/report.html first. The bundle is looked at as `verify` would; then what you are about to approve is
    shown, and you are asked. Your signature adds one line to attestations.intoto.jsonl, and changes nothing else.

    The key that signed the release cannot approve it, and one key approves once. Where the policy asks for statements
    you have to make each of them by --state; `deidrelease policy show NAME` has their words.

    \b
    Examples:
      deidrelease approve release-1 --key keys/eva/private.pem --name "Eva Lind" --state report-read
      deidrelease approve release-1 --key hsm:3 --public eva.pem --name "Eva Lind" --state no-actual-knowledge \
        --trust trust.yaml --comment "Second reading, sample of 50 notes" --zip release-1.zip

    Exit codes: 0 approved; 4 something speaks against the bundle; 3 something that you can mend; 2 usage.
    """
    from datetime import UTC, datetime

    from deidrelease.bundle.approving import Approval, approve, examine
    from deidrelease.bundle.archive import refuse_other, write_archive
    from deidrelease.bundle.layout import MANIFEST
    from deidrelease.cli.bundle_display import show_candidate
    from deidrelease.cli.key import asked_passphrase
    from deidrelease.signing.key_files import open_signer
    from deidrelease.signing.trust import load_trust

    trust = load_trust(given["trust"]) if given["trust"] else None
    candidate = examine(given["bundle"], trust, datetime.now(UTC))
    show_candidate(candidate)
    if candidate.failures:
        click.echo("Nothing was approved.")
        context.exit(NOT_APPROVED)
    if trust is None:
        click.echo("Whose keys have signed was not checked: give --trust for that.")
    if given["archive"]:
        # An approval that was given is not taken back because the packing after it cannot be done.
        refuse_other(given["archive"], (given["bundle"] / MANIFEST).read_bytes())
    _show_statements(given["bundle"], given["states"])
    asked = f"Do you, {given['name']}, approve this release, having read its report?"
    if not given["yes"] and not click.confirm(asked):
        click.echo("Nothing was approved.")
        context.exit(NOT_APPROVED)
    signer = open_signer(given["key"], asked_passphrase, given["public"])
    said = Approval(given["name"], frozenset(given["states"]), given["comment"], datetime.now(UTC))
    approve(candidate, said, signer)
    done = len(candidate.approvers) + 1
    click.echo(f"Approved by {given['name']}: {done} of {candidate.verdict.approvals} approval(s) asked for.")
    if given["archive"]:
        write_archive(given["bundle"], given["archive"])
        click.echo(f"Packed: {given['archive']}")


def _show_statements(bundle: Path, states: tuple[str, ...]) -> None:
    """The words of what is stated, from the policy that the bundle holds."""
    from deidrelease.bundle.layout import RESOLVED
    from deidrelease.policy import read_resolved

    policy = read_resolved((bundle / RESOLVED).read_bytes())
    for name in states:
        if name in policy.statements:
            click.echo(f"\nYou state {name}: {policy.statements[name]}")
