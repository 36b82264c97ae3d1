"""Bundles of the first format: every later version verifies them, folder and ZIP, and refuses them when changed."""

import shutil
from pathlib import Path

import pytest
from made.bundles import NOW

from deidrelease.bundle.archive import write_archive
from deidrelease.bundle.verification import verify
from deidrelease.signing.trust import TrustPolicy, load_trust

GOLDEN = Path(__file__).parents[2] / "golden"
BUNDLES = ("bundle-1", "bundle-1-waived")


@pytest.fixture
def trust() -> TrustPolicy:
    return load_trust(GOLDEN / "bundle-1-trust.yaml")


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_of_the_first_format_still_verifies(name: str, trust: TrustPolicy, tmp_path: Path) -> None:
    found = verify(GOLDEN / name, trust, NOW, None)
    assert found.ok, found.failures
    assert found.facts["outcome"] == ("pass-with-waivers" if "waived" in name else "pass")
    write_archive(GOLDEN / name, tmp_path / "b.zip")
    assert verify(tmp_path / "b.zip", trust, NOW, None).ok


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_of_the_first_format_is_still_refused_when_changed(
    name: str, trust: TrustPolicy, tmp_path: Path
) -> None:
    shutil.copytree(GOLDEN / name, tmp_path / "b")
    path = tmp_path / "b/data/notes-00002.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Ana", b"Eva", 1))
    codes = {failure.code for failure in verify(tmp_path / "b", trust, NOW, None).failures}
    assert {"file-digest", "not-checked"} <= codes
