"""A verdict as a list of demands in plain sentences: what every output of the gate is made from.

What a policy or a result says is text from a file. It comes out of here on one line, without characters that steer a
terminal, turn the direction of writing or cannot stand in XML; each output escapes for its own syntax besides.
"""

import hmac
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from deidrelease.results import Judgement, Verdict

State = Literal["broken", "unjudged", "refused", "warning", "waived", "kept"]
"""`broken`, `unjudged` and `refused` block; the others do not."""

BLOCKING: tuple[State, ...] = ("broken", "unjudged", "refused")
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_ENDS = {"low": "the interval's lower end", "value": "the value", "high": "the interval's upper end"}


@dataclass(frozen=True, slots=True)
class Demand:
    """One demand, as a reader meets it.

    Attributes:
        rule: Its name in the policy; `waivers.ID` for a waiver that counts for nothing.
        metric: As `audit.metric`; empty where the demand is not about one number.
        state: How it stands.
        what: What was found: how much, against which limit.
        because: Why there is such a demand.
        remedy: What can be done.
        waiver: Id of the waiver that covers it; empty where none does.
        justification: What that waiver says; empty where none covers it.
    """

    rule: str
    metric: str
    state: State
    what: str
    because: str
    remedy: str
    waiver: str = ""
    justification: str = ""

    @property
    def blocks(self) -> bool:
        """Whether the release stops here."""
        return self.state in BLOCKING

    def sentence(self) -> str:
        """What, how much, against which limit, why the limit exists and what can be done, on one line."""
        told = [f"{self.rule}: {self.what}", f"why: {self.because}" if self.because else ""]
        if self.waiver:
            told.append(f"waived: {self.waiver}: {self.justification}".rstrip(": "))
        # The reason why an audit measured nothing may be all that can be said of the remedy, and was said already.
        elif self.remedy.rstrip(".") not in self.what:
            told.append(f"what to do: {self.remedy}")
        return "; ".join(part.rstrip(".") for part in told if part)


def demands_of(verdict: Verdict, justifications: Mapping[str, str] | None = None) -> tuple[Demand, ...]:
    """Every demand of `verdict`, in the policy's order; refused waivers come last.

    Args:
        verdict: What the policy says.
        justifications: Waiver id to what it says, of the waivers that count.
    """
    said = justifications or {}
    judged = [_demand(judgement, said.get(judgement.waiver, "")) for judgement in verdict.judgements]
    refused = [_refused(waiver, why) for waiver, why in sorted(verdict.refused_waivers.items())]
    return (*judged, *refused)


def rule_id(verdict: Verdict, demand: Demand) -> str:
    """A name that stays the same from run to run, such as `research/no-decisive-copy`."""
    return f"{one_line(verdict.policy)}/{demand.rule}"


def fingerprint(verdict: Verdict, demand: Demand, secret: str) -> str:
    """HMAC-SHA256 in hex by which a CI recognises the same demand on the same private corpus in a later run.

    Args:
        verdict: What the demand is part of.
        demand: Of it.
        secret: The keyed digest of the private corpus: whoever lacks it cannot tell whose data failed which rule.
    """
    message = f"{verdict.policy}\0{demand.rule}"
    return hmac.digest(secret.encode("utf-8", "replace"), message.encode("utf-8", "replace"), "sha256").hex()


def one_line(text: str) -> str:
    """`text` on one line, without control characters, marks of direction, lone surrogates and unassigned ones."""
    seen = "".join(" " if unicodedata.category(c) in _UNPRINTABLE else c for c in text)
    return " ".join(seen.split())


def _demand(judgement: Judgement, justification: str) -> Demand:
    return Demand(
        rule=one_line(judgement.rule),
        metric=one_line(judgement.metric),
        state=_state(judgement),
        what=one_line(_found(judgement)),
        because=one_line(judgement.because),
        remedy=one_line(judgement.remedy),
        waiver=one_line(judgement.waiver),
        justification=one_line(justification),
    )


def _state(judgement: Judgement) -> State:
    if judgement.blocks:
        return "unjudged" if judgement.standing == "unjudged" else "broken"
    if judgement.waiver:
        return "waived"
    return "warning" if judgement.standing == "broken" else "kept"


def _found(judgement: Judgement) -> str:
    estimate = judgement.estimate
    if judgement.standing == "unjudged" or estimate is None or judgement.judged not in _ENDS:
        return judgement.what
    number = _number(getattr(estimate, judgement.judged), judgement.limit)
    spread = f" (interval {estimate.low:.4g} to {estimate.high:.4g})" if estimate.low < estimate.high else ""
    held = f"{_ENDS[judgement.judged]} of {judgement.metric}" if spread else judgement.metric
    return f"{held} is {number}{spread}, limit: {judgement.limit}"


def _number(number: float, limit: str) -> str:
    """Rounded, unless that would make a broken limit look kept."""
    rounded = f"{number:.4g}"
    return repr(number) if rounded in limit.split() and float(rounded) != number else rounded


def _refused(waiver: str, why: str) -> Demand:
    remedy = "take the waiver out of the file, or have it renewed and signed"
    reason = "a waiver that does not count may be one that somebody relies on"
    return Demand(f"waivers.{one_line(waiver)}", "", "refused", f"refused: {one_line(why)}", reason, remedy)
