"""Throws broken input at whatever reads a bundle: each is taken, or refused in the reader's own way, and soon.

    PYTHONPATH=tests python -m fuzz.bundles --inputs 100000

Each input is well formed, mutated. What must hold: no exception but the reader's own, an end within ten seconds, no
envelope that counts with another payload than was signed, no ZIP that the standard library reads otherwise, and no
bundle that verifies unless it is, byte by byte, the one that was signed.
"""

import argparse
import hashlib
import io
import json
import random
import shutil
import signal
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz.readers import mutated
from made.bundles import NOW, Plan, make_bundle, trust_of, trusted
from made.release_pages import page_documents

from deidrelease.bundle.archive import write_archive
from deidrelease.bundle.documents import DocumentError
from deidrelease.bundle.findings import Findings
from deidrelease.bundle.layout import (
    ATTESTATIONS,
    CROISSANT,
    MANIFEST,
    RECEIPTS,
    RELEASE,
    REPORT,
    RESOLVED,
    RESULT,
    UTILITY,
    VERDICT,
    WAIVERS,
)  # fmt: skip
from deidrelease.bundle.manifest import read_manifest
from deidrelease.bundle.remembering import Memory, MemoryUnusableError
from deidrelease.bundle.sources import SourceError
from deidrelease.bundle.statements import read_statement
from deidrelease.bundle.verification import verify
from deidrelease.bundle.zips import open_zip
from deidrelease.errors import BundleError
from deidrelease.report.release_page import ReportError, render
from deidrelease.signing.envelopes import Envelope, EnvelopeError
from deidrelease.signing.strict_json import StrictJsonError, canonical, parse_strict
from deidrelease.signing.trust import load_trust, trust_document

SECONDS = 10
SLOW = {"bundle": 100, "zip-bundle": 100, "documents": 100}
"""Aims that get so many times fewer inputs: each of theirs is a whole verification."""


_WHOLE = b"nothing is damaged by this input, and by another one is chosen what is"
_DOCUMENTS = (RELEASE, RESULT, UTILITY, RESOLVED, WAIVERS, VERDICT, RECEIPTS, CROISSANT)


@dataclass(frozen=True)
class Aim:
    """A reader: well-formed inputs, and what reads one below a folder and says whether it was taken."""

    seeds: tuple[bytes, ...]
    read: Callable[[bytes, Path], bool]


def aims(place: Path) -> dict[str, Aim]:
    """Every aim by name; what they need lies below `place`."""
    bundle = make_bundle(place / "good")
    write_archive(bundle, place / "good.zip")
    manifest, packed = (bundle / MANIFEST).read_bytes(), (place / "good.zip").read_bytes()
    lines = tuple((bundle / ATTESTATIONS).read_bytes().splitlines())
    payloads = tuple(Envelope.parse(line).payload for line in lines)
    trust = trust_document(trust_of()).encode()
    seen = b'{"format":"deidrelease.verified/1","seen":[{"dataset":"a","key":"%s","manifest":"%s","sequence":1,"verified":"2026-11-22T12:00:00Z"}]}' % (b"0" * 64, b"1" * 64)  # noqa: E501  # fmt: skip
    return {
        "manifest": Aim((manifest, canonical({})), _manifest),
        "envelope": Aim(lines, _envelope(payloads)),
        "statement": Aim(payloads, _statement),
        "trust": Aim((trust,), _trust),
        "memory": Aim((seen, b'{"format":"deidrelease.verified/1","seen":[]}'), _memory),
        "zip": Aim((packed[-1200:], _small_zip(), packed), _zip),
        "bundle": Aim((b"\n".join(lines) + b"\n", manifest), _bundle(bundle)),
        "zip-bundle": Aim((packed,), _zip_bundle(packed)),
        "documents": Aim((_WHOLE,), _documents(make_bundle(place / "more", Plan(documents=_of_a_run())))),
    }


def _of_a_run() -> dict[str, bytes]:
    """What a bundle has that a run was made into."""
    return {path: canonical(page_documents()[path]) for path in (UTILITY, RECEIPTS)}


def _small_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("a", "b/c"):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), name.encode())
    return out.getvalue()


def _manifest(data: bytes, _: Path) -> bool:
    try:
        read_manifest(data)
    except (DocumentError, StrictJsonError):
        return False
    return True


def _envelope(payloads: tuple[bytes, ...]) -> Callable[[bytes, Path], bool]:
    def read(data: bytes, _: Path) -> bool:
        try:
            envelope = Envelope.parse(data)
        except (EnvelopeError, StrictJsonError):
            return False
        if envelope.signed_by([trusted("release", "release"), trusted("approver", "approval")]):
            assert envelope.payload in payloads, "a payload that nobody signed counts as signed"
        return True

    return read


def _statement(data: bytes, _: Path) -> bool:
    try:
        read_statement(data)
    except (DocumentError, StrictJsonError):
        return False
    return True


def _trust(data: bytes, place: Path) -> bool:
    (place / "trust.yaml").write_bytes(data)
    try:
        trust = load_trust(place / "trust.yaml")
    except BundleError:
        return False
    (place / "trust.yaml").write_text(trust_document(trust), encoding="utf-8")
    assert load_trust(place / "trust.yaml") == trust
    return True


def _memory(data: bytes, place: Path) -> bool:
    (place / "verified.json").write_bytes(data)
    try:
        with Memory(place).held():
            return True
    except MemoryUnusableError:
        return False


