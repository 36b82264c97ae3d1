"""The eighteen classes of 45 CFR 164.514(b)(2): how each was looked for, what was found, and what is left open."""

from collections.abc import Mapping
from typing import Any

from deidrelease.report.release_page.format_1.audit_views import of_one_class
from deidrelease.report.release_page.format_1.figures import estimate
from deidrelease.report.release_page.format_1.wording import HIPAA, STATUSES

_DETECTORS = "pii_residual"


def identifier_views(result: Mapping[str, Any], policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a class, A to R; none where neither the policy nor a detector speaks of any class."""
    reports = {report["audit"]: report for report in result["audits"]}
    told = any(of_one_class(_DETECTORS, metric) for metric in reports.get(_DETECTORS, {}).get("metrics", {}))
    if not policy["coverage"] and not told:
        return []
    return [_row(letter, policy["coverage"].get(letter), reports) for letter in HIPAA]


def _row(letter: str, covered: Mapping[str, Any] | None, reports: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    named = list(covered["by"]) if covered else []
    return {
        "letter": letter,
        "name": HIPAA[letter],
        "how": covered["how"] if covered else "not stated by the policy",
        "found": [(metric, _found(metric, reports)) for metric in named],
        "hits": _of_class("hits_per_1k_tokens", letter, reports),
        "recall": _of_class("detector_recall", letter, reports),
        "gaps": _gaps(letter, covered, reports),
    }


def _found(metric: str, reports: Mapping[str, Mapping[str, Any]]) -> str:
    audit, _, name = metric.partition(".")
    report = reports.get(audit)
    if report is None:
        return "the audit did not run"
    if name not in report["metrics"]:
        return "no such number in the result"
    doubt = "" if report["status"] == "measured" else f", {STATUSES[report['status']][1]}"
    return f"{estimate(report['metrics'][name])}{doubt}"


def _of_class(name: str, letter: str, reports: Mapping[str, Mapping[str, Any]]) -> str:
    report = reports.get(_DETECTORS)
    found = report["metrics"].get(f"{name}_{letter}") if report else None
    return estimate(found) if found else "not known"


def _gaps(letter: str, covered: Mapping[str, Any] | None, reports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if covered is None:
        return ["nothing is claimed for this class"]
    gaps = [] if covered["by"] else ["no metric looks for it"]
    for audit in sorted({metric.partition(".")[0] for metric in covered["by"]}):
        report = reports.get(audit)
        if report is None:
            gaps.append(f"{audit} did not run")
        elif report["status"] != "measured":
            gaps.append(f"{audit} is {STATUSES[report['status']][1]}")
    gaps += [f"{metric} is missing" for metric in covered["by"] if _missing(metric, reports)]
    if covered["by"] and _of_class("detector_recall", letter, reports) == "not known":
        gaps.append("how many the detectors miss is not known")
    return gaps


def _missing(metric: str, reports: Mapping[str, Mapping[str, Any]]) -> bool:
    audit, _, name = metric.partition(".")
    return audit in reports and name not in reports[audit]["metrics"]
