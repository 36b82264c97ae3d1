"""What `bundle` and `approve` print."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deidrelease.cli.gate_display import show_verdict
from deidrelease.report.demands import one_line

if TYPE_CHECKING:
    from deidrelease.bundle.approving import Candidate
    from deidrelease.bundle.making import Made, Refused
    from deidrelease.bundle.release_document import ReleaseDocument


def show_made(made: "Made", archive: Path | None) -> None:
    """Prints what stands, what was searched, and what comes next."""
    release, scanned = made.release, made.scanned
    show_verdict(made.verdict)
    click.echo(f"\n{made.folder}: release {release.sequence} of {release.dataset}, {release.data.notes:,} notes")
    searched = f"{scanned.notes:,} private notes with {scanned.identifiers:,} direct identifiers"
    click.echo(f"Searched in {scanned.files} files: {searched}; none is there.")
    if release.draft:
        click.echo("DRAFT: not signed. `verify` refuses it, and nobody may use it.")
        return
    click.echo(f"SHA-256 of the manifest: {made.manifest_sha256}")
    click.echo(f"Valid until {release.valid_until}, for {one_line(release.recipient)}.")
    if made.verdict.approvals:
        states = "".join(f" --state {name}" for name in made.verdict.statements)
        click.echo(f"\nIt needs {made.verdict.approvals} approval(s), each by a person with a key of their own:")
        click.echo(f"  deidrelease approve {made.folder} --key PRIVATE.pem --name NAME{states}")
        if archive:
            click.echo(f"{archive} holds no approval: let `approve --zip` pack the bundle again after the last one.")
    click.echo("\nWhoever gets it checks it, offline and without running anything of it, by")
    click.echo(f"  deidrelease verify {archive or made.folder} --trust trust.yaml")


def show_refused(refused: "Refused", justifications: Mapping[str, str]) -> None:
    """Prints why nothing was made; of what was found in a file, the file and what it is, and never the value."""
    show_verdict(refused.verdict, justifications)
    for reason in refused.reasons:
        click.echo(f"BLOCKS {reason}")
    for hit in refused.hits:
        click.echo(f"BLOCKS {hit.file} {hit.what}, in {hit.places} place(s)")
    if refused.hits:
        click.echo("Take it out of what you said of the release, of the policy or of a waiver's justification.")
    click.echo("No bundle was made.")


def show_candidate(candidate: "Candidate") -> None:
    """Prints what somebody is about to approve: verdict, waivers, who it is for and for how long, who has approved."""
    release, verdict = candidate.release, candidate.verdict
    show_verdict(verdict)
    click.echo("")
    for name, said in _facts(release).items():
        click.echo(f"{name + ':':12} {one_line(said)}")
    click.echo(f"{'Approved by:':12} {', '.join(map(one_line, candidate.approvers)) or 'nobody yet'}")
    for failure in candidate.failures:
        click.echo(f"FAILED {one_line(failure.where)}: {one_line(failure.what)} — {failure.remedy}")


def _facts(release: "ReleaseDocument") -> Mapping[str, str]:
    return {
        "Release": f"{release.title} ({release.dataset}, number {release.sequence}, {release.release_id})",
        "Notes": f"{release.data.notes:,}, SHA-256 {release.data.digest}",
        "For": release.recipient,
        "Publisher": release.publisher,
        "Licence": release.licence,
        "Valid until": release.valid_until,
        "Privacy": release.privacy.statement,
    }
