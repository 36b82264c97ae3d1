"""The verdict as a GitLab Code Quality report, a subset of Code Climate's JSON."""

from collections.abc import Mapping
from typing import Any

from deidrelease.report.demands import State, demands_of, fingerprint, rule_id
from deidrelease.results import Verdict

_SEVERITY: Mapping[State, str] = {
    "broken": "blocker", "unjudged": "blocker", "refused": "blocker", "warning": "minor", "waived": "info",
}  # fmt: skip


def code_quality(
    verdict: Verdict, path: str, secret: str, justifications: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """A finding for each demand that is not kept.

    Args:
        verdict: What the policy says.
        path: Of the judged result.json, relative to the repository.
        secret: Key of the fingerprints.
        justifications: Waiver id to what it says.
    """
    return [
        {
            "description": demand.sentence(),
            "check_name": rule_id(verdict, demand),
            "fingerprint": fingerprint(verdict, demand, secret),
            "severity": _SEVERITY[demand.state],
            "location": {"path": path, "lines": {"begin": 1}},
        }
        for demand in demands_of(verdict, justifications)
        if demand.state != "kept"
    ]
