"""What the demonstration ends in: a signed bundle that anyone can verify, or a draft whose report says why not.

Its two keys are made for it, without a passphrase, and both lie in the run folder. A signature of theirs proves that
the machinery works and nothing else; the names that the trust policy gives them say so.
"""

import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from deidrelease import release
from deidrelease.artifacts import locked, write_text
from deidrelease.bundle import layout
from deidrelease.bundle.about import About
from deidrelease.bundle.approving import Approval, approve, examine
from deidrelease.bundle.making import Made, Refused, make
from deidrelease.bundle.request import Request
from deidrelease.bundle.verification import Verification, verify
from deidrelease.contracts import installed_file_scan
from deidrelease.policy import load_policy, raw_bytes
from deidrelease.policy.judging import Waivers
from deidrelease.results import Verdict
from deidrelease.signing.key_files import PRIVATE, PUBLIC, make_key_pair, open_signer, read_public_key
from deidrelease.signing.trust import Role, TrustedKey, TrustPolicy, load_trust, trust_document

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

BUNDLE, DRAFT, KEYS, TRUST = "bundle", "draft", "keys", "trust.yaml"
_ABOUT = About(
    dataset="demo-hospital",
    title="Synthetic notes of a hospital that does not exist",
    description="Made by deidrelease demo, to show what a release looks like. Everything in it is invented twice.",
    recipient="whoever tries deidrelease",
    publisher="the demonstration of deidrelease",
    contact="nobody: this is a demonstration",
    licence="CC0-1.0",
    languages=("es", "sv", "en"),
)
_NAMES: dict[Role, str] = {
    "release": "DEMO release key, made for this run: proves nothing",
    "approval": "DEMO approver, nobody, key made for this run: proves nothing",
}
_DAYS = 30


@dataclass(frozen=True, slots=True)
class Published:
    """What stands at the end.

    Attributes:
        folder: The bundle, or the draft.
        trust: The trust policy that verifies it; None for a draft.
        verification: Of the bundle by that policy; None for a draft.
        refused: Why there is no bundle although the gate let it pass; None where there is one.
    """

    folder: Path
    trust: Path | None = None
    verification: Verification | None = None
    refused: Refused | None = None


def publish(run_dir: Path, now: datetime) -> Published:
    """Makes, approves and verifies the bundle of a finished run; an unsigned draft where the policy blocks it.

    What stands there of the same audit result and still verifies is kept.

    Args:
        run_dir: Of the demonstration.
        now: The time, with its zone.
    """
    with locked(run_dir):
        material = release.material_of(run_dir)
        request = _request(run_dir, now)
        verdict = _judged(run_dir)
        folder = run_dir / (BUNDLE if verdict.passed else DRAFT)
        if (kept := _kept(run_dir, folder, material.result_bytes, verdict, now)) is not None:
            return kept
        for name in (BUNDLE, DRAFT):
            shutil.rmtree(run_dir / name, ignore_errors=True)
        signer = _signer(run_dir, "release") if verdict.passed else None
        made = make(material, request if verdict.passed else _drafted(request), signer, installed_file_scan(), folder)
        if isinstance(made, Refused):
            return Published(folder, refused=made)
        return _approved(run_dir, made, now) if verdict.passed else Published(folder)


def _judged(run_dir: Path) -> Verdict:
    from deidrelease.policy import read_verdict

    return read_verdict(run_dir / "gate" / "verdict.json")


def _kept(run_dir: Path, folder: Path, result: bytes, verdict: Verdict, now: datetime) -> Published | None:
    """The bundle that is there already, if it is of this result under this policy, and holds."""
    trust = run_dir / TRUST
    if folder.name == DRAFT or not trust.is_file() or not (folder / layout.RESULT).is_file():
        return None
    if (folder / layout.RESULT).read_bytes() != result:
        return None
    checked = verify(folder, load_trust(trust), now, None)
    same = checked.facts.get("policy_sha256") == verdict.policy_sha256
    return Published(folder, trust, checked) if checked.ok and same else None


def _request(run_dir: Path, now: datetime) -> Request:
    policy = release.recorded_config(run_dir).gate.policy
    return Request(
        about=_ABOUT,
        policy=load_policy(policy),
        policy_file=raw_bytes(policy),
        waivers=Waivers(),
        waivers_file=b"[]",
        now=now,
        release_id=secrets.token_hex(16),
        valid_days=_DAYS,
    )


def _drafted(request: Request) -> Request:
    from dataclasses import replace

    return replace(request, draft=True)


def _approved(run_dir: Path, made: Made, now: datetime) -> Published:
    trust = _trust(run_dir, made.verdict, now)
    write_text(
        run_dir / TRUST, trust_document(trust, "Made by `deidrelease demo`: believe these keys for nothing else.")
    )
    said = Approval(_NAMES["approval"], frozenset(made.verdict.statements), "", now)
    approve(examine(made.folder, None, now), said, _signer(run_dir, "approval"))
    return Published(made.folder, run_dir / TRUST, verify(made.folder, trust, now, None))


def _trust(run_dir: Path, verdict: Verdict, now: datetime) -> TrustPolicy:
    first, last = now.astimezone(UTC).date() - timedelta(days=1), now.astimezone(UTC).date() + timedelta(days=_DAYS + 1)
    keys = [
        TrustedKey(name, frozenset({role}), read_public_key(run_dir / KEYS / role / PUBLIC), first, last)
        for role, name in _NAMES.items()
    ]
    return TrustPolicy(
        tuple(keys),
        policies=frozenset({verdict.policy_sha256}),
        approvals=1,
        require=frozenset({"release-audit", "simple-verification-result", "approval"}),
        max_age_days=_DAYS,
        recipient=_ABOUT.recipient,
    )


def _signer(run_dir: Path, role: Role) -> "Signer":
    """Opens the demonstration's own key, made where it is missing."""
    for each, name in _NAMES.items():
        if not (run_dir / KEYS / each / PRIVATE).exists():
            make_key_pair(run_dir / KEYS / each, name, passphrase=None)
    return open_signer(str(run_dir / KEYS / role / PRIVATE), passphrase=None)
