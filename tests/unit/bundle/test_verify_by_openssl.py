"""The page for whoever does not trust our tool: its commands run as they stand there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from made.bundles import make_bundle, signer

from deidrelease.signing.key_files import public_key_of
from deidrelease.signing.trust import load_trust

PAGE = Path(__file__).parents[3] / "docs/how-to/verify.md"


def _openssl_is_new_enough() -> bool:
    if shutil.which("openssl") is None:
        return False
    said = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"OpenSSL (\d+)", said)
    return found is not None and int(found[1]) >= 3


needs_openssl = pytest.mark.skipif(not _openssl_is_new_enough(), reason="openssl 3 or newer is not installed")


def _blocks() -> list[str]:
    section = PAGE.read_text(encoding="utf-8").split("## With openssl alone")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def _run(place: Path, blocks: list[str]) -> "subprocess.CompletedProcess[str]":
    script = "set -eu\n" + "\n".join(blocks)
    return subprocess.run(["sh", "-c", script], cwd=place, capture_output=True, text=True, check=False)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    make_bundle(tmp_path / "release")
    (tmp_path / "publisher.pem").write_text(public_key_of(signer("release")).pem)
    return tmp_path


@needs_openssl
def test_the_commands_accept_the_good_one(place: Path) -> None:
    assert len(_blocks()) == 4
    done = _run(place, _blocks())
    assert done.returncode == 0, done.stderr
    assert "Signature Verified Successfully" in done.stdout


@needs_openssl
@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("release/attestations.intoto.jsonl", b'"sig":"', b'"sig":"AA'),
        ("release/manifest.json", b'"size":', b'"size": '),
        ("release/data/notes-00001.jsonl", b"Ana", b"Eva"),
        ("release/metadata/README.md", b"Small", b"Large"),
    ],
)
def test_the_commands_refuse_what_was_changed(place: Path, path: str, old: bytes, new: bytes) -> None:
    data = (place / path).read_bytes()
    (place / path).write_bytes(data.replace(old, new, 1))
    assert (place / path).read_bytes() != data
    assert _run(place, _blocks()).returncode != 0


@needs_openssl
def test_the_commands_refuse_another_key_and_a_file_more(place: Path) -> None:
    (place / "release/data/more.txt").write_text("x")
    assert _run(place, _blocks()).returncode != 0
    (place / "release/data/more.txt").unlink()
    (place / "publisher.pem").write_text(public_key_of(signer("stranger")).pem)
    done = _run(place, _blocks())
    assert done.returncode != 0
    assert "Verified Successfully" not in done.stdout


def test_the_trust_policy_of_the_page_can_be_read(tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    (tmp_path / "trust.yaml").write_text(example, encoding="utf-8")
    trust = load_trust(tmp_path / "trust.yaml")
    assert [key.name for key in trust.keys_with("approval")] == ["M. Vidal, data protection officer"]
