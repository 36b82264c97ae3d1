"""The report of a release: one page of HTML, made from the bundle's own documents and from nothing else.

Whoever verifies a bundle draws its page again and compares the bytes. So a page depends on no clock, locale, platform
or order of keys, and every format that was ever released keeps its own folder here, which is never changed again.
"""

from collections.abc import Mapping
from typing import Any

from deidrelease.report.release_page.report_error import ReportError

__all__ = ["REPORT_FORMAT", "ReportError", "render"]

REPORT_FORMAT = "deidrelease.report/1"
"""Of the pages that this version makes; what `metadata/release.json` says under `report_format`."""


def render(documents: Mapping[str, Any], digests: Mapping[str, str]) -> str:
    """Draws the page; equal arguments give equal text, in every process and on every machine.

    Args:
        documents: Path in the bundle to parsed JSON: `metadata/release.json`, `audit/result.json`,
            `policy/resolved.json`, `policy/waivers.json`, `gate/verdict.json`, `metadata/receipts.json`, and
            `audit/utility.json` where the bundle has one.
        digests: Path to SHA-256 in hex, of every file of the bundle but the report, the manifest and the attestations.

    Raises:
        ReportError: A document is missing, of an unknown format, or holds what cannot be shown.
    """
    release = documents.get("metadata/release.json")
    if not isinstance(release, Mapping):
        raise ReportError("metadata/release.json: is missing or no object")
    if release.get("report_format") != REPORT_FORMAT:
        raise ReportError(f"metadata/release.json: report_format: this version draws only {REPORT_FORMAT}")
    from deidrelease.report.release_page.format_1.page import draw

    return draw(documents, digests)
