"""How the corpus came about, for a recipient: what may be told of each stage's receipt, field by field.

A receipt holds settings, which hold paths, and digests of private files; a count of six patients in a file of two lines
is guessed from its digest. So nothing of a receipt leaves but what is named here.
"""

from collections.abc import Mapping
from typing import Any

from deidrelease.artifacts import Receipt


def receipts_document(receipts: Mapping[str, Receipt]) -> dict[str, Any]:
    """Stage to what may be told of it."""
    return {name: _told(receipt) for name, receipt in receipts.items()}


def _told(receipt: Receipt) -> dict[str, Any]:
    leaving = {name: out.sha256 for name, out in receipt.outputs.items() if out.visibility == "releasable"}
    return {
        "version": receipt.version,
        "fingerprint": receipt.fingerprint,
        "seed": receipt.seed,
        "seconds": round(receipt.seconds, 1),
        "attempts": receipt.attempts,
        "versions": dict(receipt.versions),
        "outputs": {name: sha256 for name, sha256 in sorted(leaving.items()) if "/" not in name},
    }
