"""Whether a bundle is what it says, for one recipient, at one time: every check, every failure, in one run.

Order matters only where one check needs what another read. None ends the run, and none that could not be made passes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deidrelease.bundle.agreeing import (
    check_croissant,
    check_data,
    check_metadata,
    check_statements,
    release_digest,
)
from deidrelease.bundle.copies import check_copies
from deidrelease.bundle.demanding import (
    approvals_needed,
    check_approvals,
    check_history,
    check_recipient,
    check_required,
    check_times,
)
from deidrelease.bundle.evidence import Known, Question, Read
from deidrelease.bundle.findings import Failure, Findings
from deidrelease.bundle.judging_again import check_report, judge_again
from deidrelease.bundle.promising import check_promises
from deidrelease.bundle.reading import read_bundle, read_statements
from deidrelease.bundle.remembering import Memory
from deidrelease.bundle.signed import Signed
from deidrelease.bundle.sources import Source, open_folder
from deidrelease.bundle.zips import open_zip
from deidrelease.signing.trust import TrustPolicy

CHECKS: Mapping[str, str] = {
    "files": "exactly the files of the manifest, plain files with plain names, none changed by a bit",
    "statements": "every statement that you ask for is there, signed by keys of your trust policy, about this bundle",
    "approvals": "enough people approved, each with a key of their own that is not the release key",
    "data": "the notes in the bundle are the notes that were audited, and all of them were scanned",
    "policy": "it was judged by a policy that you trust; judged again today by the same one, it passes",
    "report": "the report is the page that the bundle's own documents give",
    "metadata": "release, manifest and statements say the same",
    "promises": "no epsilon is stated that is smaller than what its own steps have told, by a quick lower bound",
    "time": "it is valid today, not too old, and not valid for longer than its policy allows",
    "recipient": "it was made for the recipient that you name",
    "history": "it is no older than what you verified before",
    "unchanged": "nothing was added or changed while it was verified",
}
"""Name of each check to what it means that it passed; in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying a bundle came to.

    Attributes:
        failures: Every reason not to use it; empty where there is none.
        checks: Name of a check of `CHECKS` to whether it found nothing; those not asked for are left out.
        facts: What the bundle says of itself; believed only where `ok`.
    """

    failures: tuple[Failure, ...]
    checks: Mapping[str, bool]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against it, and all that was asked for was checked."""
        return not self.failures and bool(self.checks) and all(self.checks.values())


def verify(path: Path, trust: TrustPolicy, now: datetime, memory: Memory | None) -> Verification:
    """Verifies the bundle in the folder or ZIP `path`.

    Args:
        path: The bundle; never written to.
        trust: Whom to believe and what to ask for.
        now: The time, with its zone.
        memory: What was verified before; None to leave that out, which then nothing replaces.

    Raises:
        ValueError: `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("a time without its zone may be anybody's")
    findings = Findings()
    run = _Run(findings, {})
    try:
        with _opened(path, findings) as source:
            if source is not None:
                run.all(Question(source, trust, now.astimezone(UTC), findings), memory)
    except OSError as error:
        findings.fail("unreadable", path.name, f"cannot be read ({error.strerror or error})")
    for name in _asked_for(trust, memory):
        if name not in run.checks:
            run.checks[name] = False
            findings.not_checked(name, "a bundle that can be read")
    return Verification(findings.all(), run.checks, run.facts)


def _asked_for(trust: TrustPolicy, memory: Memory | None) -> list[str]:
    """The checks that have to be made before anything counts as verified."""
    left_out = {"recipient": trust.recipient is None, "history": memory is None}
    return [name for name in CHECKS if not left_out.get(name, False)]


@contextmanager
def _opened(path: Path, findings: Findings) -> Iterator[Source | None]:
    with open_folder(path, findings) if path.is_dir() else open_zip(path, findings) as source:
        yield source


@dataclass(slots=True)
class _Run:
    findings: Findings
    checks: dict[str, bool]
    facts: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def check(self, name: str, clean_before: bool = False) -> Iterator[None]:
        """Whatever is noted inside the block makes the check `name` a failed one."""
        before = 0 if clean_before else self.findings.count
        yield
        self.checks[name] = self.findings.count == before and self.checks.get(name, True)

    def all(self, question: Question, memory: Memory | None) -> None:
        with self.check("files", clean_before=True):
            read = read_bundle(question)
        with self.check("statements"):
            signed = read_statements(question, read)
        if read is None:
            known = None
            self._unread()
        else:
            known = self._claims(question, read, signed)
        with self.check("unchanged"):
            question.source.check_unchanged(question.findings)
        if known is not None and memory is not None:
            with self.check("history"):
                check_history(question, known, memory)

    def _unread(self) -> None:
        for name in (name for name in CHECKS if name not in ("files", "statements", "unchanged")):
            with self.check(name):
                self.findings.not_checked(name, "a manifest that can be read")

    def _claims(self, question: Question, read: Read, signed: Signed) -> Known:
        with self.check("policy"):
            verdict = judge_again(question, read)
        known = Known(read, signed, verdict)
        with self.check("statements"):
            check_required(question, known)
            check_statements(question, known)
        with self.check("approvals"):
            check_approvals(question, known)
        with self.check("data"):
            check_data(question, read)
            check_copies(question, known)
        with self.check("report"):
            check_report(question, read)
        with self.check("metadata"):
            check_metadata(question, read)
            check_croissant(question, read)
        with self.check("promises"):
            check_promises(question, read)
        with self.check("time"):
            check_times(question, read)
        if question.trust.recipient is not None:
            with self.check("recipient"):
                check_recipient(question, read)
        self.facts = _facts(question, known)
        return known


def _facts(question: Question, known: Known) -> dict[str, Any]:
    """What a person wants to see of a bundle; all of it the bundle's or the trust policy's own words."""
    read, signed, verdict = known.read, known.signed, known.verdict
    facts: dict[str, Any] = {
        "kind": question.source.kind,
        "manifest_sha256": release_digest(read),
        **read.manifest.model_dump(include={"release_id", "dataset", "sequence", "created", "valid_until"}),
        "files": len(read.manifest.files),
        "notes": read.contents.data.notes if read.contents.data else None,
        "approvals_needed": approvals_needed(question, known),
        "release_key": _key(signed.audit[1]) if signed.audit else None,
        "approved_by": [key.name for _, key in signed.approvals],
    }
    if read.release is not None:
        names = ("title", "recipient", "publisher", "contact", "licence")
        facts |= {name: getattr(read.release, name) for name in names}
    if verdict is not None:
        facts |= {"outcome": verdict.outcome, "policy": verdict.policy, "policy_version": verdict.policy_version}
        facts |= {"policy_sha256": verdict.policy_sha256, "waivers": [j.waiver for j in verdict.waived]}
    return facts


def _key(key: Any) -> dict[str, str]:
    return {"name": key.name, "sha256": key.key.fingerprint}
