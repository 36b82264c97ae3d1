"""Files of a bundle changed, taken away, added, or put in as something that is no plain file."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from made.bundles import NOW, SIGNABLE, Plan, broken, make_bundle, policy_of, trust_of, waiver
from made.release_pages import page_documents

from deidrelease.bundle.archive import write_archive
from deidrelease.bundle.layout import ATTESTATIONS, MANIFEST
from deidrelease.bundle.manifest import build
from deidrelease.bundle.verification import Verification, verify
from deidrelease.notes import Note, Span, digest_of
from deidrelease.signing.strict_json import canonical

FILES = (
    "data/notes-00000.jsonl", "data/notes-00001.jsonl", "data/notes.parquet", "data/brat/notes.jsonl",
    "data/brat/a0.txt", "data/brat/a0.ann", "data/brat/a1.txt", "data/brat/a1.ann", "data/brat/a2.txt",
    "data/brat/a2.ann", "audit/result.json", "audit/utility.json", "policy/policy.yaml", "policy/resolved.json",
    "policy/waivers.json", "gate/verdict.json", "report/report.html", "metadata/release.json",
    "metadata/receipts.json", "metadata/README.md", "metadata/croissant.json", "metadata/lock.txt",
    "licences/DATA.txt", "licences/CC-BY-4.0.txt", MANIFEST, ATTESTATIONS,
)  # fmt: skip
"""Every file that a bundle of three notes in two shards can have."""
_LAXER = SIGNABLE.replace("at_most: 0.6", "at_most: 0.61")
BOTH = trust_of(policies=frozenset({policy_of().sha256(), policy_of(_LAXER).sha256()}))


def _notes(city: str) -> tuple[Note, ...]:
    return tuple(Note(f"a{i}", f"{city}-{i}", f"{city}, Ana Gil, {i}.", (Span(0, 13, "NAME"),)) for i in range(3))


def _documents(of: str) -> dict[str, bytes]:
    pages = page_documents()
    pages["audit/utility.json"]["says"] = f"How well each tagger of {of} finds annotated PII."
    pages["metadata/receipts.json"]["generate"]["versions"] = {of: "1.0"}
    return {
        "audit/utility.json": canonical(pages["audit/utility.json"]),
        "metadata/receipts.json": canonical(pages["metadata/receipts.json"]),
        "metadata/README.md": f"# Notes of {of}\n".encode(),
        "metadata/lock.txt": f"{of}==1.0\n".encode(),
        "licences/DATA.txt": f"Made by {of}.\n".encode(),
        "licences/CC-BY-4.0.txt": f"CC-BY-4.0, {of}\n".encode(),
    }


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("good") / "bundle")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid bundle with every file that one can have."""
    notes = _notes("Lugo")
    plan = Plan(notes=notes, shard_notes=2, copies=("brat", "parquet"), documents=_documents("one hospital"))
    return make_bundle(tmp_path_factory.mktemp("full") / "bundle", plan)


@pytest.fixture(scope="module")
def full_other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another one, of the same publisher, of which every file has other bytes."""
    notes = _notes("Vigo")
    plan = Plan(
        notes=notes, shard_notes=2, copies=("brat", "parquet"), documents=_documents("another one"), policy=_LAXER,
        result=broken, waivers=waiver(data_digest=digest_of(notes)), release={"title": "Others"},
    )  # fmt: skip
    return make_bundle(tmp_path_factory.mktemp("other") / "bundle", plan)


@pytest.fixture
def copied(full: Path, tmp_path: Path) -> Path:
    shutil.copytree(full, tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another valid bundle of the same publisher, of other notes."""
    notes = tuple(Note(f"t{i}", f"t{i}", f"Otra nota {i}.") for i in range(12))
    plan = Plan(notes=notes, release={"title": "Others", "sequence": 2, "previous": "ab" * 32})
    return make_bundle(tmp_path_factory.mktemp("other") / "bundle", plan)


@pytest.fixture
def bundle(good: Path, tmp_path: Path) -> Path:
    shutil.copytree(good, tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture(params=["folder", "zip"])
def verified(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Path], Verification]:
    """Verifies a folder as it is, or packed as the sender would have packed it."""

    def run(folder: Path) -> Verification:
        if request.param == "folder":
            return verify(folder, trust_of(), NOW, None)
        write_archive(folder, tmp_path / "bundle.zip")
        return verify(tmp_path / "bundle.zip", trust_of(), NOW, None)

    return run


def codes(found: Verification) -> set[str]:
    assert not found.ok
    return {failure.code for failure in found.failures}


def test_the_untouched_bundles_verify(good: Path, other: Path, verified: Callable[[Path], Verification]) -> None:
    found = verified(good)
    assert found.ok, found.failures
    assert verify(other, trust_of(), NOW, None).ok


