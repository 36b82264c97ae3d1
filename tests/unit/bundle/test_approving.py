"""A person signs for a bundle: after having looked at all of it, once, with a key of their own."""

import json
import shutil
from pathlib import Path

import pytest
from made.finished_runs import NOW, material_of, request_of, signer_of, trust_of, write_run

from deidrelease.bundle import layout
from deidrelease.bundle.approving import Approval, Candidate, approve, examine
from deidrelease.bundle.archive import write_archive
from deidrelease.bundle.making import Made, make
from deidrelease.bundle.verification import verify
from deidrelease.errors import BundleError
from deidrelease_audits.file_scan import Files

READ = frozenset({"report-read"})


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_run(folder / "run")
    request = request_of(folder, copies=frozenset({"parquet"}))
    made = make(material_of(folder / "run"), request, signer_of("release"), Files(), folder / "b")
    assert isinstance(made, Made)
    return made.folder


@pytest.fixture
def bundle(signed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(signed, tmp_path / "b"))


def files(bundle: Path) -> dict[str, bytes]:
    return {path.relative_to(bundle).as_posix(): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}


def sign(bundle: Path, key: str = "eva", **other: object) -> None:
    candidate = examine(bundle, None, NOW)
    approve(candidate, Approval(**{"name": "Eva", "states": READ, "comment": "", "now": NOW, **other}), signer_of(key))  # type: ignore[arg-type]


def refusal(bundle: Path, key: str = "eva", **other: object) -> str:
    with pytest.raises(BundleError) as caught:
        sign(bundle, key, **other)
    return str(caught.value)


def test_it_adds_one_line_and_changes_nothing_else(bundle: Path, tmp_path: Path) -> None:
    before = files(bundle)
    sign(bundle, comment="read twice")
    after = files(bundle)
    assert {path for path in after if after[path] != before.get(path)} == {layout.ATTESTATIONS}
    assert after[layout.ATTESTATIONS].startswith(before[layout.ATTESTATIONS])
    assert after[layout.ATTESTATIONS].count(b"\n") == 3
    assert [path.name for path in bundle.parent.iterdir()] == ["b"]
    assert verify(bundle, trust_of(request_of(tmp_path)), NOW, None).ok


def test_two_people_make_two_lines(bundle: Path) -> None:
    sign(bundle)
    sign(bundle, "olga", name="Olga")
    assert examine(bundle, None, NOW).approvers == ("Eva", "Olga")


@pytest.mark.parametrize(
    ("key", "other", "said"),
    [
        ("release", {}, "is the key that signed the release"),
        ("eva", {"states": frozenset()}, "report-read is asked for"),
        ("eva", {"states": READ | {"all-is-well"}}, "all-is-well is no statement of the policy"),
        ("eva", {"name": " "}, "is no name"),
        ("eva", {"name": "Eva\x1b[2J"}, "is no name"),
    ],
)
def test_what_is_no_approval(bundle: Path, key: str, other: dict[str, object], said: str) -> None:
    before = files(bundle)
    assert said in refusal(bundle, key, **other)
    assert files(bundle) == before


def test_one_key_approves_once_under_whatever_name(bundle: Path) -> None:
    sign(bundle)
    assert "one key is one approval" in refusal(bundle, name="Olga")


@pytest.mark.parametrize("path", [layout.CARD, layout.RESULT, layout.REPORT, "data/notes-00000.jsonl", layout.PARQUET])
def test_what_has_changed_is_not_approved(bundle: Path, path: str) -> None:
    with (bundle / path).open("r+b") as stream:
        stream.seek(100)
        byte = stream.read(1)
        stream.seek(100)
        stream.write(bytes([byte[0] ^ 1]))
    candidate = examine(bundle, None, NOW)
    assert {failure.code for failure in candidate.failures} >= {"file-digest"}
    assert "Nothing was approved" in refusal(bundle)


def test_a_file_beside_is_not_approved(bundle: Path) -> None:
    (bundle / "notes.txt").write_text("more")
    assert "file-added" in {failure.code for failure in examine(bundle, None, NOW).failures}


def test_statements_of_another_bundle_are_not_approved(bundle: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    other = request_of(tmp_path, release_id="7" * 32)
    make(material_of(tmp_path / "run"), other, signer_of("release"), Files(), tmp_path / "other")
    shutil.copy(tmp_path / "other" / layout.ATTESTATIONS, bundle)
    assert [failure.code for failure in examine(bundle, None, NOW).failures] == ["statement-differs"]


def test_with_a_trust_policy_a_stranger_is_found_before_anybody_signs(bundle: Path, tmp_path: Path) -> None:
    request = request_of(tmp_path)
    assert examine(bundle, trust_of(request), NOW).failures == ()
    wrong = examine(bundle, trust_of(request, release="mallory"), NOW)
    assert "signature-untrusted" in {failure.code for failure in wrong.failures}


def test_a_bundle_that_changed_while_somebody_read_it_is_not_approved(bundle: Path) -> None:
    candidate: Candidate = examine(bundle, None, NOW)
    sign(bundle, "olga", name="Olga")
    with pytest.raises(BundleError, match="changed since it was looked at"):
        approve(candidate, Approval("Eva", READ, "", NOW), signer_of("eva"))


def test_an_archive_is_not_approved(bundle: Path, tmp_path: Path) -> None:
    write_archive(bundle, tmp_path / "b.zip")
    with pytest.raises(BundleError, match="a ZIP is not approved"):
        examine(tmp_path / "b.zip", None, NOW)


def test_neither_nothing_nor_nonsense_is_approved(bundle: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BundleError, match=r"release\.json cannot be read"):
        examine(empty, None, NOW)
    (bundle / layout.ATTESTATIONS).write_bytes(json.dumps({}).encode() + b"\n")
    with pytest.raises(BundleError, match="no bundle that can be understood"):
        examine(bundle, None, NOW)
    (bundle / layout.ATTESTATIONS).unlink()
    with pytest.raises(BundleError, match="attestations"):
        examine(bundle, None, NOW)