def _zip(data: bytes, place: Path) -> bool:
    (place / "b.zip").write_bytes(data)
    with open_zip(place / "b.zip", Findings()) as source:
        if source is None:
            return False
        try:
            read = {path: b"".join(map(bytes, source.chunks(path))) for path in source.entries}
        except SourceError:
            return False
    if not any("\0" in path for path in read):  # of which the standard library keeps what stands before
        with zipfile.ZipFile(place / "b.zip") as archive:
            assert read == {info.filename: archive.read(info) for info in archive.infolist()}
    return True


def _bundle(good: Path) -> Callable[[bytes, Path], bool]:
    kept = {path: path.read_bytes() for path in (good / MANIFEST, good / ATTESTATIONS)}

    def read(data: bytes, _: Path) -> bool:
        path = good / (MANIFEST if data[:2] == b'{"' and b'"files"' in data else ATTESTATIONS)
        try:
            path.write_bytes(data)
            found = verify(good, trust_of(), NOW, None)
        finally:
            path.write_bytes(kept[path])
        assert not found.ok or _signed(data) == _signed(kept[path])
        return found.ok

    return read


def _signed(data: bytes) -> list[bytes]:
    """A manifest, or statements in any order: people may approve in any."""
    return [data] if b'"files"' in data else sorted(data.splitlines())


def _documents(good: Path) -> Callable[[bytes, Path], bool]:
    """Damages one document below its syntax, and lets the manifest and the report agree with it."""
    before = {path: path.read_bytes() for path in good.rglob("*") if path.is_file()}

    def read(data: bytes, _: Path) -> bool:
        rng = random.Random(data)
        name = rng.choice(_DOCUMENTS)
        document = parse_strict(before[good / name], name)
        if data != _WHOLE:
            document = damaged(document, rng)
        try:
            (good / name).write_bytes(canonical(document))
            _agreeing(good, before[good / MANIFEST])
            found = verify(good, trust_of(), NOW, None)
        finally:
            for path, content in before.items():
                path.write_bytes(content)
        assert not found.ok or canonical(document) == before[good / name]
        return found.ok

    return read


def _agreeing(good: Path, manifest: bytes) -> None:
    """Draws the report anew where it can be, and lists the files as they are."""
    paths = [path for path in good.rglob("*") if path.is_file() and path.name not in (MANIFEST, ATTESTATIONS)]
    digests = {path.relative_to(good).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    del digests[REPORT]
    drawn = {name: parse_strict((good / name).read_bytes(), name) for name in _DOCUMENTS if name != CROISSANT}
    with suppress(ReportError):
        (good / REPORT).write_bytes(render(drawn, digests).encode("utf-8"))
    record = json.loads(manifest)
    for file in record["files"]:
        content = (good / file["path"]).read_bytes()
        file |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (good / MANIFEST).write_bytes(canonical(record))


_ODD = (
    None, True, 0, -1, 1, 2**53 - 1, 0.5, -0.5, 1e300, "", "x", "\u202e", "<b>", "0" * 64, "2026-02-30T10:00:00Z",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", [], {}, [[]], [{}], {"a": None}, {"": []}, "a" * 5000,
)  # fmt: skip


def damaged(value: Any, rng: random.Random) -> Any:
    """`value` with one thing in it that is of another kind, gone, doubled or in another order."""
    if isinstance(value, dict | list) and value and rng.random() < 0.85:
        inner = dict(value) if isinstance(value, dict) else list(value)
        at = rng.choice(list(inner)) if isinstance(inner, dict) else rng.randrange(len(inner))
        act = rng.random()
        if act < 0.7:
            inner[at] = damaged(inner[at], rng)
        elif act < 0.8:
            del inner[at]
        elif isinstance(inner, dict):
            inner[f"{at}x"] = inner[at]
        else:
            inner.insert(at, inner[rng.randrange(len(inner))])
        return inner
    return rng.choice(_ODD)


def _zip_bundle(good: bytes) -> Callable[[bytes, Path], bool]:
    def read(data: bytes, place: Path) -> bool:
        (place / "b.zip").write_bytes(data)
        found = verify(place / "b.zip", trust_of(), NOW, None)
        assert not found.ok or _members(data) == _members(good)
        return found.ok

    return read


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def fuzz(name: str, inputs: int, seed: int, place: Path) -> dict[str, int]:
    """Throws `inputs` mutations at one aim; returns how many were taken and how many refused."""
    aim, rng = aims(place / "made")[name], random.Random(seed)
    ends = {"taken": 0, "refused": 0}
    (place / "input").mkdir()
    for number in range(inputs):
        data = mutated(rng.choice(aim.seeds), rng.choice(aim.seeds), rng) if number else aim.seeds[0]
        signal.alarm(SECONDS)
        try:
            ends["taken" if aim.read(data, place / "input") else "refused"] += 1
        except BaseException:
            kept = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-")) / "input"
            kept.write_bytes(data)
            print(f"{name}: the input is kept in {kept}")
            raise
        finally:
            signal.alarm(0)
    return ends


NAMES = ("manifest", "envelope", "statement", "trust", "memory", "zip", "bundle", "zip-bundle", "documents")


def main() -> None:
    """Fuzzes one aim, or each in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--aim", action="append", choices=NAMES, help="every one by default")
    parser.add_argument("--inputs", type=int, default=100_000, help="an aim (100000); of whole bundles a hundredth")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    memory = Path("/dev/shm")
    for name in options.aim or NAMES:
        place = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        begin = time.perf_counter()
        ends = fuzz(name, options.inputs // SLOW.get(name, 1), options.seed, place)
        print(f"{name}: {sum(ends.values())} inputs in {time.perf_counter() - begin:.0f} s: {ends}", flush=True)
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
