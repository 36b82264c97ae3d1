"""`deidrelease waiver`: exceptions that somebody signs for."""

import datetime
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from deidrelease.policy import Policy, WaiverClaim

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def waiver() -> None:
    r"""Signed, dated permission to release one corpus although it breaks one rule of a policy.

    One person writes the request, another signs it with a key that recipients trust with the role `waiver`. It names
    one rule and one corpus, and it ends: there are no wildcards. What was not measured cannot be waived, nor can a
    rule that says so. The verdict then reads PASS WITH WAIVERS, and the report shows each before any number.

    A waiver that is expired, unsigned, for another corpus or for a rule that the policy lacks blocks the release.

    \b
    Examples:
      deidrelease waiver new --policy research --rule membership-test --result audit/result.json \
        --requester "A. Ek" --justification "40,000 patients: AUC .51 is certain and small" --days 30 --out w.yaml
      deidrelease waiver sign w.yaml --policy research --key approver/private.pem --into waivers.json
      deidrelease gate audit --policy research --waivers waivers.json --trust trust.yaml
    """


@waiver.command()
@click.option("--policy", "policy_name", required=True, metavar="NAME|FILE", help="Whose rule it is.")
@click.option("--rule", required=True, help="The rule's name, as the gate prints it.")
@click.option("--result", type=_FILE, help="The audit's result.json; gives the digest of the corpus.")
@click.option("--data-digest", metavar="SHA256", help="The same by hand.")
@click.option("--finding", metavar="ID", help="Id of the finding it is about; shown, and narrows nothing.")
@click.option("--requester", required=True, help="Who asks for it.")
@click.option("--justification", required=True, help="Why this is acceptable; the report shows it.")
@click.option("--days", type=click.IntRange(min=1), required=True, help="How long it lives, from today on (UTC).")
@click.option("--id", "name", help="Its own name; made up by default.")
@click.option("--out", required=True, type=_FILE, help="File to write; must be new.")
def new(**given: Any) -> None:
    r"""Write a request for a waiver, as YAML, for somebody else to read and sign.

    Says at once where the policy would never let it count: an absolute stop, an unknown rule, too long a life.

    \b
    Example:
      deidrelease waiver new --policy research --rule membership-auc --result audit/result.json \
        --requester "A. Ek" --justification "why" --days 30 --out w.yaml
    """
    from deidrelease.policy import load_policy
    from deidrelease.policy.waiver_files import write_claim

    policy = load_policy(given["policy_name"])
    claim = _claim(given, policy)
    _refuse_hopeless(claim, policy, given["out"])
    write_claim(claim, given["out"])
    click.echo(f"{given['out']}: waiver {claim.id} for {claim.rule}, until {claim.expires}. Nobody has signed it yet.")


@waiver.command()
@click.argument("request", type=_FILE)
@click.option("--policy", "policy_name", required=True, metavar="NAME|FILE", help="Checks that it can count at all.")
@click.option("--key", required=True, metavar="PEM|URI", help="Private key with the role waiver.")
@click.option("--public", type=_FILE, help="PEM of its public half; needed with a URI.")
@click.option("--into", "target", required=True, type=_FILE, help="The waivers.json to add it to; made if missing.")
@click.option("--yes", is_flag=True, help="Do not ask: I have read it.")
def sign(request: Path, policy_name: str, key: str, public: Path | None, target: Path, yes: bool) -> None:
    r"""Approve the request for a waiver in the file REQUEST by signing it.

    Shows it and asks first. Whoever holds the key is the approver, under the name that a trust.yaml gives the key, and
    has to be somebody else than the requester. A passphrase is read from DEIDRELEASE_KEY_PASSPHRASE, or asked for.

    \b
    Example:
      deidrelease waiver sign w.yaml --policy research --key approver/private.pem --into waivers.json
    """
    from deidrelease.errors import PolicyError, Problem
    from deidrelease.policy import load_policy
    from deidrelease.policy.waiver_files import read_claim, sign_into
    from deidrelease.signing.key_files import open_signer

    claim, policy = read_claim(request), load_policy(policy_name)
    _refuse_hopeless(claim, policy, request)
    _show(claim, policy)
    if not yes and not click.confirm("Sign it?"):
        raise PolicyError("Nothing was signed.", [Problem(str(request), "was not approved", "ask for something else")])
    sign_into(claim, open_signer(key, _passphrase, public), target)
    click.echo(f"{target}: waiver {claim.id} signed. It counts where a trust.yaml gives this key the role waiver.")


def _claim(given: dict[str, Any], policy: "Policy") -> "WaiverClaim":
    from pydantic import ValidationError

    from deidrelease.errors import PolicyError, Problem
    from deidrelease.policy import WaiverClaim

    today = datetime.datetime.now(datetime.UTC).date()
    try:
        return WaiverClaim(
            id=given["name"] or f"w-{today}-{secrets.token_hex(3)}",
            policy=policy.name,
            rule=given["rule"],
            data_digest=_digest(given),
            finding=given["finding"],
            justification=given["justification"],
            requester=given["requester"],
            issued=today,
            expires=today + datetime.timedelta(days=given["days"] - 1),
        )
    except (ValidationError, OverflowError) as error:
        details = error.errors(include_input=False, include_url=False) if isinstance(error, ValidationError) else []
        problems = [
            Problem(f"--{'-'.join(map(str, detail['loc']))}", detail["msg"].removeprefix("Value error, "), "correct it")
            for detail in details
        ]
        summary = "The waiver cannot be written."
        raise PolicyError(summary, problems or [Problem("--days", "is too long", "ask for less")]) from None


def _digest(given: dict[str, Any]) -> str | None:
    from deidrelease.auditing.result import read_result
    from deidrelease.errors import PolicyError, Problem

    told: str | None = given["data_digest"]
    if (given["result"] is None) == (told is None):
        raise click.UsageError("say which corpus: give one of --result and --data-digest")
    if given["result"] is None:
        return told
    corpora = read_result(given["result"]).corpora
    if "synthetic" not in corpora:
        problem = Problem(str(given["result"]), "names no synthetic corpus", "audit again")
        raise PolicyError("The waiver cannot be written.", [problem])
    return corpora["synthetic"].digest


def _refuse_hopeless(claim: "WaiverClaim", policy: "Policy", path: Path) -> None:
    from deidrelease.errors import PolicyError, Problem
    from deidrelease.policy.waiver_files import hopeless

    remedy = f"see `deidrelease policy show {policy.name}`"
    if problems := [Problem(str(path), reason, remedy) for reason in hopeless(claim, policy)]:
        raise PolicyError("Such a waiver would never count.", problems)


def _show(claim: "WaiverClaim", policy: "Policy") -> None:
    from deidrelease.report.demands import one_line

    rule = policy.rules[claim.rule]
    click.echo(f"Waiver {claim.id}, asked for by {one_line(claim.requester)}")
    click.echo(f"  rule      {policy.name} {policy.version}: {claim.rule}: {rule.metric} {rule.limit}")
    click.echo(f"  why such  {one_line(rule.because)}")
    click.echo(f"  corpus    sha256 {claim.data_digest}")
    if claim.finding:
        click.echo(f"  finding   {claim.finding}")
    click.echo(f"  because   {one_line(claim.justification)}")
    click.echo(f"  from      {claim.issued} to {claim.expires}, {claim.days} days")


def _passphrase() -> bytes:
    from deidrelease.signing.key_files import PASSPHRASE_VARIABLE

    told = os.environ.get(PASSPHRASE_VARIABLE)
    return (told if told is not None else click.prompt("Passphrase of the key", hide_input=True, err=True)).encode()
