"""A policy as its file has it: whatever it does not say comes from the policies that it extends."""

from typing import Annotated, Any

from pydantic import Field

from deidrelease.labels.meaning import HipaaClass
from deidrelease.policy.rules import (
    LONGEST_VALIDITY,
    AuditName,
    Coverage,
    End,
    MetricName,
    Slug,
    Strict,
    Text,
    Version,
    WaiverTerms,
)
from deidrelease.results import Severity


class RuleInFile(Strict):
    """A rule, or what a policy tightens of a rule that it takes over under the same name.

    A rule that is new needs metric, judge, because, and at_most or at_least.
    """

    metric: Annotated[MetricName | None, Field(description="As audit.metric, such as pii_replay.decisive.")] = None
    judge: Annotated[End | None, Field(description="The end of the interval that has to keep the bound.")] = None
    at_most: Annotated[float | None, Field(description="Upper bound, inclusive.")] = None
    at_least: Annotated[float | None, Field(description="Lower bound, inclusive.")] = None
    severity: Annotated[Severity | None, Field(description="block by default; warn is told and blocks nothing.")] = None
    because: Annotated[Text | None, Field(description="Why there is such a rule.")] = None
    source: Annotated[Text | None, Field(description="Law, paper, or: this product's default.")] = None
    remedy: Annotated[Text | None, Field(description="What can be done where it is not kept.")] = None
    waivable: Annotated[bool | None, Field(description="Whether a waiver may cover it; true by default.")] = None

    def told(self) -> dict[str, Any]:
        """What the file says, without what it leaves out."""
        return self.model_dump(exclude_unset=True, exclude_none=True)


class PolicyFile(Strict):
    """A policy for deidrelease: what the audits of a release must have found before it may leave."""

    name: Annotated[Slug, Field(description="Small letters, digits and hyphens.")]
    version: Annotated[Version, Field(description="SemVer: loosening is a major, tightening a minor.")]
    title: Annotated[str, Field(max_length=200, description="In a few words.")] = ""
    description: Annotated[str, Field(max_length=8000, description="What it is for, and what it does not do.")] = ""
    extends: Annotated[
        str | Annotated[list[str], Field(max_length=8)],
        Field(default_factory=list, description="Policies it tightens: shipped names, or paths from this file."),
    ]
    requires: Annotated[list[AuditName], Field(default_factory=list, description="Audits that have to be measured.")]
    rules: Annotated[dict[Slug, RuleInFile], Field(default_factory=dict, max_length=500, description="By own names.")]
    approvals: Annotated[int | None, Field(ge=0, le=100, description="People who have to sign; 1 by default.")] = None
    statements: Annotated[
        dict[Slug, Text], Field(default_factory=dict, description="What a human states when signing: id to text.")
    ]
    valid_days: Annotated[
        int | None, Field(ge=1, le=LONGEST_VALIDITY, description="The longest a release may be valid; 365 by default.")
    ] = None
    waivers: Annotated[WaiverTerms | None, Field(description="None count by default.")] = None
    signable: Annotated[bool | None, Field(description="Whether it may release at all; false by default.")] = None
    coverage: Annotated[
        dict[HipaaClass, Coverage],
        Field(default_factory=dict, description="Class of 45 CFR 164.514(b)(2) to how it is looked for."),
    ]
    not_covered: Annotated[list[Text], Field(default_factory=list, description="What the policy does not look at.")]

    @property
    def parents(self) -> list[str]:
        """Names or paths of the policies it extends, in its order."""
        return [self.extends] if isinstance(self.extends, str) else list(self.extends)
