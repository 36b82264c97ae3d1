"""Writes a run of audits: `result.json`, which may leave the site, and `findings.private.jsonl`, which never may.

The result holds no time, no path and no name of a machine, so that equal runs write equal bytes.
"""

import json
import os
from dataclasses import fields
from pathlib import Path

from deidrelease.artifacts import canonical_json, write_text
from deidrelease.auditing.result import AuditResult
from deidrelease.contracts import Finding
from deidrelease.keys import SiteKey

RESULT = "result.json"
FINDINGS = "findings.private.jsonl"
PRIVATE_MODE = 0o600
_FIELDS = tuple(each.name for each in fields(Finding))
_LINE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def write_result(result: AuditResult, folder: Path, key: SiteKey) -> None:
    """Writes both files into `folder`, which is there and holds neither.

    Args:
        result: With its findings.
        folder: Not yet under the name that others read it by, so that both files appear together.
        key: Of the site; a finding's id is an HMAC under it.
    """
    _write_findings(result.findings, folder / FINDINGS, key)
    text = json.dumps(result.document(), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / RESULT, text + "\n")


def finding_id(finding: Finding, key: SiteKey) -> str:
    """Names a finding to people who must not see it: an HMAC of its content, the same in every run of a site."""
    return _id_of(_record(finding), key)


def _id_of(record: dict[str, object], key: SiteKey) -> str:
    return key.digest("finding", canonical_json(record))[:32]


def _record(finding: Finding) -> dict[str, object]:
    """All fields; they are texts and numbers, so nothing below needs a copy, which `asdict` would make."""
    return {name: getattr(finding, name) for name in _FIELDS}


def _write_findings(findings: tuple[Finding, ...], path: Path, key: SiteKey) -> None:
    made = [(_place(finding), _record(finding)) for finding in findings]
    records = {_id_of(record, key): (place, record) for place, record in made}
    ordered = sorted(records.items(), key=lambda item: (*item[1][0], item[0]))
    # Private from its first byte on: no moment between making it and closing it to others.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    with os.fdopen(descriptor, "wb") as stream:
        for name, (_, record) in ordered:
            line = _LINE.encode({"id": name, **record})
            stream.write(line.encode("utf-8", "surrogatepass") + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def _place(finding: Finding) -> tuple[str, str, str, int, int]:
    return finding.audit, finding.severity, finding.synthetic_note, finding.start, finding.end
