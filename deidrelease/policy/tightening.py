"""When one policy is at least as strict as another, thing by thing.

Everything here goes by one idea: whatever the stricter policy lets pass, the other lets pass too.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from deidrelease.policy.rules import End, Policy, Rule

_SEVERITY = {"warn": 0, "block": 1}
_STRICT_ABOVE: dict[End, int] = {"low": 0, "value": 1, "high": 2}
"""How strict it is to hold this end against an upper bound; against a lower bound it is the other way round."""


@dataclass(frozen=True, slots=True)
class Loosening:
    """One thing in which a policy asks for less than another.

    Attributes:
        key: Where it stands in the policy, such as `("rules", "auc", "at_most")`.
        asked: What the other asks, in words.
        given: What this one asks instead, in words.
    """

    key: tuple[str, ...]
    asked: str
    given: str


def loosenings(old: Policy, new: Policy) -> Iterator[Loosening]:
    """Everything in which `new` asks for less than `old`; nothing where it is at least as strict."""
    for name, rule in sorted(old.rules.items()):
        if name in new.rules:
            for key, asked, given in rule_loosenings(rule, new.rules[name]):
                yield Loosening(("rules", name, *key), asked, given)
        else:
            yield Loosening(("rules", name), f"a rule on {rule.metric}", "none")
    yield from _missing("requires", set(old.audits), set(new.audits))
    yield from _missing("statements", set(old.statements), set(new.statements))
    for name in sorted(old.statements.keys() & new.statements.keys()):
        if old.statements[name] != new.statements[name]:
            yield Loosening(("statements", name), "its own words", "other words under the same name")
    yield from _fewer(old, new)
    for letter, told in sorted(old.coverage.items()):
        kept = set(new.coverage[letter].by) if letter in new.coverage else set()
        if letter not in new.coverage or not set(told.by) <= kept:
            yield Loosening(("coverage", letter), f"by {', '.join(told.by) or 'a sentence'}", ", ".join(kept) or "none")


def rule_loosenings(old: Rule, new: Rule) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """In what `new` asks for less than `old`: key in the rule, what was asked, what is given."""
    if new.metric != old.metric:
        yield ("metric",), old.metric, f"{new.metric}: give a rule on another metric another name"
        return
    if old.at_most is not None and (new.at_most is None or new.at_most > old.at_most):
        yield ("at_most",), f"at most {old.at_most:.12g}", new.limit
    if old.at_least is not None and (new.at_least is None or new.at_least < old.at_least):
        yield ("at_least",), f"at least {old.at_least:.12g}", new.limit
    if _looser_end(old, new):
        yield ("judge",), f"that the {old.judge} end keeps {old.limit}", f"the {new.judge} end"
    if _SEVERITY[new.severity] < _SEVERITY[old.severity]:
        yield ("severity",), old.severity, new.severity
    if new.waivable and not old.waivable:
        yield ("waivable",), "that no waiver covers it", "waivable"


def stricter(one: Rule, other: Rule) -> dict[str, object]:
    """The bounds, end, severity and waivability that are as strict as those of both.

    Raises:
        ValueError: They bound different metrics, or judge ends of which neither is the stricter.
    """
    if one.metric != other.metric:
        raise ValueError(f"bounds {one.metric} in one and {other.metric} in the other")
    told: dict[str, object] = {
        "at_most": _least(one.at_most, other.at_most),
        "at_least": _most(one.at_least, other.at_least),
        "judge": one.judge if not _looser_end(other, one) else other.judge,
        "severity": max((one.severity, other.severity), key=_SEVERITY.__getitem__),
        "waivable": one.waivable and other.waivable,
    }
    if any(_end_is_looser(told["judge"], rule) for rule in (one, other)):
        raise ValueError(f"judges the {one.judge} end in one and the {other.judge} end in the other")
    return told


def _looser_end(old: Rule, new: Rule) -> bool:
    return _end_is_looser(new.judge, old)


def _end_is_looser(end: object, rule: Rule) -> bool:
    strict, wanted = _STRICT_ABOVE[end], _STRICT_ABOVE[rule.judge]  # type: ignore[index]
    return (rule.at_most is not None and strict < wanted) or (rule.at_least is not None and strict > wanted)


def _least(*bounds: float | None) -> float | None:
    return min((bound for bound in bounds if bound is not None), default=None)


def _most(*bounds: float | None) -> float | None:
    return max((bound for bound in bounds if bound is not None), default=None)


def _missing(key: str, old: set[str], new: set[str]) -> Iterator[Loosening]:
    for name in sorted(old - new):
        yield Loosening((key, name), "that it is there", "none")


def _fewer(old: Policy, new: Policy) -> Iterator[Loosening]:
    if new.approvals < old.approvals:
        yield Loosening(("approvals",), f"{old.approvals} at least", str(new.approvals))
    if new.valid_days > old.valid_days:
        yield Loosening(("valid_days",), f"{old.valid_days} at most", str(new.valid_days))
    if new.waivers.max_days > old.waivers.max_days:
        yield Loosening(("waivers", "max_days"), f"{old.waivers.max_days} at most", str(new.waivers.max_days))
    if new.signable and not old.signable:
        yield Loosening(("signable",), "that nothing is released under it", "signable")
