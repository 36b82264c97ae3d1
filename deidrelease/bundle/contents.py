"""Every byte of a bundle against its manifest, and the data against its own digest, in one reading.

Documents that something rests on are kept as they were read, and nobody reads them again. Data flows by: two digests
are taken of each chunk, of the shard and of all shards in a row, the second on another core.
"""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from deidrelease import progress
from deidrelease.bundle import layout
from deidrelease.bundle.findings import Findings
from deidrelease.bundle.manifest import ListedFile, Manifest
from deidrelease.bundle.sources import Source, SourceError

_READ = frozenset(
    {
        layout.RESULT,
        layout.UTILITY,
        layout.RESOLVED,
        layout.WAIVERS,
        layout.VERDICT,
        layout.REPORT,
        layout.RELEASE,
        layout.RECEIPTS,
        layout.CROISSANT,
    }
)


@dataclass(frozen=True, slots=True)
class Data:
    """The notes of a bundle as they were read.

    Attributes:
        sha256: Over all shards in a row.
        notes: How many lines they hold.
        whole: Whether every shard ends with a line, so that it can be read without the next.
    """

    sha256: str
    notes: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """What was read of a bundle, and agrees with its manifest.

    Attributes:
        documents: Path to bytes, of those that something else rests on.
        data: Of all shards; None where one of them is not as listed.
        digests: Path to SHA-256 of every file that is as listed.
    """

    documents: Mapping[str, bytes]
    data: Data | None
    digests: Mapping[str, str]


class _Hash(Protocol):
    def update(self, data: memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(slots=True)
class _Whole:
    """The digest over all shards, and the newlines in them; the first shard's own digest serves for both."""

    pool: ThreadPoolExecutor
    sha: "hashlib._Hash | None" = None
    lines: int = 0
    open_line: bool = False

    def shard(self, source: Source, path: str, step: progress.Step) -> str:
        own = hashlib.sha256()
        last = b"\n"
        for chunk in source.chunks(path):
            other = self.pool.submit(self.sha.update, chunk) if self.sha else None
            own.update(chunk)
            self.lines += bytes(chunk).count(b"\n")
            last = bytes(chunk[-1:])
            if other:
                other.result()
            step.advance(len(chunk))
        self.sha = self.sha or own.copy()
        self.open_line = self.open_line or last != b"\n"
        return own.hexdigest()


def read_document(source: Source, path: str, most: int, findings: Findings) -> bytes | None:
    """The bytes of a small file; None, which is noted, where it cannot be read or is too large."""
    if source.entries[path].size > most:
        findings.fail("too-large", path, f"is larger than {most:,} bytes")
        return None
    try:
        return b"".join(bytes(chunk) for chunk in source.chunks(path))
    except SourceError as error:
        findings.fail(error.code, path, str(error))
        return None


def read_contents(source: Source, manifest: Manifest, findings: Findings) -> Contents:
    """Reads every file of `manifest` once, and notes each that is missing, added, changed or of another role."""
    _check_set(source, manifest, findings)
    _check_roles(manifest, findings)
    listed = [file for file in manifest.files if _readable(source, file, findings)]
    with progress.step("reading the bundle", sum(file.size for file in listed)) as step:
        return _Reading(source, findings, step).all(manifest, listed)


@dataclass(slots=True)
class _Reading:
    source: Source
    findings: Findings
    step: progress.Step
    documents: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def all(self, manifest: Manifest, listed: list[ListedFile]) -> Contents:
        with ThreadPoolExecutor(1) as pool:
            whole = _Whole(pool)
            for file in listed:
                self._one(file, whole)
        shards = {file.path for file in manifest.with_role("data")}
        good = bool(shards) and whole.sha is not None and shards <= self.digests.keys()
        data = Data(whole.sha.hexdigest(), whole.lines, not whole.open_line) if good and whole.sha else None
        return Contents(self.documents, data, self.digests)

    def _one(self, file: ListedFile, whole: _Whole) -> None:
        try:
            digest = self._digest(file, whole)
        except SourceError as error:
            self.findings.fail(error.code, file.path, str(error))
            return
        if digest != file.sha256:
            self.findings.fail("file-digest", file.path, "its bytes are not those of the manifest (SHA-256)")
            self.documents.pop(file.path, None)
        else:
            self.digests[file.path] = digest

    def _digest(self, file: ListedFile, whole: _Whole) -> str:
        if file.role == "data":
            return whole.shard(self.source, file.path, self.step)
        sha = hashlib.sha256()
        kept = []
        for chunk in self.source.chunks(file.path):
            sha.update(chunk)
            if file.path in _READ:
                kept.append(bytes(chunk))
            self.step.advance(len(chunk))
        if file.path in _READ:
            self.documents[file.path] = b"".join(kept)
        return sha.hexdigest()


def _check_set(source: Source, manifest: Manifest, findings: Findings) -> None:
    there = source.entries.keys() - {layout.MANIFEST, layout.ATTESTATIONS}
    listed = {file.path for file in manifest.files}
    for path in sorted(listed - there):
        findings.fail("file-missing", path, "is in the manifest and not in the bundle")
    for path in sorted(there - listed):
        findings.fail("file-added", path, "is in the bundle and not in the manifest")


def _check_roles(manifest: Manifest, findings: Findings) -> None:
    roles = {file.role for file in manifest.files}
    for needed in (kind.role for kind in layout.KINDS if kind.required):
        if needed not in roles:
            findings.fail("file-missing", needed, "the manifest lists no file of this role")
    for file in manifest.files:
        kind = layout.kind_of(file.path)
        if kind is None:
            findings.fail("file-role", file.path, "has no place in a bundle")
        elif (kind.role, kind.media_type) != (file.role, file.media_type):
            findings.fail("file-role", file.path, "is listed as something else than its path says")
        elif file.size > layout.most_bytes(kind):
            findings.fail("too-large", file.path, f"is larger than {layout.most_bytes(kind):,} bytes")
    shards = [file.path for file in manifest.with_role("data")]
    if shards != [layout.shard_path(number) for number in range(len(shards))]:
        findings.fail("file-role", "data", "the shards are not numbered one after the other from 00000")
    if sum(file.size for file in manifest.files) > layout.MOST_TOTAL_BYTES:
        findings.fail("too-large", "the bundle", f"is larger than {layout.MOST_TOTAL_BYTES:,} bytes")


def _readable(source: Source, file: ListedFile, findings: Findings) -> bool:
    """Whether it makes sense to read `file`: it is there, as long as listed, and of a kind that has a place here."""
    entry, kind = source.entries.get(file.path), layout.kind_of(file.path)
    if entry is None or kind is None or kind.role != file.role or file.size > layout.most_bytes(kind):
        return False
    if entry.size != file.size:
        findings.fail("file-size", file.path, f"has {entry.size:,} bytes, not the {file.size:,} of the manifest")
        return False
    return True
