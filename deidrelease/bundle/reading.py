"""Opens a bundle's manifest, statements and documents, and notes what cannot be understood."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from deidrelease.auditing.result import AuditResult, parse_result
from deidrelease.bundle import layout
from deidrelease.bundle.contents import Contents, read_contents, read_document
from deidrelease.bundle.documents import DocumentError
from deidrelease.bundle.documents import read_document as parse_document
from deidrelease.bundle.evidence import Question, Read
from deidrelease.bundle.findings import Findings
from deidrelease.bundle.manifest import read_manifest
from deidrelease.bundle.release_document import ReleaseDocument
from deidrelease.bundle.signed import Signed, read_signed
from deidrelease.errors import DeidReleaseError
from deidrelease.policy import Policy, read_resolved
from deidrelease.signing.strict_json import StrictJsonError, canonical, parse_strict

_CANONICAL = (layout.RESOLVED, layout.WAIVERS, layout.VERDICT, layout.RECEIPTS, layout.CROISSANT)
_JSON = (*_CANONICAL, layout.RELEASE, layout.RESULT, layout.UTILITY)
T = TypeVar("T")


def read_bundle(question: Question) -> Read | None:
    """Everything of the bundle but its statements; None where there is no manifest that can be read."""
    source, findings = question.source, question.findings
    if layout.MANIFEST not in source.entries:
        findings.fail("manifest", layout.MANIFEST, "is missing")
        return None
    data = read_document(source, layout.MANIFEST, layout.MOST_MANIFEST_BYTES, findings)
    if data is None:
        return None
    try:
        manifest = read_manifest(data)
    except (DocumentError, StrictJsonError) as error:
        findings.fail("manifest", layout.MANIFEST, str(error))
        return None
    contents = read_contents(source, manifest, findings)
    parsed = _parsed(contents, findings)
    release = _release(contents, findings)
    return Read(data, manifest, contents, parsed, release, _result(parsed, findings), _policy(contents, findings))


def read_statements(question: Question, read: Read | None) -> Signed:
    """The statements that count; that there are none at all is a failure."""
    source, findings = question.source, question.findings
    if layout.ATTESTATIONS not in source.entries:
        draft = read is not None and read.release is not None and read.release.draft
        code, what = ("draft", "it is a draft, not signed") if draft else ("unsigned", "it carries no statement")
        findings.fail(code, layout.ATTESTATIONS, what)
        return Signed()
    data = read_document(source, layout.ATTESTATIONS, layout.MOST_ATTESTATION_BYTES, findings)
    return Signed() if data is None else read_signed(data, question.trust, question.now, findings)


def _parsed(contents: Contents, findings: Findings) -> Mapping[str, Any]:
    parsed = {}
    for path in _JSON:
        if path not in contents.documents:
            continue
        try:
            parsed[path] = parse_strict(contents.documents[path], "it")
            if path in _CANONICAL and canonical(parsed[path]) != contents.documents[path]:
                findings.fail("document", path, "is not canonical JSON (RFC 8785)")
                del parsed[path]
        except (StrictJsonError, ValueError) as error:
            findings.fail("document", path, str(error))
            parsed.pop(path, None)
    return parsed


def _release(contents: Contents, findings: Findings) -> ReleaseDocument | None:
    data = contents.documents.get(layout.RELEASE)
    if data is None:
        return None
    return _tried(lambda: parse_document(ReleaseDocument, data, "it"), layout.RELEASE, findings)


def _result(parsed: Mapping[str, Any], findings: Findings) -> AuditResult | None:
    if layout.RESULT not in parsed:
        return None
    return _tried(lambda: parse_result(parsed[layout.RESULT]), layout.RESULT, findings)


def _policy(contents: Contents, findings: Findings) -> Policy | None:
    data = contents.documents.get(layout.RESOLVED)
    return None if data is None else _tried(lambda: read_resolved(data), layout.RESOLVED, findings)


def _tried(read: Callable[[], T], where: str, findings: Findings) -> T | None:
    try:
        return read()
    except DeidReleaseError as error:
        findings.fail("document", where, "; ".join(problem.what for problem in error.problems) or error.summary)
    except ValueError as error:
        findings.fail("document", where, str(error))
    return None
