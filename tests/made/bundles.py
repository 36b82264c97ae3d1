"""Small signed bundles, made by hand, and made badly where a test asks for that.

A good one is as `deidrelease bundle` makes it, of invented notes and a result written by hand. A publisher who lies
has a release key: `Plan.edit` changes files before the manifest is built and all is signed, `Plan.say` the statement.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner, Signer

from deidrelease.auditing.result import AuditResult, CorpusFacts
from deidrelease.bundle import layout, statements
from deidrelease.bundle.croissant import croissant_document
from deidrelease.bundle.manifest import build
from deidrelease.bundle.moments import parse_moment, write_moment
from deidrelease.bundle.release_document import ReleaseDocument
from deidrelease.notes import Corpus, Held, Note, Span, digest_of, note_to_json
from deidrelease.policy import Policy, WaiverClaim, decide, load_policy, open_waivers, verdict_bytes
from deidrelease.policy.waivers import PAYLOAD_TYPE, claim_bytes
from deidrelease.report.release_page import render
from deidrelease.results import Estimate, Verdict
from deidrelease.signing.envelopes import IN_TOTO, sign
from deidrelease.signing.key_files import public_key_of
from deidrelease.signing.strict_json import canonical, parse_strict
from deidrelease.signing.trust import TrustedKey, TrustPolicy
from made.audit_results import POLICY, clean_result

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CREATED, UNTIL = "2026-11-21T10:00:00Z", "2027-06-01T10:00:00Z"
NOTES = tuple(Note(f"s{i}", f"s{i}", f"Ana Gil, control {i}. Sin cambios.", (Span(0, 7, "NAME"),)) for i in range(12))
SIGNABLE = POLICY + "approvals: 1\nvalid_days: 365\nstatements:\n  no-actual-knowledge: I know of no patient in it.\n"
STATED = ("no-actual-knowledge",)


@cache
def signer(name: str) -> Signer:
    """The key of this name, made once; ECDSA where the name says so."""
    return CryptoSigner.generate_ecdsa() if name.startswith("ecdsa") else CryptoSigner.generate_ed25519()


def trusted(name: str, *roles: Any, since: date = date(2026, 1, 1), until: date = date(2028, 1, 1)) -> TrustedKey:
    return TrustedKey(f"The {name} key", frozenset(roles), public_key_of(signer(name)), since, until)


@cache
def policy_of(text: str = SIGNABLE) -> Policy:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "policy.yaml"
        path.write_text(text, encoding="utf-8")
        return load_policy(path)


def trust_of(**other: Any) -> TrustPolicy:
    """What the recipient of `make_bundle`'s bundles believes; `other` changes it."""
    keys = (trusted("release", "release"), trusted("approver", "approval"), trusted("waiver", "waiver"))
    good = TrustPolicy(
        keys=keys,
        policies=frozenset({policy_of().sha256()}),
        approvals=1,
        require=frozenset({"release-audit", "simple-verification-result", "approval"}),
        max_age_days=400,
        recipient="A research group",
    )
    return replace(good, **other)


def nothing(_: Any) -> None:
    """Changes nothing."""


@dataclass(frozen=True)
class Plan:
    """What to make, and how to lie."""

    notes: Sequence[Note] = NOTES
    shard_notes: int = 5
    copies: tuple[str, ...] = ()
    policy: str = SIGNABLE
    result: Callable[[AuditResult], AuditResult] = lambda result: result
    waivers: bytes = b"[]"
    release: dict[str, Any] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    edit: Callable[[Path], None] = nothing
    say: Callable[[dict[str, Any]], None] = nothing
    release_key: Signer = field(default_factory=lambda: signer("release"))
    result_key: Signer | None = None
    approvers: tuple[Signer, ...] = field(default_factory=lambda: (signer("approver"),))
    stated: tuple[str, ...] = STATED
    approved_at: str = "2026-11-21T15:00:00Z"
    with_result: bool = True
    signed: bool = True


