"""The shapes of what is signed: in-toto statements, v1, and the three predicates that have a place in a bundle."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from deidrelease.bundle import layout
from deidrelease.bundle.documents import Count, Digest, ReleaseId, Slug, Strict
from deidrelease.bundle.documents import Sequence as Number
from deidrelease.bundle.moments import Moment
from deidrelease.results import Outcome

STATEMENT: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
AUDIT: Literal["urn:x-deidrelease:release-audit:v1"] = "urn:x-deidrelease:release-audit:v1"
RESULT: Literal["https://in-toto.io/attestation/svr/v0.2"] = "https://in-toto.io/attestation/svr/v0.2"
APPROVAL: Literal["urn:x-deidrelease:approval:v1"] = "urn:x-deidrelease:approval:v1"
GATE: Literal["urn:x-deidrelease:gate:v1"] = "urn:x-deidrelease:gate:v1"
"""Who verified, as a Simple Verification Result names it."""


class Sha256(Strict):
    """A digest as in-toto writes it."""

    sha256: Digest


class Subject(Strict):
    """What a statement is about; the name is told, the digest counts."""

    name: Annotated[str, Field(min_length=1, max_length=300)]
    digest: Sha256


class Audited(Strict):
    """The notes that were audited: digest of their canonical lines, how many, and how many of all arms were seen."""

    digest: Digest
    notes: Count
    scanned: Count
    total: Count


class Digests(Strict):
    """SHA-256 of the files that decide."""

    policy: Digest
    policy_resolved: Digest
    waivers: Digest
    result: Digest
    verdict: Digest
    report: Digest
    release: Digest
    lock: Digest


class ToolVersion(Strict):
    """What made the release."""

    name: str
    version: str


class Judged(Strict):
    """The verdict in short: outcome, and of which policy."""

    outcome: Outcome
    policy: str
    policy_version: str


class AuditPredicate(Strict):
    """What a release key vouches for: that this data was audited whole, by this policy, with this verdict."""

    release_id: ReleaseId
    dataset: Slug
    sequence: Number
    previous: Digest | None
    created: Moment
    valid_until: Moment
    recipient: str
    audited: Audited
    digests: Digests
    tool: ToolVersion
    detector_sha256: Digest | None
    seed: int
    differential_privacy: dict[str, Any] | None
    verdict: Judged


class NamedPolicy(Strict):
    """A policy by name and digest, as a Simple Verification Result lists them."""

    name: str
    digest: Sha256


class Verifier(Strict):
    """Who checked, and by which policies."""

    id: Literal["urn:x-deidrelease:gate:v1"]
    policies: Annotated[list[NamedPolicy], Field(min_length=1, max_length=1)]


class ResultPredicate(Strict):
    """Simple Verification Result, v0.2: the properties that hold."""

    verifier: Verifier
    timeCreated: Moment  # noqa: N815  # the predicate's own name
    properties: list[str]


class ApprovalPredicate(Strict):
    """What a person says by signing.

    Attributes:
        approver: Their name, as they give it; whose key it is, the trust policy says.
        approved_at: When.
        statements: Ids of what they state, such as `no-actual-knowledge`.
        outcome: The verdict that they saw.
        comment: In their words; may be empty.
    """

    release_id: ReleaseId
    approver: Annotated[str, Field(min_length=1, max_length=200)]
    approved_at: Moment
    statements: list[str]
    outcome: Outcome
    comment: Annotated[str, Field(max_length=4000)]


class _Statement(Strict):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, populate_by_name=True)
    type_: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: Annotated[list[Subject], Field(min_length=1, max_length=layout.MOST_FILES)]


class AuditStatement(_Statement):
    """That of the release key."""

    predicateType: Literal["urn:x-deidrelease:release-audit:v1"]  # noqa: N815  # in-toto's own name
    predicate: AuditPredicate


class ResultStatement(_Statement):
    """The same in short, for tools that know in-toto only."""

    predicateType: Literal["https://in-toto.io/attestation/svr/v0.2"]  # noqa: N815  # in-toto's own name
    predicate: ResultPredicate


class ApprovalStatement(_Statement):
    """That of a person."""

    predicateType: Literal["urn:x-deidrelease:approval:v1"]  # noqa: N815  # in-toto's own name
    predicate: ApprovalPredicate


Statement = AuditStatement | ResultStatement | ApprovalStatement
