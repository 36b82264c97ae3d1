"""What stands where in a bundle of format 1, what each file is, and how large it may be.

The layout is closed: a file that is not of a role below has no place in a bundle, and verifying refuses it.
"""

import re
from dataclasses import dataclass
from typing import Literal

FORMAT = "deidrelease.bundle/1"
RELEASE_FORMAT = "deidrelease.release/1"
REPORT_FORMAT = "deidrelease.report/1"

MANIFEST = "manifest.json"
ATTESTATIONS = "attestations.intoto.jsonl"
RESULT = "audit/result.json"
UTILITY = "audit/utility.json"
POLICY = "policy/policy.yaml"
RESOLVED = "policy/resolved.json"
WAIVERS = "policy/waivers.json"
VERDICT = "gate/verdict.json"
REPORT = "report/report.html"
RELEASE = "metadata/release.json"
RECEIPTS = "metadata/receipts.json"
CARD = "metadata/README.md"
CROISSANT = "metadata/croissant.json"
LOCK = "metadata/lock.txt"
BRAT = "data/brat"
PARQUET = "data/notes.parquet"

Role = Literal[
    "data", "data-copy", "audit-result", "utility", "policy", "policy-resolved", "waivers", "verdict", "report",
    "release", "receipts", "card", "croissant", "lock", "licence",
]  # fmt: skip

SHARD_NOTES = 10_000
MOST_FILES = 100_000
MOST_DOCUMENT_BYTES = 16 * 1024 * 1024
MOST_MANIFEST_BYTES = 32 * 1024 * 1024
MOST_ATTESTATION_BYTES = 96 * 1024 * 1024
MOST_ATTESTATIONS = 64
MOST_FILE_BYTES = 64 * 1024**3
MOST_TOTAL_BYTES = 1024 * 1024**3
"""Of one bundle; a reader stops there, whatever it is told."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file of a bundle is.

    Attributes:
        role: As the manifest names it.
        media_type: Likewise.
        pattern: The whole of its path.
        required: Whether every bundle has one.
    """

    role: Role
    media_type: str
    pattern: re.Pattern[str]
    required: bool = True


def _at(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path))


_JSON = "application/json"
KINDS = (
    Kind("data", "application/jsonl", re.compile(r"data/notes-[0-9]{5}\.jsonl")),
    Kind("data-copy", "application/vnd.apache.parquet", _at(PARQUET), False),
    Kind(
        "data-copy",
        "text/plain",
        re.compile(r"data/brat/[A-Za-z0-9_()+,=@%~-][A-Za-z0-9._()+,=@%~ -]*\.(?:txt|ann)"),
        False,
    ),
    Kind("data-copy", "application/jsonl", _at(f"{BRAT}/notes.jsonl"), False),
    Kind("audit-result", _JSON, _at(RESULT)),
    Kind("utility", _JSON, _at(UTILITY), False),
    Kind("policy", "application/yaml", _at(POLICY)),
    Kind("policy-resolved", _JSON, _at(RESOLVED)),
    Kind("waivers", _JSON, _at(WAIVERS)),
    Kind("verdict", _JSON, _at(VERDICT)),
    Kind("report", "text/html", _at(REPORT)),
    Kind("release", _JSON, _at(RELEASE)),
    Kind("receipts", _JSON, _at(RECEIPTS)),
    Kind("card", "text/markdown", _at(CARD)),
    Kind("croissant", "application/ld+json", _at(CROISSANT)),
    Kind("lock", "text/plain", _at(LOCK)),
    Kind("licence", "text/plain", re.compile(r"licences/[A-Za-z0-9][A-Za-z0-9.+_-]*")),
)
"""Every file that a bundle may hold, but the manifest and the statements."""


def kind_of(path: str) -> Kind | None:
    """What the file at `path` is; None where nothing of that name belongs into a bundle."""
    return next((kind for kind in KINDS if kind.pattern.fullmatch(path)), None)


def most_bytes(kind: Kind) -> int:
    """How large a file of `kind` may be."""
    return MOST_FILE_BYTES if kind.role in ("data", "data-copy") else MOST_DOCUMENT_BYTES


def shard_path(number: int) -> str:
    """Of the data's shard `number`, from 0: paths sort as numbers do."""
    if not 0 <= number <= 99_999:  # five digits
        raise ValueError(f"there is no shard {number}")
    return f"data/notes-{number:05}.jsonl"
