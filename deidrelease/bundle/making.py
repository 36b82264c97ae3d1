"""Makes a bundle: judged anew, written beside its place, searched for the private notes, signed, and then named.

Everything is written into a hidden folder beside the target, the statements last, and one rename gives it its name. So
whatever kills the process leaves no half bundle under the target's name; a leftover goes with the next attempt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deidrelease.artifacts import atomic_folder
from deidrelease.bundle import layout, statements
from deidrelease.bundle.collecting import Material, in_order
from deidrelease.bundle.development import found_of_dev
from deidrelease.bundle.manifest import build, manifest_digest
from deidrelease.bundle.release_document import ReleaseDocument
from deidrelease.bundle.request import Request
from deidrelease.bundle.writing import paths_in, put, write_documents
from deidrelease.contracts import FileHit, FileScan, FilesScanned
from deidrelease.corpora.staging import refuse_existing, staged
from deidrelease.errors import BundleError, Problem
from deidrelease.policy.judging import judge
from deidrelease.results import Verdict

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

_NOT_MADE = "No bundle was made."
_DATA = ("data", "data-copy")
"""Roles whose texts the audits have judged."""
COVERING = ("verbatim", "pii_replay")
"""The audits that look in the notes for what the scan looks for in all other files."""


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle that stands.

    Attributes:
        folder: Where.
        release: What it says of itself.
        verdict: As judged at its making.
        manifest_sha256: What names it.
        scanned: What the search of its files did.
    """

    folder: Path
    release: ReleaseDocument
    verdict: Verdict
    manifest_sha256: str
    scanned: FilesScanned


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing was made: a verdict that cannot be signed, or something private in what would have been released.

    Attributes:
        verdict: As judged.
        reasons: Other than the verdict's own, a sentence each.
        hits: What the search of the files found.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    hits: tuple[FileHit, ...] = ()


class _Stopped(Exception):  # noqa: N818  # no error: it undoes what was written, and becomes a value
    def __init__(self, refused: Refused) -> None:
        self.refused = refused


def make(
    material: Material,
    request: Request,
    signer: "Signer | None",
    scan: FileScan,
    out: Path,
    record: Callable[[], None] = lambda: None,
) -> Made | Refused:
    """Makes the bundle `out`, or says why not; nothing stands there then.

    Args:
        material: From `collecting`.
        request: What is wanted.
        signer: Of the release key; None for a draft, and for nothing else.
        scan: Searches the files for the private notes.
        out: A folder that is not there yet.
        record: Writes a release down where that is kept, before it has its name; where it raises, none is made.

    Raises:
        BundleError: The audit was of other notes or other private corpora; the validity is longer than the policy
            lets; or the release before is of another data set.
        CorpusError: The target cannot be written, or a format cannot carry the notes.
        ValueError: A signer for a draft, or none for a release.
    """
    if request.draft == (signer is not None):
        raise ValueError("a draft is what nobody signs, and nothing else is")
    refuse_existing(out)
    verdict = judge(request.policy, material.result, request.waivers, request.now.date())
    if not request.draft and (reasons := _unsignable(verdict, material)) is not None:
        return Refused(verdict, reasons)
    _check(material, request, verdict)
    try:
        with staged(out) as stage, atomic_folder(stage.path) as folder:
            made = _made(material, request, verdict, signer, scan, folder, out)
            if not request.draft:
                record()
            return made
    except _Stopped as stopped:
        return stopped.refused


def _unsignable(verdict: Verdict, material: Material) -> tuple[str, ...] | None:
    """Why this may not be signed, besides the verdict's own reasons; None where it may."""
    if not verdict.passed:
        return ()
    if not verdict.signable:
        return (f"the policy {verdict.policy} is not meant for releases: nothing is signed under it",)
    reports = {name: material.result.report(name) for name in COVERING}
    open_ = [name for name, report in reports.items() if report is None or report.status != "measured"]
    if open_:
        return (f"what the notes share with private ones was not measured: {' and '.join(open_)}",)
    return found_of_dev(material) or None


def _check(material: Material, request: Request, verdict: Verdict) -> None:
    material.check_private()
    if request.valid_days is not None and not 1 <= request.valid_days <= request.most_days(verdict):
        remedy = f"at least 1, and at most {request.most_days(verdict)} under {verdict.policy}"
        raise BundleError(_NOT_MADE, [Problem("--valid-days", f"is {request.valid_days}", remedy)])
    before = request.previous
    if before is not None and before.dataset != request.about.dataset:
        remedy = f"call this one so too (--dataset {before.dataset}), or leave --previous out"
        raise BundleError(_NOT_MADE, [Problem("--previous", "is of another data set", remedy)])


def _made(
    material: Material,
    request: Request,
    verdict: Verdict,
    signer: "Signer | None",
    scan: FileScan,
    folder: Path,
    out: Path,
) -> Made:
    release = write_documents(material, request, verdict, folder)
    manifest = build(folder)
    put(folder, layout.MANIFEST, manifest)
    payloads = () if request.draft else _payloads(manifest, release, material, verdict)
    scanned = _scanned(material, folder, payloads, scan)
    if scanned.hits:
        raise _Stopped(Refused(verdict, hits=scanned.hits))
    if signer is not None:
        put(folder, layout.ATTESTATIONS, b"".join(_line(payload, signer) for payload in payloads))
    return Made(out, release, verdict, manifest_digest(manifest), scanned)


def _payloads(manifest: bytes, release: ReleaseDocument, material: Material, verdict: Verdict) -> tuple[bytes, ...]:
    return (
        statements.audit_statement(manifest, release, material.result, verdict),
        statements.simple_verification_result(manifest, release, verdict),
    )


def _line(payload: bytes, signer: "Signer") -> bytes:
    from deidrelease.signing.envelopes import IN_TOTO, sign

    return sign(payload, IN_TOTO, signer) + b"\n"


def _scanned(material: Material, folder: Path, payloads: Sequence[bytes], scan: FileScan) -> FilesScanned:
    """Searches every file but the data, whose texts the audits have judged, and the data's other parts."""
    files = {path: (folder / path).read_bytes() for path in paths_in(folder) if not _is_data(path)}
    # What will be signed is read before it is: its texts are those of other files, and have to be.
    files |= {f"{layout.ATTESTATIONS} ({number}).json": each for number, each in enumerate(payloads, 1)}
    return scan.scan(files, material.notes, in_order(material.private), material.label_map, material.key)


def _is_data(path: str) -> bool:
    kind = layout.kind_of(path)
    return kind is not None and kind.role in _DATA
