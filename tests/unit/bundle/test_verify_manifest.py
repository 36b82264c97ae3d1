import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from made.bundles import make_bundle

from deidrelease.bundle.documents import DocumentError
from deidrelease.bundle.layout import MANIFEST, RELEASE
from deidrelease.bundle.manifest import build, manifest_digest, read_manifest
from deidrelease.bundle.moments import parse_moment, write_moment
from deidrelease.bundle.names import collisions, path_defect, shown
from deidrelease.errors import BundleError
from deidrelease.signing.strict_json import canonical


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "b")


def test_a_manifest_is_read_back_and_built_again_the_same(folder: Path) -> None:
    data = (folder / MANIFEST).read_bytes()
    manifest = read_manifest(data)
    assert build(folder) == data == canonical(manifest.model_dump(mode="json"))
    assert len(manifest_digest(data)) == 64
    assert {file.path for file in manifest.files} | {MANIFEST, "attestations.intoto.jsonl"} == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }
    assert [file.path for file in manifest.with_role("data")] == [f"data/notes-0000{i}.jsonl" for i in range(3)]


def _link(folder: Path) -> None:
    (folder / "licences/link").symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    "add",
    [
        lambda folder: (folder / "audit/findings.private.jsonl").touch(),
        lambda folder: (folder / "site.key").touch(),
        lambda folder: (folder / "licences/NUL.txt").touch(),
        lambda folder: ((folder / "licences/a").touch(), (folder / "licences/A").touch()),
        lambda folder: (folder / RELEASE).unlink(),
        lambda folder: (folder / RELEASE).write_bytes(b"{}"),
        _link,
    ],
)
def test_what_verifying_would_refuse_gets_no_manifest(folder: Path, add: Callable[[Path], object]) -> None:
    add(folder)
    with pytest.raises(BundleError, match="There is no manifest"):
        build(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["files"].reverse(),
        lambda m: m["files"].append(m["files"][0]),
        lambda m: m["files"][0].update(sha256="A" * 64),
        lambda m: m["files"][0].update(size=1.5),
        lambda m: m.update(sequence=0),
        lambda m: m.update(created="2026-11-21"),
        lambda m: m.update(secret="x" * 50),
    ],
)
def test_a_manifest_of_another_form_is_refused_without_quoting_it(
    folder: Path, change: Callable[[dict[str, object]], object]
) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    change(manifest)
    with pytest.raises(DocumentError) as caught:
        read_manifest(canonical(manifest))
    assert "xxxx" not in str(caught.value)


@pytest.mark.parametrize("path", ["a", "data/notes-00000.jsonl", "data/brat/a b (1).txt", "licences/CC-BY-4.0.txt"])
def test_plain_paths_have_no_defect(path: str) -> None:
    assert path_defect(path) == ""


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/.", "C:", "c:/a", "a\\b", "a\0", "a\n", "a ", " a",
        "a.", ".a", "a/.b", "con", "CON.txt", "a/aux.x/b", "com1", "LPT9.log", "a:b", "a*", "a?", "é", "e\u0301",
        "\u212a", "\u202ea", "\ud800", "a" * 301, "a" * 201, "~" * 250, "a|b", 'a"b', "<a>",
    ],
)  # fmt: skip
def test_other_paths_have_one(path: str) -> None:
    assert path_defect(path)
    assert shown(path).isprintable()


def test_paths_and_folders_that_fold_into_one_are_found() -> None:
    assert collisions(["a/b", "a/c", "b"]) == []
    assert collisions(["a/b", "A/c"]) == [("A", "a")]
    assert collisions(["a/b", "a/B"]) == [("a/B", "a/b")]
    assert collisions(["stra\u00dfe", "strasse"]) == [("strasse", "stra\u00dfe")]
    assert collisions(["\ufb01", "fi", "\u212a", "k"]) == [("fi", "\ufb01"), ("k", "\u212a")]


@pytest.mark.parametrize("text", ["2026-11-21T10:00:00Z", "2024-02-29T23:59:59Z"])
def test_a_moment_is_written_as_it_was_read(text: str) -> None:
    assert write_moment(parse_moment(text)) == text


@pytest.mark.parametrize(
    "text",
    ["2026-11-21", "2026-11-21T10:00:00", "2026-11-21T10:00:00+00:00", "2026-11-21t10:00:00z", "2026-02-30T10:00:00Z",
     "2026-11-21T10:00:00.5Z", "2026-11-21T24:00:00Z", "\u0662026-11-21T10:00:00Z",
     "2026-11-21T10:00:00Z\n", "0000-01-01T00:00:00Z"],
)  # fmt: skip
def test_other_forms_of_a_moment_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_moment(text)


def test_a_folder_without_its_documents_has_no_manifest(folder: Path) -> None:
    shutil.rmtree(folder / "metadata")
    with pytest.raises(BundleError):
        build(folder)
