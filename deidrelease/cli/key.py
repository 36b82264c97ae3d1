"""`deidrelease key`."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import click

_ROLES = ("release", "approval", "waiver")


@click.group()
def key() -> None:
    r"""Keys that sign releases, approvals and waivers: make them, and see which is which.

    Nobody approves their own work, so a release key has no other role, and each approver has a key of their own. A
    recipient believes only keys that stand in their trust policy (`deidrelease verify --trust`); what makes a key
    yours is that you told them its fingerprint by another way than the bundle's.

    \b
    Examples:
      deidrelease key new keys/release --name "Region X release pipeline"
      deidrelease key new keys/vidal --name "M. Vidal, data protection officer" --role approval
      deidrelease key show keys/release/public.pem

    Keys in an HSM or a cloud's KMS are named by their URI where a key is asked for: see docs/how-to/verify.md.
    """


@key.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", required=True, help="Whose key it is, as recipients will read it.")
@click.option("--role", type=click.Choice(_ROLES), default="release", show_default=True, help="What it is for.")
@click.option(
    "--valid-days", type=click.IntRange(1, 3660), default=730, show_default=True, help="In the entry printed."
)
@click.option("--no-passphrase", is_flag=True, help="Leave the private key readable to whoever reads the file.")
def new(folder: Path, name: str, role: str, valid_days: int, no_passphrase: bool) -> None:
    r"""Make an Ed25519 key pair in DIR: private.pem, for you alone, and public.pem.

    The passphrase is asked for twice, or taken from DEIDRELEASE_KEY_PASSPHRASE. Without it the key is lost: keep it
    where you keep such things. A file that is there is never overwritten.

    Prints the entry for a recipient's trust.yaml, and the fingerprint to tell them by another way.

    \b
    Example:
      deidrelease key new keys/release --name "Region X release pipeline"
    """
    from deidrelease.signing.key_files import make_key_pair, open_signer, public_key_of
    from deidrelease.signing.trust import Role, TrustedKey, key_entry

    passphrase = None if no_passphrase else asked_passphrase(confirm=True)
    pair = make_key_pair(folder, name, passphrase)
    # A key that cannot be opened again is found out now, and not when a release waits for it.
    if public_key_of(open_signer(str(pair.private), lambda: passphrase or b"")) != pair.key:
        raise AssertionError("the key that was written is not the key that was made")
    today = datetime.now(UTC).date()
    roles = [known for known in get_args(Role) if known == role]
    trusted = TrustedKey(name, frozenset(roles), pair.key, today, today + timedelta(days=valid_days))
    click.echo(f"Made {pair.private} (keep it secret) and {pair.public}.")
    click.echo(f"SHA-256 of the public key: {pair.key.fingerprint}\n")
    click.echo("For the trust.yaml of whoever is to believe it, below `keys:`\n")
    click.echo(key_entry(trusted), nl=False)


@key.command()
@click.argument("public", type=click.Path(path_type=Path, dir_okay=False))
def show(public: Path) -> None:
    r"""Show kind and fingerprint of the key in the file PUBLIC.

    The fingerprint is the SHA-256 of the key in DER, the same that `openssl` gives:
    openssl pkey -pubin -in public.pem -outform DER | sha256sum

    \b
    Example:
      deidrelease key show keys/release/public.pem
    """
    from deidrelease.signing.key_files import read_public_key

    found = read_public_key(public)
    click.echo(f"{found.algorithm}  SHA-256 {found.fingerprint}")


def asked_passphrase(confirm: bool = False) -> bytes:
    """The passphrase of a private key: from the environment, or asked for without showing it."""
    from deidrelease.signing.key_files import PASSPHRASE_VARIABLE

    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is not None:
        return given.encode("utf-8")
    answer: str = click.prompt("Passphrase of the private key", hide_input=True, confirmation_prompt=confirm, err=True)
    return answer.encode("utf-8")