def test_both_full_bundles_verify_and_differ_in_every_file(full: Path, full_other: Path) -> None:
    for bundle in (full, full_other):
        assert verify(bundle, BOTH, NOW, None).ok
        assert sorted(p.relative_to(bundle).as_posix() for p in bundle.rglob("*") if p.is_file()) == sorted(FILES)
    assert [path for path in FILES if (full / path).read_bytes() == (full_other / path).read_bytes()] == []


@pytest.mark.parametrize("path", FILES)
def test_one_bit_of_a_file(copied: Path, path: str, verified: Callable[[Path], Verification]) -> None:
    data = bytearray((copied / path).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / path).write_bytes(data)
    expected = {
        MANIFEST: {"manifest", "statement-subject", "file-digest", "file-missing"},
        ATTESTATIONS: {"envelope", "signature-untrusted"},
    }
    assert codes(verified(copied)) & expected.get(path, {"file-digest"})


@pytest.mark.parametrize("path", FILES)
def test_a_file_taken_away(copied: Path, path: str, verified: Callable[[Path], Verification]) -> None:
    (copied / path).unlink()
    if not any((copied / path).parent.iterdir()):
        (copied / path).parent.rmdir()
    expected = {MANIFEST: "manifest", ATTESTATIONS: "unsigned"}
    assert expected.get(path, "file-missing") in codes(verified(copied))


@pytest.mark.parametrize("path", FILES)
def test_a_file_of_another_valid_bundle(
    copied: Path, full_other: Path, path: str, verified: Callable[[Path], Verification]
) -> None:
    (copied / path).write_bytes((full_other / path).read_bytes())
    expected = {MANIFEST: {"statement-subject"}, ATTESTATIONS: {"statement-subject"}}
    assert codes(verified(copied)) & expected.get(path, {"file-digest", "file-size"})


@pytest.mark.parametrize("path", [path for path in FILES if path not in (MANIFEST, ATTESTATIONS)])
def test_a_file_of_another_valid_bundle_and_a_manifest_to_match(
    copied: Path, full_other: Path, path: str, verified: Callable[[Path], Verification]
) -> None:
    (copied / path).write_bytes((full_other / path).read_bytes())
    (copied / MANIFEST).write_bytes(build(copied))
    found = codes(verified(copied))
    assert "statement-subject" in found
    assert not found & {"file-digest", "file-size"}


def test_a_byte_more(bundle: Path, verified: Callable[[Path], Verification]) -> None:
    with (bundle / "data/notes-00000.jsonl").open("ab") as stream:
        stream.write(b"\n")
    assert {"file-size", "not-checked"} <= codes(verified(bundle))


@pytest.mark.parametrize(
    "path", ["data/more.jsonl", "note.txt", ".hidden", "metadata/.DS_Store", "data/notes-00003.jsonl"]
)
def test_a_file_added(bundle: Path, path: str, verified: Callable[[Path], Verification]) -> None:
    (bundle / path).write_bytes(b"x")
    found = verified(bundle)
    assert "file-added" in codes(found)
    assert ("path-forbidden" in codes(found)) == ("/." in f"/{path}")


def test_a_file_renamed(bundle: Path, verified: Callable[[Path], Verification]) -> None:
    (bundle / "metadata/README.md").rename(bundle / "metadata/readme.md")
    assert {"file-added", "file-missing"} <= codes(verified(bundle))


def test_two_shards_that_changed_places(bundle: Path, verified: Callable[[Path], Verification]) -> None:
    one, two = bundle / "data/notes-00000.jsonl", bundle / "data/notes-00001.jsonl"
    one.rename(bundle / "data/x")
    two.rename(one)
    (bundle / "data/x").rename(two)
    assert {"file-digest"} <= codes(verified(bundle)) | {"file-size"}


@pytest.mark.parametrize(
    "name",
    [
        "é", "a\\b.txt", "C:x.txt", "e\u0301.txt", "\u212aelvin.txt", "CON", "nul.txt", "end.", "end ", "new\nline",
        "\u202etxt",
    ],
    ids=lambda name: name.encode("ascii", "backslashreplace").decode(),
)  # fmt: skip
def test_a_name_that_means_different_things_to_different_systems(
    bundle: Path, name: str, verified: Callable[[Path], Verification]
) -> None:
    (bundle / "data" / name).write_bytes(b"x")
    found = verified(bundle)
    assert {"path-forbidden", "file-added"} <= codes(found)
    assert all(failure.where.isprintable() for failure in found.failures)


def test_a_name_that_is_no_text(bundle: Path) -> None:
    (bundle / "data" / os.fsdecode(b"\xff.txt")).write_bytes(b"x")
    assert "path-forbidden" in codes(verify(bundle, trust_of(), NOW, None))


@pytest.mark.parametrize("name", ["NOTES-00000.jsonl", "\u212a.jsonl", "\uff41.jsonl"], ids=["case", "Kelvin", "wide"])
def test_names_that_fold_into_one(bundle: Path, name: str, verified: Callable[[Path], Verification]) -> None:
    (bundle / "data" / name).write_bytes(b"x")
    (bundle / "data" / {"\u212a.jsonl": "k.jsonl", "\uff41.jsonl": "a.jsonl"}.get(name, "x.jsonl")).write_bytes(b"x")
    assert "path-collision" in codes(verified(bundle))


