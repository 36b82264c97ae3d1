"""The verdict as Markdown, for the summary of a CI step: the outcome, then a row a demand, blocking ones first."""

import html
import re
from collections.abc import Mapping

from deidrelease.report.demands import Demand, State, demands_of, one_line
from deidrelease.results import Verdict

_ORDER: tuple[State, ...] = ("unjudged", "broken", "refused", "warning", "waived", "kept")
_SHOWN: Mapping[State, str] = {
    "unjudged": "**could not be judged: blocks**", "broken": "**broken: blocks**", "refused": "**refused: blocks**",
    "warning": "broken: a warning", "waived": "broken: waived", "kept": "kept",
}  # fmt: skip
_OUTCOMES = {"pass": "passed", "pass-with-waivers": "passed with waivers", "blocked": "blocked"}


def step_summary(verdict: Verdict, justifications: Mapping[str, str] | None = None) -> str:
    """A heading, a line of facts and a table.

    Args:
        verdict: What the policy says.
        justifications: Waiver id to what it says.
    """
    demands = sorted(demands_of(verdict, justifications), key=lambda demand: _ORDER.index(demand.state))
    blocking = sum(demand.blocks for demand in demands)
    policy = f"Policy {_escaped(verdict.policy)} {_escaped(verdict.policy_version)}"
    lines = [
        f"## Gate: {_OUTCOMES[verdict.outcome]}",
        "",
        f"{policy}: {blocking} of {len(demands)} demands block. {_reach(verdict)}",
        "",
        "| demand | standing | found | why | what can be done |",
        "|---|---|---|---|---|",
        *map(_row, demands),
    ]
    return "\n".join(lines) + "\n"


def _reach(verdict: Verdict) -> str:
    if not verdict.passed:
        return "Nothing may be released."
    if not verdict.signable:
        return "This policy is a smoke test: nothing can be signed or released under it."
    return "This is what the policy says of the audits' numbers, and no proof that nothing private is left."


def _row(demand: Demand) -> str:
    done = f"waiver {demand.waiver}: {demand.justification}".rstrip(": ") if demand.waiver else demand.remedy
    if demand.state == "kept":
        done = ""
    cells = (_escaped(demand.rule), _SHOWN[demand.state], *map(_escaped, (demand.what, demand.because, done)))
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """`text` as itself: neither HTML nor Markdown; a pipe in it does not end the cell."""
    return re.sub(r"([\\`*_{}\[\]()#+!|~])", r"\\\1", html.escape(one_line(text), quote=False))
