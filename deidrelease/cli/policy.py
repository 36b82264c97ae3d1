"""`deidrelease policy`: the policies there are, what they ask, and what a change of one means."""

from pathlib import Path

import click

BLOCKED = 4


@click.group()
def policy() -> None:
    r"""What a release has to keep: the shipped policies, and your own.

    A policy is a YAML file of rules. Each bounds one number of the audits, says which end of its interval has to keep
    the bound, and why. What is missing, failed or inconclusive blocks, whatever the rules say. A policy may extend
    others, and then only ask for more. See docs/policies/README.md.

    \b
    Examples:
      deidrelease policy list
      deidrelease policy show research
      deidrelease policy show research --yaml > ours.yaml
      deidrelease policy check ours.yaml
      deidrelease policy diff research ours.yaml
    """


@policy.command("list")
def list_policies() -> None:
    """Name the shipped policies, what each is for, and who has to sign."""
    from deidrelease.policy import load_policy, shipped

    for name in shipped():
        found = load_policy(name)
        terms = f"{found.approvals} approval(s), valid {found.valid_days} days" if found.signable else "never signable"
        click.echo(f"{name} {found.version}: {found.title}; {len(found.rules)} rules, {terms}.")


@policy.command()
@click.argument("name", metavar="NAME|FILE")
@click.option("--json", "as_json", is_flag=True, help="Resolved, as the canonical JSON that a bundle holds.")
@click.option("--yaml", "as_yaml", is_flag=True, help="The file as it stands, to copy.")
@click.option("--digest", is_flag=True, help="The SHA-256 by which a recipient's trust.yaml names it.")
def show(name: str, as_json: bool, as_yaml: bool, digest: bool) -> None:
    r"""Show what a policy asks: its rules with limits and reasons, and the terms of a release under it.

    NAME is a shipped policy or the path of a YAML file. What it extends is put in.

    \b
    Examples:
      deidrelease policy show hipaa-safe-harbor
      deidrelease policy show strict-research --digest
    """
    from deidrelease.cli.policy_display import show_policy
    from deidrelease.policy import load_policy, raw_bytes

    if as_json + as_yaml + digest > 1:
        raise click.UsageError("give one of --json, --yaml and --digest")
    found = load_policy(name)
    if as_json:
        click.echo(found.canonical().decode("utf-8"))
    elif as_yaml:
        click.echo(raw_bytes(name).decode("utf-8"), nl=False)
    elif digest:
        click.echo(found.sha256())
    else:
        show_policy(found)


@policy.command()
@click.argument("names", metavar="FILE...", nargs=-1, required=True)
def check(names: tuple[str, ...]) -> None:
    r"""Tell everything that is wrong with a policy, each with its line and column, or that nothing is.

    Unknown and doubled keys, misspelt audits and metrics, limits that nothing can break, the name of a shipped policy
    on another, and whatever asks for less than a policy that is extended.

    \b
    Example:
      deidrelease policy check ours.yaml

    Exit codes: 0 can be used; 3 cannot.
    """
    from deidrelease.errors import PolicyError, Problem
    from deidrelease.policy import load_policy

    problems: list[Problem] = []
    for name in names:
        try:
            found = load_policy(name)
        except PolicyError as error:
            problems += error.problems
        else:
            click.echo(f"{name}: can be used. {found.name} {found.version}, sha256 {found.sha256()}")
    if problems:
        raise PolicyError("A policy cannot be used.", problems)


@policy.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--exit-code", is_flag=True, help="Exit with 4 where NEW asks for less than OLD in anything.")
@click.pass_context
def diff(context: click.Context, old: str, new: str, exit_code: bool) -> None:
    r"""Tell what changes from policy OLD to NEW: loosened, tightened, added, removed; and the step of SemVer it needs.

    To loosen anything is a new major version, to tighten a minor, other words a patch.

    \b
    Examples:
      deidrelease policy diff research ours.yaml
      deidrelease policy diff ours-1.yaml ours-2.yaml --exit-code
    """
    from deidrelease.cli.policy_display import show_difference
    from deidrelease.policy import load_policy
    from deidrelease.policy.difference import difference

    before, after = load_policy(old, borrowed=True), load_policy(new, borrowed=True)
    found = difference(before, after)
    show_difference(found, before, after)
    if exit_code and found.looser:
        context.exit(BLOCKED)


@policy.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it there instead of printing it.")
def schema(out: Path | None) -> None:
    r"""Print the JSON Schema of a policy file, by which editors complete and check one.

    \b
    Example:
      deidrelease policy schema --out policy.schema.json
    """
    from deidrelease.artifacts import write_text
    from deidrelease.policy.schema import policy_schema

    if out is None:
        click.echo(policy_schema(), nl=False)
    else:
        write_text(out, policy_schema())
