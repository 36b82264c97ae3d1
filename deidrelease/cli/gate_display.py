"""How a verdict looks on a terminal: the outcome, a line for each demand that blocks, then what else there is."""

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence

import click

from deidrelease.report.demands import Demand, State, demands_of, one_line
from deidrelease.results import Verdict

_OUTCOMES = {"pass": "PASS", "pass-with-waivers": "PASS WITH WAIVERS", "blocked": "BLOCKED"}
_WORDS: Mapping[State, str] = {
    "unjudged": "BLOCKS", "broken": "BLOCKS", "refused": "BLOCKS", "warning": "WARNING", "waived": "WAIVED",
}  # fmt: skip
_NARROWEST = 40


def show_verdict(verdict: Verdict, justifications: Mapping[str, str] | None = None) -> None:
    """Prints the outcome first, then what blocks, the warnings, what is waived, and how many demands are kept."""
    demands = demands_of(verdict, justifications)
    _echo(f"{one_line(verdict.policy)} {one_line(verdict.policy_version)}: {_OUTCOMES[verdict.outcome]}")
    for states in (("unjudged", "broken", "refused"), ("warning",), ("waived",)):
        for demand, besides in _gathered([demand for demand in demands if demand.state in states]):
            with_it = f"; leaves unjudged: {', '.join(besides)}" if besides else ""
            _echo(f"{_WORDS[demand.state]} {demand.sentence()}{with_it}")
    kept = sum(demand.state == "kept" for demand in demands)
    _echo(f"Kept: {kept} of {len(demands)} demands. {_reach(verdict)}")


def _gathered(demands: Sequence[Demand]) -> list[tuple[Demand, list[str]]]:
    """Each with the rules that it leaves unjudged: all rules on an audit that did not run have one cause."""
    causes = [each.rule for each in demands if each.state == "unjudged" and each.rule.startswith("audit.")]
    caused: dict[str, list[str]] = {}
    shown = []
    for demand in demands:
        if cause := _cause(demand, causes):
            caused.setdefault(cause, []).append(demand.rule)
        else:
            shown.append(demand)
    return [(demand, caused.get(demand.rule, [])) for demand in shown]


def _cause(demand: Demand, causes: Sequence[str]) -> str:
    """Which of `causes` leaves `demand` unjudged; empty where none does."""
    if demand.state != "unjudged" or demand.rule in causes:
        return ""
    # A class of identifiers stands on metrics of several audits, and names those that are missing.
    told = demand.metric or (demand.what if demand.rule.startswith("coverage.") else "")
    return next((cause for cause in causes if f" {cause.removeprefix('audit.')}." in f" {told}"), "")


def _reach(verdict: Verdict) -> str:
    if not verdict.passed:
        return "Nothing may be released."
    if not verdict.signable:
        return "A smoke test: nothing can be signed or released under this policy."
    return "That is what the policy says of the audits' numbers, and no proof that nothing private is left."


def _echo(text: str) -> None:
    """One line where nobody looks; on a terminal lines that fit, indented where they go on."""
    if not sys.stdout.isatty():
        click.echo(text)
        return
    width = max(shutil.get_terminal_size().columns, _NARROWEST)
    click.echo(textwrap.fill(text, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False))
