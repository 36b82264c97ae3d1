"""Puts the page together: checks the documents, makes the views, fills the template."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.report.release_page.format_1 import documents as given
from deidrelease.report.release_page.format_1 import wording
from deidrelease.report.release_page.format_1.audit_views import audit_views
from deidrelease.report.release_page.format_1.identifier_views import identifier_views
from deidrelease.report.release_page.format_1.release_views import (
    data_view,
    file_rows,
    identity,
    methods_view,
    privacy_view,
)
from deidrelease.report.release_page.format_1.strips import WIDTH
from deidrelease.report.release_page.format_1.utility_views import utility_view
from deidrelease.report.release_page.format_1.verdict_views import (
    approvals,
    grouped,
    headline,
    judgement_views,
    waiver_views,
)

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
# Characters that turn the direction of writing, or are not seen: with them a page could read otherwise than it is
# written. Those that letters of some scripts need (zero-width joiners) are left alone.
_UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def draw(documents: Mapping[str, Any], digests: Mapping[str, str]) -> str:
    """See `deidrelease.report.release_page.render`."""
    given.check_documents(documents)
    given.check_digests(digests)
    environment = _environment()
    style = environment.get_template("style.css").render()
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("page.html").render(_views(documents, digests), style_sha256=digest)


def _views(documents: Mapping[str, Any], digests: Mapping[str, str]) -> dict[str, Any]:
    release, result, verdict, policy = (
        documents[path] for path in (given.RELEASE, given.RESULT, given.VERDICT, given.POLICY)
    )
    judgements = judgement_views(verdict, policy)
    return {
        "release": identity(release, result),
        "verdict": verdict,
        "headline": headline(verdict),
        "judgements": judgements,
        "stopping": grouped([view for view in judgements if view["blocks"]]),
        "waived": [view for view in judgements if view["waiver"]],
        "warned": [view for view in judgements if view["warns"]],
        "refused": sorted(verdict["refused_waivers"].items()),
        "waivers": waiver_views(documents[given.WAIVERS], verdict),
        "approvals": approvals(verdict, policy),
        "policy": policy,
        "data": data_view(release, result),
        "methods": methods_view(release, result, documents[given.RECEIPTS]),
        "audits": audit_views(result, verdict, policy),
        "identifiers": identifier_views(result, policy),
        "privacy": privacy_view(release),
        "utility": utility_view(documents.get(given.UTILITY)),
        "files": file_rows(digests),
        "wording": wording,
        "strip_width": f"{WIDTH:.0f}",
    }


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        optimized=False,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        newline_sequence="\n",
    )


def _shown(value: Any) -> Any:
    """Only texts are ever printed: a number has to go through `figures`, or it would look as Python likes it to."""
    if hasattr(value, "__html__"):
        return value
    if not isinstance(value, str):
        raise TypeError(f"the template prints a {type(value).__name__}")
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", value)
