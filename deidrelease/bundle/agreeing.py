"""Whether the parts of a bundle say the same: data and audit, release and manifest, statements and all of them."""

from collections.abc import Iterable

from pydantic import BaseModel

from deidrelease.bundle import layout
from deidrelease.bundle.croissant import croissant_document
from deidrelease.bundle.evidence import Known, Question, Read
from deidrelease.bundle.manifest import manifest_digest
from deidrelease.bundle.predicates import AuditStatement, Judged, Subject
from deidrelease.bundle.statements import (
    digests_of,
    expected_result,
    judged,
    subjects_of,
)
from deidrelease.results import Verdict

_DESCRIBED = (
    "name", "alternateName", "description", "version", "license", "datePublished", "creator", "publisher", "url",
    "distribution", "recordSet",
)  # fmt: skip
"""What of the Croissant file says which release this is, and where a loader finds its data."""
_HEADER = ("release_id", "dataset", "sequence", "previous", "created", "valid_until")


def check_data(question: Question, read: Read) -> None:
    """The notes in the bundle are the notes that were audited, all of them."""
    findings, data, result = question.findings, read.contents.data, read.result
    if result is None or data is None:
        findings.not_checked("data", "a result and data that can be read")
        return
    audited = result.corpora.get("synthetic")
    if audited is None or audited.keyed:
        findings.fail("data-mismatch", layout.RESULT, "does not say by an open digest which notes were audited")
        return
    if audited.digest != data.sha256:
        findings.fail("data-mismatch", "data", "these are other notes than those that were audited (SHA-256)")
    if audited.notes != data.notes:
        what = f"there are {data.notes:,} notes, and {audited.notes:,} were audited"
        findings.fail("data-count", "data", what)
    if not data.whole:
        findings.fail("data-count", "data", "a shard ends within a note, so that shards read one by one are others")
    if result.total <= 0 or result.scanned != result.total:
        what = f"{result.scanned:,} of {result.total:,} notes were scanned"
        findings.fail("data-partial", layout.RESULT, what)


def check_metadata(question: Question, read: Read) -> None:
    """`metadata/release.json` says what the manifest and the other files say."""
    findings, release = question.findings, read.release
    if release is None:
        findings.not_checked(layout.RELEASE, "a release document that can be read")
        return
    if release.draft:
        findings.fail("draft", layout.RELEASE, "says that it is a draft")
    digests = {file.path: file.sha256 for file in read.manifest.files}
    wanted = {name: getattr(read.manifest, name) for name in _HEADER}
    told = {name: getattr(release, name) for name in _HEADER}
    wanted |= {"data.shards": [file.path for file in read.manifest.with_role("data")]}
    wanted |= {"data.copies": _copies(read), "tool.lock_sha256": digests.get(layout.LOCK)}
    told |= {"data.shards": release.data.shards, "data.copies": sorted(release.data.copies)}
    told |= {"tool.lock_sha256": release.tool.lock_sha256}
    if read.contents.data is not None:
        wanted |= {"data.digest": read.contents.data.sha256, "data.notes": read.contents.data.notes}
        told |= {"data.digest": release.data.digest, "data.notes": release.data.notes}
    for name in (name for name in wanted if wanted[name] != told[name]):
        findings.fail("metadata-differs", layout.RELEASE, f"{name} is not what the rest of the bundle says")
    if (read.manifest.sequence == 1) != (read.manifest.previous is None):
        what = "the first release has none before it, and every other one has"
        findings.fail("metadata-differs", layout.MANIFEST, what)


def check_croissant(question: Question, read: Read) -> None:
    """`metadata/croissant.json` names this release and its files: a loader would fetch whatever else it named."""
    findings, release, told = question.findings, read.release, read.parsed.get(layout.CROISSANT)
    if release is None or told is None:
        findings.not_checked(layout.CROISSANT, "a description and a release document that can be read")
        return
    sizes, digests = ({f.path: getattr(f, name) for f in read.manifest.files} for name in ("size", "sha256"))
    if [path for path in release.data.shards if path not in sizes]:
        findings.not_checked(layout.CROISSANT, "a release document that lists the shards")
        return
    wanted = croissant_document(release, sizes, digests, made_by_run=bool(read.parsed.get(layout.RECEIPTS)))
    for name in (name for name in _DESCRIBED if not isinstance(told, dict) or told.get(name) != wanted[name]):
        findings.fail("metadata-differs", layout.CROISSANT, f"{name} is not what the rest of the bundle says")


