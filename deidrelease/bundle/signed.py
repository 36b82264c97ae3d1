"""The statements of a bundle: opened, and counted only if a key of the trust policy signed them.

Nothing here is believed for standing in the file. A line that is broken, of an unknown kind, signed by a stranger, or
there twice is a failure, not something to be passed over: whoever added it wanted something.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from deidrelease.bundle import layout
from deidrelease.bundle.documents import DocumentError
from deidrelease.bundle.findings import Findings
from deidrelease.bundle.moments import parse_moment
from deidrelease.bundle.predicates import ApprovalStatement, AuditStatement, ResultStatement, Statement
from deidrelease.bundle.statements import (
    UnknownStatementError,
    read_statement,
)
from deidrelease.signing.envelopes import IN_TOTO, Envelope, EnvelopeError
from deidrelease.signing.strict_json import StrictJsonError
from deidrelease.signing.trust import Role, TrustedKey, TrustPolicy


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement, the key that signed it, and the line on which it stands."""

    statement: Statement
    key: TrustedKey
    where: str


@dataclass(frozen=True, slots=True)
class Signed:
    """Statements by trusted keys.

    Attributes:
        audit: On the audit, with the release key; None where there is none.
        result: The Simple Verification Result.
        approvals: By distinct keys, none of which is the release key.
    """

    audit: tuple[AuditStatement, TrustedKey] | None = None
    result: tuple[ResultStatement, TrustedKey] | None = None
    approvals: tuple[tuple[ApprovalStatement, TrustedKey], ...] = ()


def read_signed(data: bytes, trust: TrustPolicy, now: datetime, findings: Findings) -> Signed:
    """The statements in the bytes of `attestations.intoto.jsonl` that count."""
    opened = list(_opened(data, trust, findings))
    if list(map(_place, opened)) != sorted(map(_place, opened)):
        what = "are not in order: on the audit, its short form, approvals"
        findings.fail("statement-malformed", layout.ATTESTATIONS, what)
    signed = [each for each in opened if _key_is_valid(each, now, findings)]
    audit = _only(AuditStatement, signed, findings)
    result = _only(ResultStatement, signed, findings)
    if audit and result and audit[1].key.material != result[1].key.material:
        findings.fail("signature-role", layout.ATTESTATIONS, "the two statements of a release are by two keys")
        result = None
    return Signed(audit, result, tuple(_approvals(signed, audit, findings)))


def _place(signed: SignedStatement) -> int:
    return (AuditStatement, ResultStatement, ApprovalStatement).index(type(signed.statement))


def _opened(data: bytes, trust: TrustPolicy, findings: Findings) -> Iterator[SignedStatement]:
    lines = data.split(b"\n")
    if lines.pop() or not lines or len(lines) > layout.MOST_ATTESTATIONS:
        most = layout.MOST_ATTESTATIONS
        findings.fail("envelope", layout.ATTESTATIONS, f"is not 1 to {most} lines, each with its line end")
        return
    for number, line in enumerate(lines, 1):
        if (found := _statement(line, f"{layout.ATTESTATIONS}:{number}", trust, findings)) is not None:
            yield found


def _statement(line: bytes, where: str, trust: TrustPolicy, findings: Findings) -> SignedStatement | None:
    try:
        envelope = Envelope.parse(line)
    except (EnvelopeError, StrictJsonError) as error:
        findings.fail("envelope", where, str(error))
        return None
    if envelope.payload_type != IN_TOTO:
        findings.fail("envelope", where, "holds something else than an in-toto statement")
        return None
    # Before anything of the payload is read, it has to be somebody's word.
    if envelope.strangers(trust.keys):
        findings.fail("signature-untrusted", where, "is signed by no key of the trust policy, or was changed since")
        return None
    if envelope.misnamed(trust.keys):
        findings.fail("envelope", where, "calls the key that signed it by another id than its fingerprint")
        return None
    try:
        statement = read_statement(envelope.payload)
    except UnknownStatementError as error:
        findings.fail("statement-unknown", where, str(error))
    except (DocumentError, StrictJsonError) as error:
        findings.fail("statement-malformed", where, str(error))
    else:
        return _by_role(statement, envelope, where, trust, findings)
    return None


def _by_role(
    statement: Statement, envelope: Envelope, where: str, trust: TrustPolicy, findings: Findings
) -> SignedStatement | None:
    role: Role = "approval" if isinstance(statement, ApprovalStatement) else "release"
    keys = envelope.signed_by(trust.keys_with(role))
    if not keys:
        findings.fail("signature-role", where, f"is signed by a key that the trust policy does not believe for {role}")
        return None
    return SignedStatement(statement, keys[0], where)


def _key_is_valid(signed: SignedStatement, now: datetime, findings: Findings) -> bool:
    key, made = signed.key, parse_moment(_made(signed.statement))
    for moment, when in ((made, "when it signed"), (now, "today")):
        if not key.valid_at(moment):
            lived = f"from {key.valid_from} to before {key.valid_until}"
            findings.fail("key-validity", signed.where, f"the key of {key.name} is valid {lived}, and not {when}")
            return False
    return True


def _made(statement: Statement) -> str:
    if isinstance(statement, AuditStatement):
        return statement.predicate.created
    if isinstance(statement, ResultStatement):
        return statement.predicate.timeCreated
    return statement.predicate.approved_at


T = TypeVar("T", AuditStatement, ResultStatement)


def _only(kind: type[T], signed: Sequence[SignedStatement], findings: Findings) -> tuple[T, TrustedKey] | None:
    found = [(each.statement, each.key) for each in signed if isinstance(each.statement, kind)]
    if len(found) > 1:
        findings.fail("statement-duplicate", layout.ATTESTATIONS, f"there are {len(found)} statements of one type")
        return None
    return found[0] if found else None


def _approvals(
    signed: Sequence[SignedStatement], audit: tuple[AuditStatement, TrustedKey] | None, findings: Findings
) -> Iterator[tuple[ApprovalStatement, TrustedKey]]:
    seen: set[bytes] = set()
    for each in signed:
        if not isinstance(each.statement, ApprovalStatement):
            continue
        if each.key.key.material in seen:
            findings.fail("statement-duplicate", each.where, "is a second approval by one key, which counts once")
        elif audit and each.key.key.material == audit[1].key.material:
            findings.fail("approval-same-key", each.where, "is an approval by the key that signed the release")
        else:
            seen.add(each.key.key.material)
            yield each.statement, each.key