def test_folders_that_fold_into_one(bundle: Path, verified: Callable[[Path], Verification]) -> None:
    (bundle / "DATA").mkdir()
    (bundle / "DATA/x.txt").write_bytes(b"x")
    assert "path-collision" in codes(verified(bundle))


def test_an_empty_folder(bundle: Path) -> None:
    (bundle / "model").mkdir()
    assert codes(verify(bundle, trust_of(), NOW, None)) == {"empty-folder"}


def test_folders_in_folders_without_end(bundle: Path) -> None:
    (bundle / "/".join("d" * 40)).mkdir(parents=True)
    assert "path-forbidden" in codes(verify(bundle, trust_of(), NOW, None))


def _as_link(path: Path) -> None:
    target = path.with_name("target")
    path.rename(target)
    path.symlink_to(target.name)


def _as_link_outside(path: Path) -> None:
    outside = path.parents[2] / "outside"
    path.rename(outside)
    path.symlink_to(outside)


def _as_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _as_socket(path: Path) -> None:
    path.unlink()
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name may have a hundred characters
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_as_link, "file-type"),
        (_as_link_outside, "file-type"),
        (_as_fifo, "file-type"),
        (_as_socket, "file-type"),
        (_as_folder, "empty-folder"),
    ],
)
@pytest.mark.parametrize("path", ["metadata/README.md", MANIFEST, ATTESTATIONS, "data/notes-00000.jsonl"])
def test_something_that_is_no_plain_file(bundle: Path, path: str, change: Callable[[Path], None], code: str) -> None:
    change(bundle / path)
    found = codes(verify(bundle, trust_of(), NOW, None))
    assert code in found
    assert found & {"file-missing", "manifest", "unsigned"}


def test_a_device(bundle: Path) -> None:
    (bundle / "metadata/README.md").unlink()
    try:
        os.mknod(bundle / "metadata/README.md", 0o20666, os.makedev(1, 5))  # /dev/zero has no end
    except PermissionError:
        pytest.skip("making a device takes rights that this user lacks")
    assert "file-type" in codes(verify(bundle, trust_of(), NOW, None))


def test_a_second_name_of_a_file(bundle: Path, tmp_path: Path) -> None:
    os.link(bundle / "data/notes-00000.jsonl", tmp_path / "mine")
    assert codes(verify(bundle, trust_of(), NOW, None)) == {"hard-link"}


def test_a_folder_that_is_a_link(bundle: Path, tmp_path: Path) -> None:
    (bundle / "policy").rename(tmp_path / "policy")
    (bundle / "policy").symlink_to(tmp_path / "policy")
    assert {"file-type", "file-missing"} <= codes(verify(bundle, trust_of(), NOW, None))


def test_a_file_that_nobody_may_read(bundle: Path) -> None:
    (bundle / "metadata/README.md").chmod(0)
    found = verify(bundle, trust_of(), NOW, None)
    assert found.ok if os.geteuid() == 0 else codes(found) == {"file-changed"}


@pytest.mark.parametrize("what", ["missing", "an empty folder", "a FIFO", "an empty file", "/dev/zero"])
def test_what_is_no_bundle(tmp_path: Path, what: str) -> None:
    path = tmp_path / "it"
    if what == "an empty folder":
        path.mkdir()
    elif what == "a FIFO":
        os.mkfifo(path)
    elif what == "an empty file":
        path.touch()
    elif what.startswith("/"):
        path = Path(what)
    found = verify(path, trust_of(), NOW, None)
    assert codes(found) & {"unreadable", "archive-damaged", "manifest"}
    assert "not-checked" in codes(found)
    assert not any(found.checks[name] for name in ("files", "statements", "data", "policy", "report"))


def test_every_failure_is_told_in_one_run(bundle: Path, verified: Callable[[Path], Verification]) -> None:
    (bundle / "metadata/README.md").write_bytes(b"other")
    (bundle / "note.txt").write_bytes(b"x")
    (bundle / "data/notes-00001.jsonl").unlink()
    (bundle / "gate/verdict.json").write_bytes(b"{}")
    found = verified(bundle)
    assert {"file-added", "file-missing", "file-size", "not-checked"} <= codes(found)
    assert {"data", "report/report.html", "gate/verdict.json"} <= {f.where for f in found.failures}
    assert all(failure.remedy and failure.what for failure in found.failures)


def test_many_failures_are_counted_not_listed(bundle: Path) -> None:
    for number in range(200):
        (bundle / f"data/{number}.txt").write_bytes(b"x")
    found = verify(bundle, trust_of(), NOW, None)
    assert "and 150 more of this kind" in {failure.what for failure in found.failures}
