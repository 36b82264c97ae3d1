"""What is signed of a bundle: three statements of the in-toto attestation framework, v1.

A statement names its subjects by digest. What it says of them is the predicate, one of three: the audit of the release,
a Simple Verification Result (in-toto, v0.2) for tools that know only that, and an approval by a person. Each is built
here and read here, and a reader takes nothing that it does not know.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from deidrelease.auditing.result import AuditResult
from deidrelease.bundle import layout
from deidrelease.bundle.documents import DocumentError
from deidrelease.bundle.manifest import Manifest, manifest_digest, read_manifest
from deidrelease.bundle.moments import write_moment
from deidrelease.bundle.predicates import (
    APPROVAL,
    AUDIT,
    GATE,
    RESULT,
    STATEMENT,
    ApprovalPredicate,
    ApprovalStatement,
    Audited,
    AuditPredicate,
    AuditStatement,
    Digests,
    Judged,
    NamedPolicy,
    ResultPredicate,
    ResultStatement,
    Sha256,
    Statement,
    Subject,
    ToolVersion,
    Verifier,
)
from deidrelease.bundle.release_document import ReleaseDocument
from deidrelease.results import Outcome, Verdict
from deidrelease.signing.strict_json import canonical, parse_strict

_PROPERTIES = {
    "pass": ["DEIDRELEASE_AUDITED_DATA_IS_RELEASED_DATA", "DEIDRELEASE_POLICY_PASS"],
    "pass-with-waivers": ["DEIDRELEASE_AUDITED_DATA_IS_RELEASED_DATA", "DEIDRELEASE_POLICY_PASS_WITH_WAIVERS"],
}
_MOST_BYTES = 32 * 1024 * 1024
_KINDS: dict[str, type[Statement]] = {AUDIT: AuditStatement, RESULT: ResultStatement, APPROVAL: ApprovalStatement}


class UnknownStatementError(DocumentError):
    """A statement of a kind that has no place in a bundle."""


def read_statement(payload: bytes) -> Statement:
    """Reads the payload of an envelope.

    Raises:
        UnknownStatementError: Its predicate is of none of the three types.
        DocumentError: It lacks something, or holds something that does not belong there.
        StrictJsonError: It is no strict JSON.
    """
    value = parse_strict(payload, "the statement", _MOST_BYTES)
    named = value.get("predicateType") if isinstance(value, dict) else None
    kind = _KINDS.get(named) if isinstance(named, str) else None
    if kind is None:
        raise UnknownStatementError("is a statement of a type that has no place in a bundle")
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        what = ", ".join(sorted({".".join(map(str, d["loc"][:3])) for d in error.errors()[:5]}))
        raise DocumentError(f"lacks something, or holds something that does not belong there: {what}"[:300]) from None


def subjects_of(manifest: bytes) -> list[Subject]:
    """What the release key's statements are about: the manifest, and every file with data.

    Raises:
        DocumentError, StrictJsonError: The manifest is none.
    """
    listed = read_manifest(manifest).with_role("data", "data-copy")
    return [_manifest_subject(manifest), *(Subject(name=f.path, digest=Sha256(sha256=f.sha256)) for f in listed)]


def audit_statement(manifest: bytes, release: ReleaseDocument, result: AuditResult, verdict: Verdict) -> bytes:
    """The payload of the statement on the audit; its digests are those that the manifest gives.

    Raises:
        DocumentError, StrictJsonError: The manifest is none.
        KeyError: It lacks a file that every bundle has, or the result has no synthetic corpus.
    """
    synthetic = result.corpora["synthetic"]
    predicate = AuditPredicate(
        **{name: getattr(release, name) for name in ("release_id", "dataset", "sequence", "previous", "recipient")},
        created=release.created,
        valid_until=release.valid_until,
        audited=Audited(digest=synthetic.digest, notes=synthetic.notes, scanned=result.scanned, total=result.total),
        digests=digests_of(read_manifest(manifest)),
        tool=ToolVersion(name=release.tool.name, version=release.tool.version),
        detector_sha256=release.models.detector_sha256,
        seed=release.seed,
        differential_privacy=release.privacy.differential_privacy,
        verdict=judged(verdict),
    )
    return _payload(
        AuditStatement(type_=STATEMENT, subject=subjects_of(manifest), predicateType=AUDIT, predicate=predicate)
    )


def simple_verification_result(manifest: bytes, release: ReleaseDocument, verdict: Verdict) -> bytes:
    """The payload of the short statement, for a verdict that passed.

    Raises:
        ValueError: The verdict is `blocked`, of which there is no such statement.
    """
    statement = ResultStatement(
        type_=STATEMENT,
        subject=subjects_of(manifest),
        predicateType=RESULT,
        predicate=expected_result(release, verdict),
    )
    return _payload(statement)


def approval(
    manifest: bytes, approver: str, approved_at: datetime, statements: Sequence[str], outcome: Outcome, comment: str
) -> bytes:
    """The payload of a person's approval of the release whose manifest has these bytes."""
    predicate = ApprovalPredicate(
        release_id=read_manifest(manifest).release_id,
        approver=approver,
        approved_at=write_moment(approved_at),
        statements=list(statements),
        outcome=outcome,
        comment=comment,
    )
    subject = [_manifest_subject(manifest)]
    return _payload(ApprovalStatement(type_=STATEMENT, subject=subject, predicateType=APPROVAL, predicate=predicate))


def expected_result(release: ReleaseDocument, verdict: Verdict) -> ResultPredicate:
    """What a Simple Verification Result of this release has to say, word for word."""
    if verdict.outcome not in _PROPERTIES:
        raise ValueError("what is blocked has no verification result")
    named = NamedPolicy(name=verdict.policy, digest=Sha256(sha256=verdict.policy_sha256))
    return ResultPredicate(
        verifier=Verifier(id=GATE, policies=[named]),
        timeCreated=release.created,
        properties=_PROPERTIES[verdict.outcome],
    )


def digests_of(manifest: Manifest) -> Digests:
    """The digests that the statement on the audit has to give, from the manifest.

    Raises:
        KeyError: It lacks one of the files.
    """
    named = {file.path: file.sha256 for file in manifest.files}
    return Digests(
        policy=named[layout.POLICY],
        policy_resolved=named[layout.RESOLVED],
        waivers=named[layout.WAIVERS],
        result=named[layout.RESULT],
        verdict=named[layout.VERDICT],
        report=named[layout.REPORT],
        release=named[layout.RELEASE],
        lock=named[layout.LOCK],
    )


def judged(verdict: Verdict) -> Judged:
    """The verdict in short."""
    return Judged(outcome=verdict.outcome, policy=verdict.policy, policy_version=verdict.policy_version)


def audit_schema() -> dict[str, Any]:
    """JSON Schema of the statement on the audit, as it is published."""
    return {"$id": AUDIT, **AuditStatement.model_json_schema(by_alias=True)}


def _manifest_subject(manifest: bytes) -> Subject:
    return Subject(name=layout.MANIFEST, digest=Sha256(sha256=manifest_digest(manifest)))


def _payload(statement: Statement) -> bytes:
    return canonical(statement.model_dump(mode="json", by_alias=True))
