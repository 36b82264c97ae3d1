"""Policies and waivers for tests, from a few words."""

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

from deidrelease.policy import Policy, Waiver, WaiverClaim
from deidrelease.policy.waiver_files import sign_into
from deidrelease.signing.key_files import make_key_pair, open_signer
from deidrelease.signing.trust import Role, TrustedKey
from made.audit_results import DIGEST

TODAY = datetime.date(2026, 11, 21)
DAY = datetime.timedelta(days=1)


def policy_of(rules: dict[str, dict[str, Any]], **told: Any) -> Policy:
    """A policy of rules that need no more than a metric and bounds."""
    whole = {name: {"judge": "value", "because": "it has to be", **rule} for name, rule in rules.items()}
    return Policy.model_validate({"name": "small", "version": "1.0.0", "rules": whole, **told})


def claim_of(rule: str, **told: Any) -> WaiverClaim:
    said: dict[str, Any] = {
        "id": "w-1", "policy": "small", "rule": rule, "data_digest": DIGEST, "justification": "seen and judged",
        "requester": "Ada Ek", "issued": TODAY - DAY, "expires": TODAY + DAY,
    }  # fmt: skip
    return WaiverClaim(**{**said, **told})


def waiver_of(rule: str, approver: str = "Bo Alm", **told: Any) -> Waiver:
    return Waiver(**dict(claim_of(rule, **told)), approver=approver)


def key_of(folder: Path, name: str, *roles: Role) -> TrustedKey:
    """A new key pair in `folder`, trusted for the year of `TODAY`."""
    pair = make_key_pair(folder, name, None)
    return TrustedKey(name, frozenset(roles), pair.key, datetime.date(2026, 1, 1), datetime.date(2027, 1, 1))


def signed(folder: Path, path: Path, *claims: WaiverClaim) -> bytes:
    """Signs `claims` with the key in `folder` into the file `path`; its bytes."""
    signer = open_signer(str(folder / "private.pem"), None)
    for claim in claims:
        sign_into(claim, signer, path)
    return path.read_bytes()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def payload(envelope: dict[str, Any]) -> dict[str, Any]:
    import base64

    return json.loads(base64.b64decode(envelope["payload"]))  # type: ignore[no-any-return]
