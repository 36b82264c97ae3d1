"""`deidrelease verify`."""

from pathlib import Path
from typing import Any

import click

from deidrelease.cli.rerun import check_rerun, repeat, rerun_options

NOT_VERIFIED = 4


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--trust", required=True, metavar="FILE", type=click.Path(path_type=Path), help="Whom you believe.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
@click.option(
    "--state", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="What you verified before."
)
@click.option("--stateless", is_flag=True, help="Neither know nor keep what was verified before.")
@rerun_options
@click.pass_context
def verify(
    context: click.Context,
    /,
    bundle: Path,
    trust: Path,
    as_json: bool,
    state: Path | None,
    stateless: bool,
    **again: Any,
) -> None:
    r"""Check BUNDLE, a release's folder or its .zip: offline, without torch, and without unpacking anything.

    All that counts comes from you: FILE is your trust policy, with the publisher's public keys and what you ask for
    (docs/how-to/verify.md). A bundle brings no keys and no rules of its own, and there is no unsigned way to success.

    Checked are the files, one by one and against the signed manifest; the signatures and the approvals; that the notes
    are those that were audited, all of them; that the verdict comes out the same when decided again; that the report
    is the page which the numbers give; and that this is not an older release sent for the newest. Every failure is
    listed, with what can be done. What a pass does not mean is said below it.

    \b
    Examples:
      deidrelease verify release/ --trust trust.yaml
      deidrelease verify release.zip --trust trust.yaml --json --stateless
      deidrelease verify release/ --trust trust.yaml --rerun --private train.jsonl --holdout holdout.jsonl \
        --labels meddocan --site-key site.key

    --rerun is for whoever has the private corpora: once the bundle is verified the audits are repeated on its notes,
    and each number has to come out again, exactly or within the intervals. Without the site's key nobody can tell
    whether the corpora are those of the audit, and the output says so.

    Which releases were verified before is kept in $XDG_STATE_HOME/deidrelease (~/.local/state/deidrelease), or in the
    folder named by --state.

    Exit codes: 0 verified; 4 not verified, or not readable; 3 the trust policy cannot be used; 2 usage.
    """
    from datetime import UTC, datetime

    from deidrelease.bundle.remembering import Memory, state_folder
    from deidrelease.bundle.verification import verify as run
    from deidrelease.cli.verify_display import document, show
    from deidrelease.signing.trust import load_trust

    if stateless and state is not None:
        raise click.UsageError("--state and --stateless exclude each other.")
    check_rerun(again)
    if again["rerun"] and as_json:
        raise click.UsageError("--rerun prints a table; leave --json out")
    trusted = load_trust(trust)
    memory = None if stateless else Memory(state or state_folder())
    found = run(bundle, trusted, datetime.now(UTC), memory)
    if as_json:
        click.echo(document(found, trusted, stateless))
    else:
        show(bundle, found, trusted, stateless)
    if not found.ok or (again["rerun"] and not repeat(bundle, again)):
        context.exit(NOT_VERIFIED)
