"""What a change of a policy means: tightened, loosened, or only other words; and whether its version says so."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from deidrelease.policy.rules import Policy, semver
from deidrelease.policy.tightening import Loosening, loosenings

Kind = Literal["loosened", "removed", "tightened", "added", "reworded"]
Step = Literal["major", "minor", "patch", "none"]
LOOSER: frozenset[Kind] = frozenset({"loosened", "removed"})
_WORDS = ("because", "source", "remedy", "how")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing in which two policies differ.

    Attributes:
        kind: From the older to the newer.
        key: Where it stands, such as `rules.auc.at_most`.
        before: What the older asks; empty where nothing.
        after: What the newer asks; empty where nothing.
    """

    kind: Kind
    key: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """All of it.

    Attributes:
        changes: What is looser first.
        needed: The step of SemVer that these changes need.
        taken: The step that the versions take; None where they are two policies, or the newer has the lower version.
    """

    changes: tuple[Change, ...]
    needed: Step
    taken: Step | None

    @property
    def looser(self) -> bool:
        """Whether the newer asks for less in anything."""
        return any(change.kind in LOOSER for change in self.changes)

    @property
    def fits(self) -> bool:
        """Whether the version steps as far as the changes need, or further."""
        order: tuple[Step, ...] = ("none", "patch", "minor", "major")
        return self.taken is not None and order.index(self.taken) >= order.index(self.needed)


def difference(old: Policy, new: Policy) -> Difference:
    """What changes from `old` to `new`."""
    loose = list(loosenings(old, new))
    # What is neither stricter nor looser, such as a rule that turned to another metric, is told once, as looser.
    tight = [each for each in loosenings(new, old) if each.key not in {other.key for other in loose}]
    changes = (
        *(_change("removed" if _whole_rule(each) else "loosened", each, each.asked, each.given) for each in loose),
        *(_change("added" if _whole_rule(each) else "tightened", each, each.given, each.asked) for each in tight),
        *_reworded(old, new),
    )
    return Difference(changes, _needed(changes), _taken(old, new))


def _whole_rule(loosening: Loosening) -> bool:
    return len(loosening.key) == 2 and loosening.key[0] == "rules"


def _change(kind: Kind, loosening: Loosening, before: str, after: str) -> Change:
    return Change(kind, ".".join(loosening.key), before, after)


def _reworded(old: Policy, new: Policy) -> Iterator[Change]:
    for name in ("title", "description", "not_covered"):
        if getattr(old, name) != getattr(new, name):
            yield Change("reworded", name, "", "")
    for section in ("rules", "coverage"):
        before, after = (policy.model_dump(include={section})[section] for policy in (old, new))
        for name in sorted(before.keys() & after.keys()):
            for word in _other_words(before[name], after[name]):
                yield Change("reworded", f"{section}.{name}.{word}", "", "")


def _other_words(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [word for word in _WORDS if before.get(word) != after.get(word)]


def _needed(changes: tuple[Change, ...]) -> Step:
    kinds = {change.kind for change in changes}
    if kinds & LOOSER:
        return "major"
    if kinds & {"tightened", "added"}:
        return "minor"
    return "patch" if kinds else "none"


def _taken(old: Policy, new: Policy) -> Step | None:
    before, after = semver(old.version), semver(new.version)
    if old.name != new.name or after < before:
        return None
    steps: tuple[Step, ...] = ("major", "minor", "patch")
    return next((step for step, one, other in zip(steps, before, after, strict=True) if one != other), "none")
