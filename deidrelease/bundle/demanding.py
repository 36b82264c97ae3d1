"""What the recipient asks for: statements, approvals, time, addressee, and no older release than the last."""

from datetime import datetime, timedelta

from deidrelease.bundle import layout
from deidrelease.bundle.evidence import Known, Question, Read
from deidrelease.bundle.manifest import Manifest, manifest_digest
from deidrelease.bundle.moments import parse_moment, write_moment
from deidrelease.bundle.remembering import Held, Memory, MemoryUnusableError, Seen

SKEW = timedelta(minutes=5)
"""How far the clocks of publisher and recipient may differ."""


def check_required(question: Question, known: Known) -> None:
    """Every statement that the trust policy asks for is there."""
    signed = known.signed
    there = {"release-audit": signed.audit, "simple-verification-result": signed.result, "approval": signed.approvals}
    for name in sorted(question.trust.require | {"release-audit"}):
        if not there[name]:
            what = "there is none that a trusted key signed and that can be read"
            question.findings.fail("statement-missing", name, what)


def approvals_needed(question: Question, known: Known) -> int:
    """How many distinct people have to approve: what the recipient and what the policy asks for, the larger."""
    policy = known.read.policy
    asked = [question.trust.approvals, int("approval" in question.trust.require)]
    if policy is not None:
        asked += [policy.approvals, int(bool(policy.statements))]
    return max(asked)


def check_approvals(question: Question, known: Known) -> None:
    """Enough distinct keys approve, each with all that the policy asks a person to state."""
    findings, approvals = question.findings, known.signed.approvals
    needed = approvals_needed(question, known)
    if known.read.policy is None:
        findings.not_checked("approvals", "a policy that says how many it asks for")
    if len(approvals) < needed:
        what = f"{len(approvals)} approval(s) count, of the {needed} that are needed"
        findings.fail("approvals-too-few", layout.ATTESTATIONS, what)
    stated = set(known.read.policy.statements) if known.read.policy else set()
    created = parse_moment(known.read.manifest.created)
    for approval, key in approvals:
        said = approval.predicate
        if missing := sorted(stated - set(said.statements)):
            what = f"does not state {', '.join(missing)}"
            findings.fail("approval-statement", f"approval by {key.name}", what)
        if not created - SKEW <= parse_moment(said.approved_at) <= question.now + SKEW:
            what = "was given before the release was made, or in the future"
            findings.fail("statement-differs", f"approval by {key.name}", what)


def check_times(question: Question, read: Read) -> None:
    """It is not from the future, not expired, not too old, and not valid for longer than its policy allows."""
    findings, manifest, now = question.findings, read.manifest, question.now
    created, until = parse_moment(manifest.created), parse_moment(manifest.valid_until)
    if created > now + SKEW:
        findings.fail("not-yet-valid", layout.MANIFEST, f"was made at {manifest.created}, which has not come yet")
    if now >= until:
        findings.fail("expired", layout.MANIFEST, f"was valid until {manifest.valid_until}")
    if now - created > timedelta(days=question.trust.max_age_days):
        what = f"was made at {manifest.created}; you take none older than {question.trust.max_age_days} days"
        findings.fail("too-old", layout.MANIFEST, what)
    if read.policy is None:
        findings.not_checked("how long it may be valid", "a policy that can be read")
    elif not timedelta(0) < until - created <= timedelta(days=read.policy.valid_days):
        what = f"is valid for longer than the {read.policy.valid_days} days of its policy, or for no time at all"
        findings.fail("validity-too-long", layout.MANIFEST, what)


def check_recipient(question: Question, read: Read) -> None:
    """It was made for whoever verifies it, where they ask for that."""
    wanted = question.trust.recipient
    if wanted is None:
        return
    if read.release is None:
        question.findings.not_checked("recipient", "a release document that can be read")
    elif read.release.recipient != wanted:
        question.findings.fail("recipient", layout.RELEASE, "was made for another recipient")


def check_history(question: Question, known: Known, memory: Memory) -> None:
    """It is no older than what was verified before; remembered if nothing at all speaks against it.

    Must come last: what is remembered counts from then on.
    """
    findings = question.findings
    if known.signed.audit is None:
        findings.not_checked("earlier releases", "a release key")
        return
    key, manifest = known.signed.audit[1].key.fingerprint, known.read.manifest
    digest = manifest_digest(known.read.manifest_bytes)
    try:
        with memory.held() as held:
            _compare(question, held.newest(key, manifest.dataset), manifest, digest)
            if not findings.count:
                _remember(held, key, manifest, digest, question.now)
    except MemoryUnusableError as error:
        findings.fail("state", "what was verified before", str(error))


def _compare(question: Question, before: Seen | None, manifest: Manifest, digest: str) -> None:
    if before is None:
        return
    if manifest.sequence < before.sequence:
        what = f"is release {manifest.sequence}; release {before.sequence} was verified before"
        question.findings.fail("replayed", layout.MANIFEST, what)
    elif manifest.sequence == before.sequence and digest != before.manifest:
        what = f"is another release {manifest.sequence} than the one that was verified before"
        question.findings.fail("forked", layout.MANIFEST, what)
    elif manifest.sequence == before.sequence + 1 and manifest.previous != before.manifest:
        what = f"follows another release {before.sequence} than the one that was verified before"
        question.findings.fail("previous-differs", layout.MANIFEST, what)


def _remember(held: Held, key: str, manifest: Manifest, digest: str, now: datetime) -> None:
    before = held.newest(key, manifest.dataset)
    if before is not None and before.manifest == digest:
        return
    seen = Seen(
        key=key,
        dataset=manifest.dataset,
        sequence=manifest.sequence,
        manifest=digest,
        verified=write_moment(now),
    )
    held.remember(seen)
