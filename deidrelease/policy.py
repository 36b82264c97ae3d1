"""A policy: what audits must have measured, and which numbers block. Whatever is missing or unclear blocks too."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deidrelease.artifacts import canonical_json, sha256_text
from deidrelease.auditing.result import AuditResult
from deidrelease.errors import PolicyError, Problem
from deidrelease.results import AuditReport, Estimate
from deidrelease.yaml_lines import Document, Wanted, dotted, read_document

_WANTED = Wanted(PolicyError, "No policy.", "the policy cannot be used.", "see docs/how-to/audit.md for an example")
VERDICT_FORMAT = "deidrelease.audit-verdict/1"
_METRIC = r"^[a-z0-9_]+\.[A-Za-z0-9_]+$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Rule(_Strict):
    """A bound on one metric.

    Attributes:
        metric: As `audit.metric`, such as `pii_replay.decisive`.
        judge: Which end of the estimate has to keep the bound.
        at_most: Upper bound; None for none.
        at_least: Lower bound; None for none.
        severity: `block` stops the release; `warn` is only told.
        because: Why there is such a rule, for whoever reads the verdict.
    """

    metric: Annotated[str, Field(pattern=_METRIC)]
    judge: Literal["low", "value", "high"]
    at_most: float | None = None
    at_least: float | None = None
    severity: Literal["block", "warn"] = "block"
    because: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("bounds nothing: give at_most or at_least")
        return self

    @property
    def audit(self) -> str:
        """The audit that the metric belongs to."""
        return self.metric.partition(".")[0]

    def keeps(self, estimate: Estimate) -> bool:
        """Whether `estimate` keeps the bounds."""
        number: float = getattr(estimate, self.judge)
        return (self.at_most is None or number <= self.at_most) and (self.at_least is None or number >= self.at_least)


class Policy(_Strict):
    """What a release has to keep.

    Attributes:
        name: As the verdict gives it.
        version: Raised with every change.
        requires: Audits that have to be `measured`; those that a rule names have to be anyway.
        rules: By a name of their own, at least one of which can block.
    """

    name: Annotated[str, Field(min_length=1)]
    version: Annotated[int, Field(ge=1)]
    requires: list[str] = []
    rules: Annotated[dict[str, Rule], Field(min_length=1)]

    @model_validator(mode="after")
    def _can_block(self) -> Self:
        if all(rule.severity == "warn" for rule in self.rules.values()):
            raise ValueError("no rule can block: give one the severity block")
        return self

    def sha256(self) -> str:
        """Of its content, whatever the file looks like."""
        return sha256_text(canonical_json(self.model_dump(mode="json")))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy says of a result.

    Attributes:
        outcome: `pass` only where every number that the policy names is there, and kept where it can block.
        reasons: Why it blocks; empty where it passes.
        warnings: Rules of severity `warn` that were not kept.
        policy: Name of the policy.
        policy_sha256: Of its content.
    """

    outcome: Literal["pass", "blocked"]
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    policy: str
    policy_sha256: str

    def document(self) -> dict[str, object]:
        """As JSON values; holds nothing that the result does not."""
        return {"format": VERDICT_FORMAT, **asdict(self)}


def load_policy(path: Path) -> Policy:
    """Reads the YAML file at `path`.

    Raises:
        PolicyError: Everything that is wrong with it, each with its line.
    """
    document = read_document(path, _WANTED)
    try:
        return Policy.model_validate(document.values)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        problems = [_problem(document, d["type"], tuple(d["loc"]), d["msg"]) for d in details]
    raise PolicyError(f"{path}: {_WANTED.unusable}", problems)


def decide(policy: Policy, result: AuditResult) -> Verdict:
    """Holds `result` against `policy`; looks at nothing else, and passes nothing that it cannot see."""
    reasons = [*_not_whole(result), *_not_measured(policy, result)]
    warnings: list[str] = []
    for name, rule in policy.rules.items():
        estimate = _estimate(rule, result.report(rule.audit))
        if estimate is None:
            reasons.append(f"{name}: there is no metric {rule.metric} in the result")
        elif not rule.keeps(estimate):
            (warnings if rule.severity == "warn" else reasons).append(_complaint(name, rule, estimate))
    outcome: Literal["pass", "blocked"] = "blocked" if reasons else "pass"
    return Verdict(outcome, tuple(reasons), tuple(warnings), policy.name, policy.sha256())


def read_verdict(path: Path) -> Verdict:
    """Reads a `verdict.json`.

    Raises:
        PolicyError: It is missing, of an unknown format, or not whole.
    """
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record.pop("format") != VERDICT_FORMAT or record["outcome"] not in ("pass", "blocked"):
            raise ValueError("another format")
        record |= {name: tuple(record[name]) for name in ("reasons", "warnings")}
        return Verdict(**record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        problem = Problem(str(path), "is missing or no verdict of this version", "audit again")
        raise PolicyError("The verdict cannot be used.", [problem]) from None


def _not_whole(result: AuditResult) -> list[str]:
    reasons = []
    if result.scanned != result.total or result.total <= 0:
        reasons.append(f"{result.scanned} of {result.total} notes were scanned by every audit that wants them")
    if missing := [arm for arm in ("synthetic", "train") if arm not in result.corpora]:
        reasons.append(f"the result names no corpus {' and '.join(missing)}")
    return reasons


def _not_measured(policy: Policy, result: AuditResult) -> list[str]:
    needed = sorted({*policy.requires, *(rule.audit for rule in policy.rules.values())})
    reports = {name: result.report(name) for name in needed}
    reasons = [f"audit {name} did not run" for name, report in reports.items() if report is None]
    failed = [report for report in result.audits if report.status == "failed"]
    unclear = [r for r in reports.values() if r is not None and r.status not in ("measured", "failed")]
    return [*reasons, *(f"audit {r.audit} is {r.status}: {r.reason}" for r in (*failed, *unclear))]


def _estimate(rule: Rule, report: AuditReport | None) -> Estimate | None:
    return report.metrics.get(rule.metric.partition(".")[2]) if report is not None else None


def _complaint(name: str, rule: Rule, estimate: Estimate) -> str:
    bounds = [("at most", rule.at_most), ("at least", rule.at_least)]
    wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
    return f"{name}: {rule.metric} ({rule.judge}) is {getattr(estimate, rule.judge):g}, not {wanted}: {rule.because}"


def _problem(document: Document, kind: str, key: tuple[str | int, ...], message: str) -> Problem:
    where = document.where(key)
    if kind == "extra_forbidden":
        return Problem(where, f"{dotted(key[-1:])} is no key of a policy", _WANTED.example)
    if kind == "missing":
        return Problem(where, "is missing", "say it; a policy is never guessed")
    return Problem(where, message.removeprefix("Value error, "), _WANTED.example)
