"""What the policy commands print."""

import textwrap
from typing import TYPE_CHECKING

import click

from deidrelease.report.demands import one_line

if TYPE_CHECKING:
    from deidrelease.policy import Policy, Rule
    from deidrelease.policy.difference import Difference

_WIDTH = 112
_INDENT = "    "


def show_policy(policy: "Policy") -> None:
    """Prints the terms, then a table of limits, then the reason of each, in that order."""
    from rich.table import Table

    from deidrelease.cli.corpus_display import wide_console

    click.echo(f"{policy.name} {policy.version}: {one_line(policy.title)}\n")
    _wrapped(policy.description)
    click.echo("")
    for line in _terms(policy):
        click.echo(line)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("rule", "metric", "limit", "judged", "if not kept"):
        table.add_column(name, no_wrap=True)
    for name, rule in sorted(policy.rules.items()):
        table.add_row(name, rule.metric, rule.limit, rule.judge, _consequence(rule))
    click.echo("")
    wide_console().print(table)
    click.echo("")
    for name, rule in sorted(policy.rules.items()):
        _wrapped(f"{name}: {rule.because} [{rule.source or 'no source given'}]")
    _more(policy)


def show_difference(found: "Difference", old: "Policy", new: "Policy") -> None:
    """Prints a line a change, then whether the version says as much."""
    for change in found.changes:
        was = f": {change.before} -> {change.after}" if change.before or change.after else ""
        click.echo(f"{change.kind:10} {change.key}{was}")
    if not found.changes:
        click.echo("They ask the same, in the same words.")
    names = f"{old.name} {old.version} -> {new.name} {new.version}"
    if old.name != new.name:
        click.echo(f"{names}: two policies, so the versions say nothing.")
    elif found.taken is None:
        click.echo(f"{names}: the version goes back.")
    elif found.fits:
        click.echo(f"{names}: the version says so ({found.needed} needed, {found.taken} taken).")
    else:
        click.echo(f"{names}: the version says too little: these changes need a {found.needed} step.")


def _terms(policy: "Policy") -> list[str]:
    waivers = policy.waivers.max_days
    lines = [
        f"Released under it: {'yes' if policy.signable else 'nothing, ever'}",
        f"Approvals:         {policy.approvals}, each by a key of its own",
        f"Valid at most:     {policy.valid_days} days",
        f"Waivers:           {f'at most {waivers} days' if waivers else 'none count'}",
        f"Audits:            {', '.join(policy.audits)}",
    ]
    if policy.extends:
        lines.append(f"Extends:           {', '.join(f'{a.name} {a.version}' for a in policy.extends)}")
    return lines


def _consequence(rule: "Rule") -> str:
    if rule.severity == "warn":
        return "warning"
    return "blocks" if rule.waivable else "blocks, no waiver"


def _more(policy: "Policy") -> None:
    for title, entries in (
        ("Stated by whoever approves:", [f"{name}: {text}" for name, text in sorted(policy.statements.items())]),
        ("Classes of 45 CFR 164.514(b)(2)(i):", [f"{at}: {told.how}" for at, told in sorted(policy.coverage.items())]),
        ("Not covered:", policy.not_covered),
    ):
        if entries:
            click.echo(f"\n{title}")
        for entry in entries:
            _wrapped(entry)


def _wrapped(text: str) -> None:
    click.echo(textwrap.fill(one_line(text), _WIDTH, subsequent_indent=_INDENT, break_long_words=False))
