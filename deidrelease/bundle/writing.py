"""Writes the files of a bundle, but for its manifest and its statements."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from deidrelease.artifacts import sha256_file
from deidrelease.bundle import layout
from deidrelease.bundle.cards import card_text
from deidrelease.bundle.collecting import Material
from deidrelease.bundle.croissant import croissant_document
from deidrelease.bundle.datasheet import privacy_statement
from deidrelease.bundle.licences import licence_files
from deidrelease.bundle.lock import lock_text
from deidrelease.bundle.moments import write_moment
from deidrelease.bundle.receipts import receipts_document
from deidrelease.bundle.release_document import DataFacts, ModelFacts, PrivacyFacts, ReleaseDocument, ToolFacts
from deidrelease.bundle.request import Request
from deidrelease.bundle.shards import Written, write_copies, write_shards
from deidrelease.errors import BundleError, Problem
from deidrelease.policy import verdict_bytes
from deidrelease.results import Verdict
from deidrelease.signing.strict_json import canonical, parse_strict


def write_documents(material: Material, request: Request, verdict: Verdict, folder: Path) -> ReleaseDocument:
    """Writes everything but the manifest and the statements below `folder`.

    Raises:
        BundleError: The notes are not those that the result speaks of.
        CorpusError: A format cannot carry the notes.
    """
    data = write_shards(material.notes, folder)
    audited = material.result.corpora["synthetic"].digest if "synthetic" in material.result.corpora else ""
    if data.digest != audited:
        remedy = "audit the notes that are to be released, all of them and in this order"
        raise BundleError("No bundle was made.", [Problem("the notes", "are not those that were audited", remedy)])
    write_copies(material.notes, folder, request.copies)
    lock = lock_text().encode("utf-8")
    release = _release(material, request, verdict, data, hashlib.sha256(lock).hexdigest())
    files = {
        layout.RESULT: material.result_bytes,
        **({} if material.utility is None else {layout.UTILITY: material.utility}),
        layout.POLICY: request.policy_file,
        layout.RESOLVED: request.policy.canonical(),
        layout.WAIVERS: canonical(parse_strict(request.waivers_file, "the waivers")),
        layout.VERDICT: verdict_bytes(verdict),
        layout.RELEASE: canonical(release.model_dump(mode="json")),
        layout.RECEIPTS: canonical(receipts_document(material.receipts)),
        layout.LOCK: lock,
        **{path: text.encode("utf-8") for path, text in licence_files(request.about).items()},
        layout.CARD: card_text(release, verdict, tuple(material.receipts)).encode("utf-8"),
    }
    for path, content in files.items():
        put(folder, path, content)
    sizes, digests = _sizes(folder), _digests(folder)
    croissant = croissant_document(release, sizes, digests, made_by_run=bool(material.receipts))
    put(folder, layout.CROISSANT, canonical(croissant))
    put(folder, layout.REPORT, _report(files, {**digests, **_digests(folder, layout.CROISSANT)}).encode("utf-8"))
    return release


def _release(
    material: Material, request: Request, verdict: Verdict, data: Written, lock_sha256: str
) -> ReleaseDocument:
    about, before, promises = request.about, request.previous, material.differential_privacy
    until = request.now + timedelta(days=request.valid_days or request.most_days(verdict))
    said = ("dataset", "title", "description", "licence", "recipient", "publisher", "contact")
    return ReleaseDocument(
        **{name: getattr(about, name) for name in said},
        release_id=request.release_id,
        languages=list(about.languages),
        sequence=1 if before is None else before.sequence + 1,
        previous=None if before is None else before.manifest_sha256,
        created=write_moment(request.now),
        valid_until=write_moment(until),
        draft=request.draft,
        data=DataFacts(
            digest=data.digest,
            notes=data.notes,
            characters=data.characters,
            shards=list(data.shards),
            copies=sorted(request.copies),
            spans=dict(data.spans),
        ),
        tool=ToolFacts(version=version("deidrelease"), lock_sha256=lock_sha256),
        models=ModelFacts(detector_sha256=material.detector_sha256),
        seed=material.result.seed,
        privacy=PrivacyFacts(
            differential_privacy=None if promises is None else dict(promises), statement=privacy_statement(promises)
        ),
    )


_DRAWN = (
    layout.RELEASE, layout.RESULT, layout.UTILITY, layout.RESOLVED, layout.WAIVERS, layout.VERDICT, layout.RECEIPTS,
)  # fmt: skip


def _report(files: Mapping[str, bytes], digests: Mapping[str, str]) -> str:
    from deidrelease.report.release_page import render

    return render({path: parse_strict(files[path], path) for path in _DRAWN if path in files}, digests)


def _digests(folder: Path, *paths: str) -> dict[str, str]:
    return {path: sha256_file(folder / path) for path in paths or paths_in(folder)}


def _sizes(folder: Path) -> dict[str, int]:
    return {path: (folder / path).stat().st_size for path in paths_in(folder)}


def paths_in(folder: Path) -> list[str]:
    """Every file below `folder`, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def put(folder: Path, path: str, content: bytes) -> None:
    """Writes one file below `folder`; it must not be there."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    with (folder / path).open("xb") as stream:
        stream.write(content)
