"""The same notes in other formats: whether they are the same, note by note, text and spans and ids."""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from deidrelease.bundle import layout
from deidrelease.bundle.evidence import Known, Question, Read
from deidrelease.bundle.manifest import ListedFile
from deidrelease.bundle.sources import Source, SourceError
from deidrelease.errors import DeidReleaseError
from deidrelease.notes import note_to_json

_DIGEST = 16


def check_copies(question: Question, known: Known) -> None:
    """Reads every copy with the reader of its format and compares the notes with those of the shards.

    What is read is a copy of the copy, made while it was hashed once more: what is compared is what the manifest has.
    Readers of other formats are large programs, so they see nothing that no trusted key has signed.
    """
    read = known.read
    brat = [file for file in read.manifest.with_role("data-copy") if file.path.startswith(f"{layout.BRAT}/")]
    parquet = [file for file in read.manifest.with_role("data-copy") if file.path == layout.PARQUET]
    if not brat and not parquet:
        return
    if known.signed.audit is None:
        question.findings.not_checked("copies of the data", "a statement by a trusted key")
        return
    if read.contents.data is None or any(file.path not in read.contents.digests for file in (*brat, *parquet)):
        question.findings.not_checked("copies of the data", "data and copies that are as listed")
        return
    wanted = _lines(question, read)
    for name, files in (("brat", brat), ("parquet", parquet)):
        if files and wanted is not None:
            _check(question, name, files, wanted)


def _lines(question: Question, read: Read) -> Counter[bytes] | None:
    """How often each note's canonical line stands in the shards, by digest."""
    found: Counter[bytes] = Counter()
    for file in read.manifest.with_role("data"):
        sha, rest = hashlib.sha256(), b""
        try:
            for chunk in question.source.chunks(file.path):
                sha.update(chunk)
                *lines, rest = (rest + bytes(chunk)).split(b"\n")
                found.update(map(_short, lines))
        except SourceError as error:
            question.findings.fail(error.code, file.path, str(error))
            return None
        if rest or sha.hexdigest() != file.sha256:
            question.findings.fail("file-changed", file.path, "was changed while the bundle was verified")
            return None
    return found


def _check(question: Question, name: str, files: list[ListedFile], wanted: Counter[bytes]) -> None:
    where = layout.PARQUET if name == "parquet" else layout.BRAT
    with tempfile.TemporaryDirectory(prefix="deidrelease-verify-") as place:
        try:
            for file in files:
                _spool(question.source, file, Path(place))
            same = Counter(_notes(name, Path(place) / where)) == wanted
        except SourceError as error:
            question.findings.fail(error.code, where, str(error))
            return
        except DeidReleaseError as error:
            what = f"cannot be read: {error.problems[0].what if error.problems else error.summary}"
            question.findings.fail("copy-differs", where, what)
            return
    if not same:
        question.findings.fail("copy-differs", where, "these are not the notes of the JSON lines")


def _spool(source: Source, file: ListedFile, place: Path) -> None:
    target = place / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    sha = hashlib.sha256()
    with target.open("xb") as stream:
        for chunk in source.chunks(file.path):
            sha.update(chunk)
            stream.write(chunk)
    if sha.hexdigest() != file.sha256:
        raise SourceError("file-changed", "was changed while the bundle was verified")


def _notes(name: str, path: Path) -> Iterator[bytes]:
    from deidrelease.formats import PatientSource, ReadOptions, open_corpus

    for note in open_corpus(path, name, ReadOptions(PatientSource("recorded"))):
        yield _short(note_to_json(note).encode("utf-8"))


def _short(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=_DIGEST).digest()