def check_statements(question: Question, known: Known) -> None:
    """Each statement is about this bundle, and says what the bundle says."""
    signed, subjects = known.signed, subjects_of(known.read.manifest_bytes)
    if signed.audit:
        _check_subjects(question, "release-audit", signed.audit[0].subject, subjects)
        _check_audit(question, known, signed.audit[0])
    if signed.result:
        _check_subjects(question, "simple-verification-result", signed.result[0].subject, subjects)
        _check_result(question, known)
    for approval, key in signed.approvals:
        _check_subjects(question, f"approval by {key.name}", approval.subject, subjects[:1])
        said = approval.predicate
        outcome = known.verdict.outcome if known.verdict else said.outcome
        if (said.release_id, said.outcome) != (known.read.manifest.release_id, outcome):
            what = "speaks of another release, or of another verdict"
            question.findings.fail("statement-differs", f"approval by {key.name}", what)


def _copies(read: Read) -> list[str]:
    paths = [file.path for file in read.manifest.with_role("data-copy")]
    there = {"parquet": layout.PARQUET in paths, "brat": any(path.startswith(f"{layout.BRAT}/") for path in paths)}
    return sorted(name for name, present in there.items() if present)


def _check_subjects(question: Question, where: str, told: Iterable[Subject], wanted: Iterable[Subject]) -> None:
    pairs = [(each.name, each.digest.sha256) for each in told]
    if sorted(pairs) != sorted((each.name, each.digest.sha256) for each in wanted):
        question.findings.fail("statement-subject", where, "is about other files than those of this bundle")


def _check_audit(question: Question, known: Known, statement: AuditStatement) -> None:
    said, read = statement.predicate, known.read
    differing = [name for name in _HEADER if getattr(said, name) != getattr(read.manifest, name)]
    try:
        differing += _different("digests", said.digests, digests_of(read.manifest))
    except KeyError:
        differing.append("digests")
    if read.release is not None:
        release = read.release
        pairs = {
            "recipient": (said.recipient, release.recipient),
            "tool": ((said.tool.name, said.tool.version), (release.tool.name, release.tool.version)),
            "detector_sha256": (said.detector_sha256, release.models.detector_sha256),
            "seed": (said.seed, release.seed),
            "differential_privacy": (said.differential_privacy, release.privacy.differential_privacy),
        }
        differing += [name for name, (one, other) in pairs.items() if one != other]
    differing += _audited(known, statement)
    if known.verdict is not None:
        differing += _different("verdict", said.verdict, _judged_at_release(known.verdict, said.verdict))
    if differing:
        what = f"says otherwise than the bundle: {', '.join(differing)}"
        question.findings.fail("statement-differs", "release-audit", what)


def _audited(known: Known, statement: AuditStatement) -> list[str]:
    """Which numbers of the audit the statement tells otherwise than the result and the data."""
    result, data, said = known.read.result, known.read.contents.data, statement.predicate.audited
    differing = []
    if result is not None and "synthetic" in result.corpora:
        facts = result.corpora["synthetic"]
        told = (said.digest, said.notes, said.scanned, said.total)
        if told != (facts.digest, facts.notes, result.scanned, result.total):
            differing.append("audited")
    if data is not None and (said.digest, said.notes) != (data.sha256, data.notes):
        differing.append("audited data")
    return differing


def _judged_at_release(today: Verdict, said: Judged) -> Judged:
    # A waiver that expired since changes today's outcome, which is a failure of its own; the rest does not change.
    return judged(today) if today.passed else judged(today).model_copy(update={"outcome": said.outcome})


def _check_result(question: Question, known: Known) -> None:
    release, verdict = known.read.release, known.verdict
    if known.signed.result is None:
        return
    if release is None or verdict is None or not verdict.passed:
        question.findings.not_checked("simple-verification-result", "a release and a verdict that passes")
        return
    if known.signed.result[0].predicate != expected_result(release, verdict):
        what = "says otherwise than the release and its verdict"
        question.findings.fail("statement-differs", "simple-verification-result", what)


def _different(name: str, one: BaseModel, other: BaseModel) -> list[str]:
    mine, theirs = one.model_dump(), other.model_dump()
    return [f"{name}.{key}" for key in mine if mine[key] != theirs.get(key)]


def release_digest(read: Read) -> str:
    """What names the release: the digest of its manifest."""
    return manifest_digest(read.manifest_bytes)