def make_bundle(folder: Path, plan: Plan | None = None) -> Path:
    """Makes the bundle of `plan` in the new folder `folder`."""
    plan = plan or Plan()
    folder.mkdir(parents=True)
    shards = _write_data(plan, folder)
    result = plan.result(_result(plan))
    verdict = _verdict(plan, result)
    files = _documents(plan, result, verdict, shards)
    for path, data in files.items():
        _put(folder / path, data)
    _put(folder / layout.CROISSANT, _croissant(folder, files))
    digests = {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in _paths(folder)}
    parsed = {path: parse_strict(files[path], path) for path in _DRAWN if path in files}
    _put(folder / layout.REPORT, render(parsed, digests).encode())
    plan.edit(folder)
    manifest = build(folder)
    _put(folder / layout.MANIFEST, manifest)
    if plan.signed:
        attest(folder, plan, result, verdict)
    return folder


def attest(folder: Path, plan: Plan, result: AuditResult, verdict: Verdict) -> None:
    """Writes the statements, whatever was there."""
    manifest = (folder / layout.MANIFEST).read_bytes()
    release = ReleaseDocument.model_validate(parse_strict((folder / layout.RELEASE).read_bytes(), "it"))
    audit = parse_strict(statements.audit_statement(manifest, release, result, verdict), "it")
    plan.say(audit)
    lines = [envelope(audit, plan.release_key)]
    if plan.with_result and verdict.passed:
        payload = statements.simple_verification_result(manifest, release, verdict)
        lines.append(sign(payload, IN_TOTO, plan.result_key or plan.release_key))
    lines += [approval_line(folder, key, plan.stated, plan.approved_at, verdict.outcome) for key in plan.approvers]
    (folder / layout.ATTESTATIONS).write_bytes(b"".join(line + b"\n" for line in lines))


def approval_line(
    folder: Path, key: Signer, stated: Sequence[str] = STATED, at: str = "2026-11-21T15:00:00Z", outcome: Any = "pass"
) -> bytes:
    manifest = (folder / layout.MANIFEST).read_bytes()
    return sign(statements.approval(manifest, "M. Vidal", parse_moment(at), stated, outcome, ""), IN_TOTO, key)


def envelope(statement: Any, key: Signer) -> bytes:
    """A signed line of any statement."""
    return sign(canonical(statement), IN_TOTO, key)


def _write_data(plan: Plan, folder: Path) -> list[str]:
    shards = []
    for start in range(0, max(len(plan.notes), 1), plan.shard_notes):
        shards.append(layout.shard_path(len(shards)))
        lines = [note_to_json(note) + "\n" for note in plan.notes[start : start + plan.shard_notes]]
        _put(folder / shards[-1], "".join(lines).encode())
    if plan.copies:
        from deidrelease.bundle.shards import write_copies

        write_copies(Corpus("it", (Held(tuple(plan.notes)),)), folder, plan.copies)  # type: ignore[arg-type]
    return shards


def _result(plan: Plan) -> AuditResult:
    result = clean_result()
    facts = CorpusFacts(digest_of(plan.notes), False, len(plan.notes), len(plan.notes))
    total = len(plan.notes) + 6
    return replace(result, corpora={**result.corpora, "synthetic": facts}, scanned=total, total=total)


def _verdict(plan: Plan, result: AuditResult) -> Verdict:
    day = parse_moment(plan.release.get("created", CREATED)).date()
    waivers, refused = open_waivers(plan.waivers, [trusted("waiver", "waiver")], day)
    return decide(policy_of(plan.policy), result, waivers, day, refused)


