"""What verifying knows of a bundle so far; a part is None where it could not be had, and nothing rests on it then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deidrelease.auditing.result import AuditResult
from deidrelease.bundle.contents import Contents
from deidrelease.bundle.findings import Findings
from deidrelease.bundle.manifest import Manifest
from deidrelease.bundle.release_document import ReleaseDocument
from deidrelease.bundle.signed import Signed
from deidrelease.bundle.sources import Source
from deidrelease.policy import Policy
from deidrelease.results import Verdict
from deidrelease.signing.trust import TrustPolicy


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: is this bundle good, for one who trusts so, at this time?"""

    source: Source
    trust: TrustPolicy
    now: datetime
    findings: Findings


@dataclass(frozen=True, slots=True)
class Read:
    """The documents of a bundle that are what the manifest says, understood.

    Attributes:
        manifest_bytes: Of the manifest.
        manifest: What they say.
        contents: Everything else.
        parsed: Path to JSON value, of all JSON documents that can be read in one way only.
    """

    manifest_bytes: bytes
    manifest: Manifest
    contents: Contents
    parsed: Mapping[str, Any]
    release: ReleaseDocument | None
    result: AuditResult | None
    policy: Policy | None


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known when the claims are compared.

    Attributes:
        read: The documents.
        signed: The statements that trusted keys signed.
        verdict: What the policy says of the result today; None where nothing could be decided.
    """

    read: Read
    signed: Signed
    verdict: Verdict | None
