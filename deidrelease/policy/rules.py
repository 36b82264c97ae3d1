"""What a policy is once nothing in it is left open: rules, who has to sign, and how long a release may be valid.

A policy as a file may leave out what another gives it (`deidrelease.policy.files`); this is what comes out of that,
what decides, what is packed with a release, and what a recipient's trust policy names by its digest.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deidrelease.artifacts import sha256_text
from deidrelease.labels import HIPAA_CLASSES
from deidrelease.labels.meaning import HipaaClass
from deidrelease.results import Estimate, Severity
from deidrelease.signing.strict_json import canonical

POLICY_FORMAT: Literal["deidrelease.policy/1"] = "deidrelease.policy/1"
METRIC = r"^[a-z0-9_]{1,64}\.[A-Za-z0-9_]{1,64}$"
SLUG = r"^[a-z0-9][a-z0-9-]{0,63}$"
SEMVER = r"^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$"
NOT_TEXT = frozenset({"P", "Q"})
"""Classes of HIPAA that notes cannot hold: finger and voice prints, photographs."""
LONGEST_VALIDITY = 3660

End = Literal["low", "value", "high"]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Slug = Annotated[str, Field(pattern=SLUG)]
MetricName = Annotated[str, Field(pattern=METRIC)]
AuditName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
Version = Annotated[str, Field(pattern=SEMVER)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Strict(BaseModel):
    """Read as it is written: no other keys, no conversions, no number that is none, no change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Rule(Strict):
    """A bound on one metric.

    Attributes:
        metric: As `audit.metric`, such as `pii_replay.decisive`.
        judge: Which end of the estimate has to keep the bound.
        at_most: Upper bound; None for none.
        at_least: Lower bound; None for none.
        severity: `block` stops the release; `warn` is only told.
        because: Why there is such a rule, for whoever reads the verdict.
        source: Where the demand comes from: a law, a paper, or this product's default.
        remedy: What can be done where it is not kept.
        waivable: Whether a signed waiver may cover it; False for an absolute stop.
    """

    metric: MetricName
    judge: End
    at_most: float | None = None
    at_least: float | None = None
    severity: Severity = "block"
    because: Text
    source: Annotated[str, Field(max_length=4000)] = ""
    remedy: Annotated[str, Field(max_length=4000)] = ""
    waivable: bool = True

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("bounds nothing: give at_most or at_least")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError("no number can keep it: at_least is above at_most")
        return self

    @property
    def audit(self) -> str:
        """The audit that the metric belongs to."""
        return self.metric.partition(".")[0]

    @property
    def limit(self) -> str:
        """In words, such as `at most 0.05`."""
        bounds = (("at most", self.at_most), ("at least", self.at_least))
        return " and ".join(f"{word} {bound:.12g}" for word, bound in bounds if bound is not None)

    def judged(self, estimate: Estimate) -> float:
        """The number that has to keep the bounds."""
        return {"low": estimate.low, "value": estimate.value, "high": estimate.high}[self.judge]

    def keeps(self, estimate: Estimate) -> bool:
        """Whether `estimate` keeps the bounds."""
        number = self.judged(estimate)
        return (self.at_most is None or number <= self.at_most) and (self.at_least is None or number >= self.at_least)


class Coverage(Strict):
    """How one class of identifiers is looked for.

    Attributes:
        how: In a sentence, with what is not looked for.
        by: The metrics that stand for it; each has to be there for a release to pass.
    """

    how: Text
    by: list[MetricName] = []


class WaiverTerms(Strict):
    """What the policy lets a waiver do.

    Attributes:
        max_days: The longest a waiver may live; 0 where none counts.
    """

    max_days: Annotated[int, Field(ge=0, le=LONGEST_VALIDITY)] = 0


class Ancestor(Strict):
    """A policy that this one tightens."""

    name: Slug
    version: Version
    sha256: Sha256


class Policy(Strict):
    """What a release has to keep.

    Attributes:
        format: Of the resolved document.
        name: As the verdict gives it.
        version: SemVer: loosening anything is a new major, tightening a minor, words alone a patch.
        title: In a few words.
        description: What it is for, and what it does not do.
        extends: The policies it tightens, with their digests.
        requires: Audits that have to be `measured`; those that a rule names have to be anyway.
        rules: By a name of their own, at least one of which can block.
        approvals: How many people have to sign, each with a key of their own.
        statements: What a human has to state when signing: id to its text.
        valid_days: The longest a release may be valid.
        waivers: What a waiver may do.
        signable: Whether anything may be released under it at all.
        coverage: Class of HIPAA to how it is looked for; all eighteen, or none where the policy makes no such claim.
        not_covered: What the policy does not look at, in sentences for the report.
    """

    format: Literal["deidrelease.policy/1"] = POLICY_FORMAT
    name: Slug
    version: Version
    title: Annotated[str, Field(max_length=200)] = ""
    description: Annotated[str, Field(max_length=8000)] = ""
    extends: list[Ancestor] = []
    requires: list[AuditName] = []
    rules: Annotated[dict[Slug, Rule], Field(min_length=1, max_length=500)]
    approvals: Annotated[int, Field(ge=0, le=100)] = 1
    statements: dict[Slug, Text] = {}
    valid_days: Annotated[int, Field(ge=1, le=LONGEST_VALIDITY)] = 365
    waivers: WaiverTerms = WaiverTerms()
    signable: bool = False
    coverage: dict[HipaaClass, Coverage] = {}
    not_covered: list[Text] = []

    @model_validator(mode="after")
    def _can_block(self) -> Self:
        if all(rule.severity == "warn" for rule in self.rules.values()):
            raise ValueError("no rule can block: give one the severity block")
        return self

    @model_validator(mode="after")
    def _covers_every_class(self) -> Self:
        missing = [letter for letter in HIPAA_CLASSES if letter not in self.coverage]
        if self.coverage and missing:
            raise ValueError(f"coverage leaves out {', '.join(missing)}: a class nobody speaks of is one nobody checks")
        bare = [letter for letter, told in self.coverage.items() if not told.by and letter not in NOT_TEXT]
        if bare:
            raise ValueError(f"coverage names no metric for {', '.join(sorted(bare))}, which notes can hold")
        return self

    @property
    def audits(self) -> tuple[str, ...]:
        """Every audit that has to be measured, sorted."""
        covering = (metric.partition(".")[0] for told in self.coverage.values() for metric in told.by)
        return tuple(sorted({*self.requires, *(rule.audit for rule in self.rules.values()), *covering}))

    def canonical(self) -> bytes:
        """Its content as canonical JSON (RFC 8785): equal policies give equal bytes, whatever the file looks like."""
        return canonical(self.model_dump(mode="json"))

    def sha256(self) -> str:
        """Of `canonical()`."""
        return sha256_text(self.canonical().decode("utf-8"))


def semver(version: str) -> tuple[int, int, int]:
    """`"1.2.3"` as numbers that compare.

    Raises:
        ValueError: It is no such version.
    """
    if not re.fullmatch(SEMVER, version):
        raise ValueError("is no version such as 1.2.3")
    major, minor, patch = map(int, version.split("."))
    return major, minor, patch