def _documents(plan: Plan, result: AuditResult, verdict: Verdict, shards: list[str]) -> dict[str, bytes]:
    lock = plan.documents.get(layout.LOCK, b"click==8.1.8\ndeidrelease==0.1.0\n")
    release = {**_release(plan, shards, hashlib.sha256(lock).hexdigest()), **plan.release}
    ReleaseDocument.model_validate(release)
    usual = {
        layout.RESULT: json.dumps(result.document(), indent=1).encode(),
        layout.POLICY: plan.policy.encode(),
        layout.RESOLVED: policy_of(plan.policy).canonical(),
        layout.WAIVERS: plan.waivers,
        layout.VERDICT: verdict_bytes(verdict),
        layout.RELEASE: canonical(release),
        layout.RECEIPTS: canonical({}),
        layout.CARD: b"# Small synthetic notes\n",
        layout.LOCK: lock,
        "licences/CC-BY-4.0.txt": b"CC-BY-4.0\n",
    }
    return {**usual, **plan.documents}


def _croissant(folder: Path, files: dict[str, bytes]) -> bytes:
    release = ReleaseDocument.model_validate(parse_strict(files[layout.RELEASE], "it"))
    sizes = {path: (folder / path).stat().st_size for path in _paths(folder)}
    digests = {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in _paths(folder)}
    by_run = bool(parse_strict(files[layout.RECEIPTS], "it"))
    there = release.model_copy(update={"data": release.data.model_copy(update={"shards": _shards(folder)})})
    return canonical(croissant_document(there, sizes, digests, made_by_run=by_run))


def _shards(folder: Path) -> list[str]:
    return [path for path in sorted(_paths(folder)) if path.endswith(".jsonl") and path.startswith("data/notes-")]


def _release(plan: Plan, shards: list[str], lock_sha256: str) -> dict[str, Any]:
    return {
        "format": layout.RELEASE_FORMAT,
        "release_id": hashlib.sha256(repr(plan.release).encode()).hexdigest()[:32],
        "dataset": "small-notes",
        "title": "Small synthetic notes",
        "description": "Invented notes of an invented hospital.",
        "languages": ["es"],
        "licence": "CC-BY-4.0",
        "sequence": 1,
        "previous": None,
        "created": CREATED,
        "valid_until": UNTIL,
        "recipient": "A research group",
        "publisher": "A hospital",
        "contact": "release@hospital.example",
        "draft": False,
        "data": {
            "digest": digest_of(plan.notes),
            "notes": len(plan.notes),
            "characters": sum(len(note.text) for note in plan.notes),
            "shards": shards,
            "copies": sorted(plan.copies),
            "spans": {"NAME": "12"},
        },
        "tool": {"name": "deidrelease", "version": "0.1.0", "lock_sha256": lock_sha256},
        "models": {"detector_sha256": None},
        "seed": 7,
        "privacy": {"differential_privacy": None, "statement": "None was asked for."},
        "report_format": layout.REPORT_FORMAT,
    }


_DRAWN = (
    layout.RELEASE, layout.RESULT, layout.UTILITY, layout.RESOLVED, layout.WAIVERS, layout.VERDICT, layout.RECEIPTS,
)  # fmt: skip


def _paths(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def later(moment: str, **delta: int) -> str:
    """`moment` and so many days or hours."""
    from datetime import timedelta

    return write_moment(parse_moment(moment) + timedelta(**delta))


def waiver(key: str = "waiver", **other: Any) -> bytes:
    """A list of one waiver of the rule that `broken` breaks."""
    said: dict[str, Any] = {
        "id": "w1",
        "policy": "small",
        "rule": "no-membership",
        "data_digest": digest_of(NOTES),
        "justification": "Measured on notes that were published before.",
        "requester": "A. Requester",
        "issued": date(2026, 11, 20),
        "expires": date(2026, 12, 10),
    }
    claim = WaiverClaim(**{**said, **other})
    return canonical([json.loads(sign(claim_bytes(claim), PAYLOAD_TYPE, signer(key)))])


def broken(result: AuditResult) -> AuditResult:
    auc = Estimate(0.66, 0.62, 0.7, 0.95, 40, "made for a test")
    audits = (result.audits[0], replace(result.audits[1], metrics={"auc": auc}))
    return replace(result, audits=audits)


def waived_plan() -> Plan:
    """A release that breaks one rule, which a waiver covers; nobody has approved it yet."""
    return Plan(result=broken, waivers=waiver(), approvers=())
