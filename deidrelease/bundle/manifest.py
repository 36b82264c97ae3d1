"""The manifest: every other file of a bundle with size, digest and role; one digest of it stands for the whole."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from deidrelease.artifacts import sha256_file
from deidrelease.bundle.documents import Count, Digest, DocumentError, ReleaseId, Sequence, Slug, Strict, read_document
from deidrelease.bundle.layout import (
    ATTESTATIONS,
    FORMAT,
    MANIFEST,
    MOST_DOCUMENT_BYTES,
    MOST_FILES,
    MOST_MANIFEST_BYTES,
    RELEASE,
    kind_of,
    most_bytes,
)
from deidrelease.bundle.moments import Moment
from deidrelease.bundle.names import collisions, path_defect, shown
from deidrelease.errors import BundleError, Problem
from deidrelease.signing.strict_json import StrictJsonError, canonical, parse_strict

_OUT = "take it out; docs/reference/bundle.md lists what has a place"
_HEADER = ("release_id", "dataset", "sequence", "previous", "created", "valid_until")


class ListedFile(Strict):
    """A file of the bundle: where, how long, what its bytes hash to, and what it is."""

    path: Annotated[str, Field(min_length=1, max_length=300)]
    size: Count
    sha256: Digest
    role: str
    media_type: str


class Manifest(Strict):
    """`manifest.json`, but for what its files say themselves."""

    format: Literal["deidrelease.bundle/1"]
    release_id: ReleaseId
    dataset: Slug
    sequence: Sequence
    previous: Digest | None
    created: Moment
    valid_until: Moment
    files: Annotated[list[ListedFile], Field(max_length=MOST_FILES)]

    def with_role(self, *roles: str) -> list[ListedFile]:
        """The files of these roles, by path."""
        return [file for file in self.files if file.role in roles]

    def digest_of(self, path: str) -> str:
        """SHA-256 of the file at `path`.

        Raises:
            KeyError: There is none.
        """
        return {file.path: file.sha256 for file in self.files}[path]


def manifest_digest(data: bytes) -> str:
    """SHA-256 of the manifest's bytes, which names the release."""
    return hashlib.sha256(data).hexdigest()


def read_manifest(data: bytes) -> Manifest:
    """Reads the bytes of a `manifest.json`.

    Raises:
        DocumentError: Not canonical, of another format, or with paths doubled or out of order.
        StrictJsonError: No strict JSON.
    """
    manifest = read_document(Manifest, data, MANIFEST, MOST_MANIFEST_BYTES)
    paths = [file.path for file in manifest.files]
    if paths != sorted(set(paths)):
        raise DocumentError(f"{MANIFEST} lists a path twice, or not in order")
    return manifest


def build(folder: Path) -> bytes:
    """The manifest of what lies in `folder`, which has everything but the manifest and the statements.

    Raises:
        BundleError: Something there has no place in a bundle, or `metadata/release.json` is none.
    """
    paths = sorted(_paths(folder))
    _refuse(paths)
    files = [_listed(folder, path) for path in paths]
    document = {"format": FORMAT, **_header(folder), "files": files}
    return canonical(document)


def _header(folder: Path) -> dict[str, object]:
    try:
        data = (folder / RELEASE).read_bytes()
        release = parse_strict(data, RELEASE, MOST_DOCUMENT_BYTES)
        return {name: release[name] for name in _HEADER}
    except (OSError, StrictJsonError, KeyError, TypeError):
        problem = Problem(RELEASE, "is missing, or says less than a release has to", "make the bundle again")
        raise BundleError("There is no manifest.", [problem]) from None


def _paths(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = (Path(place) / name).relative_to(folder).as_posix()
            if path not in (MANIFEST, ATTESTATIONS):
                yield path


def _refuse(paths: list[str]) -> None:
    """What verifying would refuse is not made."""
    problems = [
        Problem(shown(path), f"has a path that {path_defect(path)}", _OUT) for path in paths if path_defect(path)
    ]
    problems += [
        Problem(shown(group[1]), "is one with another path where letters are folded", _OUT)
        for group in collisions(paths)
    ]
    if len(paths) > MOST_FILES:
        problems.append(Problem("the bundle", f"has more than {MOST_FILES:,} files", "leave out the copy in BRAT"))
    if problems:
        raise BundleError("There is no manifest.", problems)


def _listed(folder: Path, path: str) -> dict[str, object]:
    kind, place = kind_of(path), folder / path
    if kind is None or place.is_symlink() or not place.is_file():
        raise BundleError("There is no manifest.", [Problem(shown(path), "has no place in a bundle", _OUT)])
    size = place.stat().st_size
    if size > most_bytes(kind):
        raise BundleError(
            "There is no manifest.", [Problem(shown(path), f"is larger than {most_bytes(kind):,} bytes", _OUT)]
        )
    digest = sha256_file(place)
    return {"path": path, "size": size, "sha256": digest, "role": kind.role, "media_type": kind.media_type}
