"""Puts a policy together with those that it extends; it may only ask for more than each of them."""

from collections.abc import Sequence
from typing import Any

from deidrelease.policy.files import PolicyFile
from deidrelease.policy.rules import Ancestor, Policy, Rule
from deidrelease.policy.tightening import Loosening, loosenings, rule_loosenings, stricter

_OWN = ("name", "version", "title", "description")


def resolved(file: PolicyFile, parents: Sequence[Policy]) -> dict[str, Any]:
    """The content of the policy that `file` and `parents` give together, not yet checked.

    Raises:
        ValueError: Two parents contradict each other.
    """
    return {
        **{name: getattr(file, name) for name in _OWN},
        "extends": [_ancestor(parent) for parent in parents],
        "requires": sorted({*file.requires, *(name for parent in parents for name in parent.requires)}),
        "rules": _rules(file, parents),
        "statements": {**_statements(parents), **file.statements},
        "coverage": _coverage(file, parents),
        "not_covered": _united([parent.not_covered for parent in parents] + [file.not_covered]),
        **_terms(file, parents),
    }


def asks_for_less(policy: Policy, parents: Sequence[Policy]) -> list[tuple[Policy, Loosening]]:
    """Everything in which `policy` is looser than one of `parents`; empty where it only tightens."""
    return [(parent, loosening) for parent in parents for loosening in loosenings(parent, policy)]


def _ancestor(parent: Policy) -> dict[str, str]:
    return Ancestor(name=parent.name, version=parent.version, sha256=parent.sha256()).model_dump()


def _rules(file: PolicyFile, parents: Sequence[Policy]) -> dict[str, Any]:
    inherited: dict[str, Rule] = {}
    for parent in parents:
        for name, rule in parent.rules.items():
            inherited[name] = _both(name, inherited[name], rule) if name in inherited else rule
    # By name, not by place in the file: canonical JSON keeps no order, and a verdict must be the same from either.
    own = {name: _told(file, name, inherited.get(name)) for name in file.rules}
    return {
        name: {**(inherited[name].model_dump(exclude_none=True) if name in inherited else {}), **own.get(name, {})}
        for name in sorted({*inherited, *own})
    }


def _told(file: PolicyFile, name: str, inherited: Rule | None) -> dict[str, Any]:
    """What the file says of a rule; a limit that it tightens is no longer that of the source it takes over."""
    told = file.rules[name].told()
    if inherited is None or "source" in told or not told.keys() & {"at_most", "at_least", "judge"}:
        return told
    return {**told, "source": "; ".join(filter(None, (inherited.source, f"tightened by {file.name}")))}


def _both(name: str, one: Rule, other: Rule) -> Rule:
    words = one if any(rule_loosenings(one, other)) else other
    try:
        return Rule.model_validate({**words.model_dump(), **stricter(one, other)})
    except ValueError as error:
        raise ValueError(f"two of them have a rule {name} that cannot both hold: {_first_line(error)}") from None


def _first_line(error: ValueError) -> str:
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return str(error.errors(include_input=False)[0]["msg"]).removeprefix("Value error, ")
    return str(error)


def _statements(parents: Sequence[Policy]) -> dict[str, str]:
    united: dict[str, str] = {}
    for parent in parents:
        for name, text in parent.statements.items():
            if united.setdefault(name, text) != text:
                raise ValueError(f"two of them ask for the statement {name} in different words")
    return united


def _coverage(file: PolicyFile, parents: Sequence[Policy]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for layer in (*(parent.coverage for parent in parents), file.coverage):
        for letter, coverage in layer.items():
            by = _united([told.get(letter, {}).get("by", []), coverage.by])
            told[letter] = {"how": coverage.how, "by": by}
    return told


def _united(lists: Sequence[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(text for part in lists for text in part))


def _terms(file: PolicyFile, parents: Sequence[Policy]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if parents:
        told = {
            "approvals": max(parent.approvals for parent in parents),
            "valid_days": min(parent.valid_days for parent in parents),
            "waivers": {"max_days": min(parent.waivers.max_days for parent in parents)},
            "signable": all(parent.signable for parent in parents),
        }
    own = file.model_dump(include={"approvals", "valid_days", "waivers", "signable"}, exclude_none=True)
    return told | own
