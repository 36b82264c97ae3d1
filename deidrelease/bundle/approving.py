"""A person's approval of a bundle: looked at whole first, then one line more in the file of statements.

Nothing else of the bundle changes, and the line comes by a rename: a kill leaves the bundle with it or without it.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deidrelease.artifacts import fsync_folder
from deidrelease.bundle import layout
from deidrelease.bundle.findings import Failure
from deidrelease.bundle.manifest import read_manifest
from deidrelease.bundle.predicates import ApprovalStatement, AuditStatement, Statement
from deidrelease.bundle.release_document import ReleaseDocument
from deidrelease.bundle.statements import (
    approval,
    digests_of,
    judged,
    read_statement,
    subjects_of,
)
from deidrelease.bundle.verification import verify
from deidrelease.errors import BundleError, Problem
from deidrelease.policy import parse_verdict
from deidrelease.results import Verdict
from deidrelease.signing.strict_json import parse_strict
from deidrelease.signing.trust import TrustPolicy

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

    from deidrelease.signing.envelopes import Envelope
    from deidrelease.signing.public_keys import PublicKey

_NOT_APPROVED = "Nothing was approved."
_LACKING = frozenset({"approvals-too-few", "statement-missing"})
"""Failures that approving is there to mend."""
_COPIES = "copies of the data"
_UNKNOWN = _LACKING | {"signature-untrusted"}
"""The same where no trust policy says whose signatures count."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bundle that somebody may approve.

    Attributes:
        folder: Where it lies.
        manifest: Its bytes.
        statements: The bytes of its statements so far.
        release: What it says of itself.
        verdict: What it was given.
        approvers: Names of those who have approved, as they gave them.
        failures: What speaks against it besides missing approvals; anything here forbids approving.
    """

    folder: Path
    manifest: bytes
    statements: bytes
    release: ReleaseDocument
    verdict: Verdict
    approvers: tuple[str, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Approval:
    """What somebody says by approving.

    Attributes:
        name: Theirs.
        states: Ids of what they state.
        comment: In their words.
        now: When; knows its zone.
    """

    name: str
    states: frozenset[str]
    comment: str
    now: datetime


def examine(folder: Path, trust: TrustPolicy | None, now: datetime) -> Candidate:
    """Looks at the bundle in `folder` as a recipient would, but for approvals, which it cannot have yet.

    Args:
        folder: The bundle.
        trust: Whom to believe; without it nobody checks whose key signed the release.
        now: The time, with its zone.

    Raises:
        BundleError: It is no folder of a bundle, or a draft.
    """
    parts = _read(folder)
    checked = verify(folder, trust or _nobody(parts.verdict), now, None)
    passed_over = _UNKNOWN if trust is None else _LACKING
    failures = [
        failure
        for failure in checked.failures
        # Copies are opened only where a trusted key has signed them; a recipient's `verify` does that.
        if failure.code not in passed_over and not (trust is None and failure.where == _COPIES)
    ]
    failures += _contradicted(parts)
    names = tuple(said.predicate.approver for said in parts.said if isinstance(said, ApprovalStatement))
    return Candidate(folder, parts.manifest, parts.statements, parts.release, parts.verdict, names, tuple(failures))


def approve(candidate: Candidate, said: Approval, signer: "Signer") -> None:
    """Adds the approval to the bundle's statements.

    Raises:
        BundleError: Something speaks against the bundle; the key is that of the release or has approved already;
            a statement that the policy asks for is left out or is none of its; or the bundle has changed meanwhile.
    """
    problems = [Problem(failure.where, failure.what, failure.remedy) for failure in candidate.failures]
    problems += [*_about_states(candidate, said), *_about_key(candidate, signer)]
    if problems:
        raise BundleError(_NOT_APPROVED, problems)
    line = _line(candidate, said, signer)
    with _held(candidate.folder):
        path = candidate.folder / layout.ATTESTATIONS
        now = (candidate.folder / layout.MANIFEST).read_bytes(), path.read_bytes()
        if now != (candidate.manifest, candidate.statements):
            problem = Problem(str(candidate.folder), "has changed since it was looked at", "look at it again")
            raise BundleError(_NOT_APPROVED, [problem])
        _replace(candidate.folder, candidate.statements + line)


def _line(candidate: Candidate, said: Approval, signer: "Signer") -> bytes:
    from deidrelease.signing.envelopes import IN_TOTO, EnvelopeError, sign

    states = sorted(said.states)
    payload = approval(candidate.manifest, said.name, said.now, states, candidate.verdict.outcome, said.comment)
    try:
        return sign(payload, IN_TOTO, signer) + b"\n"
    except EnvelopeError as error:
        raise BundleError(_NOT_APPROVED, [Problem("--key", str(error), "name the right key")]) from None


def _about_states(candidate: Candidate, said: Approval) -> Iterator[Problem]:
    asked = set(candidate.verdict.statements)
    for name in sorted(asked - said.states):
        yield Problem("--state", f"{name} is asked for by the policy {candidate.verdict.policy}", f"--state {name}")
    for name in sorted(said.states - asked):
        remedy = f"the policy asks for {', '.join(sorted(asked)) or 'none'}"
        yield Problem("--state", f"{name} is no statement of the policy", remedy)
    if not said.name.strip() or not said.name.isprintable():
        yield Problem("--name", "is no name", "give the name by which you answer for it")


def _about_key(candidate: Candidate, signer: "Signer") -> Iterator[Problem]:
    from deidrelease.signing.key_files import public_key_of

    key = public_key_of(signer)
    for envelope, said in zip(_envelopes(candidate.statements), _said(candidate.statements), strict=True):
        if not envelope.signed_by([_Alone(key)]):
            continue
        if isinstance(said, ApprovalStatement):
            yield Problem("--key", "has approved this release already: one key is one approval", "ask somebody else")
        else:
            yield Problem("--key", "is the key that signed the release", "approve with a key of your own")
            return


@dataclass(frozen=True, slots=True)
class _Alone:
    key: "PublicKey"


@dataclass(frozen=True, slots=True)
class _Parts:
    manifest: bytes
    statements: bytes
    said: tuple[Statement, ...]
    release: ReleaseDocument
    verdict: Verdict


def _read(folder: Path) -> _Parts:
    """What has to be readable before anything else can be said."""
    if not folder.is_dir():
        what = "is no folder; a ZIP is not approved, since nothing is added to it"
        raise BundleError(_NOT_APPROVED, [Problem(str(folder), what, "name the bundle's folder, and pack it later")])
    try:
        release = ReleaseDocument.model_validate(parse_strict(_limited(folder / layout.RELEASE), "it"))
        verdict = parse_verdict(parse_strict(_limited(folder / layout.VERDICT), "it"))
        manifest = _limited(folder / layout.MANIFEST)
        if release.draft:
            problem = Problem(str(folder), "is a draft", "make the release without --draft, and approve that")
            raise BundleError(_NOT_APPROVED, [problem])
        statements = _limited(folder / layout.ATTESTATIONS)
        return _Parts(manifest, statements, _said(statements), release, verdict)
    except OSError as error:
        what = f"is no signed bundle: {Path(error.filename or folder).name} cannot be read ({error.strerror})"
    except ValueError:
        what = "is no bundle that can be understood"
    raise BundleError(_NOT_APPROVED, [Problem(str(folder), what, "name the folder that `deidrelease bundle` wrote")])


def _limited(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read(layout.MOST_MANIFEST_BYTES)


def _envelopes(statements: bytes) -> "list[Envelope]":
    from deidrelease.signing.envelopes import Envelope

    return [Envelope.parse(line) for line in statements.split(b"\n")[:-1]]


def _said(statements: bytes) -> tuple[Statement, ...]:
    return tuple(read_statement(envelope.payload) for envelope in _envelopes(statements))


def _contradicted(parts: _Parts) -> list[Failure]:
    """What the release's own statements say otherwise, whoever signed them."""
    audits = [said for said in parts.said if isinstance(said, AuditStatement)]
    what = ""
    if len(audits) != 1:
        what = f"there are {len(audits)} statements on the audit, and not one"
    elif audits[0].subject != subjects_of(parts.manifest):
        what = "the statement on the audit is about other files"
    elif audits[0].predicate.verdict != judged(parts.verdict) or not parts.verdict.passed:
        what = "the statement on the audit does not say that it passed, or says otherwise than the verdict"
    elif audits[0].predicate.digests != digests_of(read_manifest(parts.manifest)):
        what = "the statement on the audit names other results than those of the bundle"
    if not what:
        return []
    return [Failure("statement-differs", layout.ATTESTATIONS, what, "make the bundle again; do not approve this one")]


def _nobody(verdict: Verdict) -> TrustPolicy:
    """A trust policy that believes no key: what is left to find is what the bundle says of itself."""
    policies = frozenset({verdict.policy_sha256})
    return TrustPolicy((), policies, 0, frozenset({"release-audit"}), _ANY_AGE_DAYS, None)


_ANY_AGE_DAYS = 36_500


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Two people who approve at once do so one after the other."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(folder: Path, content: bytes) -> None:
    """Puts `content` in the place of the statements; what is half written stands beside the bundle and not in it."""
    target = folder / layout.ATTESTATIONS
    partial = folder.resolve().with_name(f".{folder.resolve().name}.{secrets.token_hex(4)}.approval")
    try:
        with partial.open("xb") as stream:
            os.fchmod(stream.fileno(), target.stat().st_mode & 0o777)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        remedy = "see to the disk and to the permissions of the bundle's folder and of the one around it"
        problem = Problem(str(target), f"cannot be written ({error.strerror})", remedy)
        raise BundleError(_NOT_APPROVED, [problem]) from None
    fsync_folder(folder)
