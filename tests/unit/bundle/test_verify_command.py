import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from made.bundles import Plan, later, make_bundle, trust_of

from deidrelease.bundle.archive import write_archive
from deidrelease.bundle.findings import REMEDIES
from deidrelease.bundle.moments import write_moment
from deidrelease.cli.main import cli
from deidrelease.cli.verify_display import plain
from deidrelease.signing.key_files import read_public_key
from deidrelease.signing.trust import load_trust, trust_document

HEAVY = ("torch", "numpy", "transformers", "datasets", "matplotlib", "scipy", "pandas", "pyarrow", "huggingface_hub")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of an hour ago in `b` and `b.zip`, and `trust.yaml`."""
    place = tmp_path_factory.mktemp("place")
    made = later(write_moment(datetime.now(UTC)), hours=-1)
    make_bundle(place / "b", Plan(release={"created": made, "valid_until": later(made, days=90)}, approved_at=made))
    write_archive(place / "b", place / "b.zip")
    (place / "trust.yaml").write_text(trust_document(trust_of()))
    return place


def _run(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(cli, [*map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.mark.parametrize("name", ["b", "b.zip"])
def test_a_good_bundle_is_verified_and_remembered(place: Path, tmp_path: Path, name: str) -> None:
    for _ in range(2):
        code, said = _run("verify", place / name, "--trust", place / "trust.yaml", "--state", tmp_path)
        assert code == 0
    assert said.startswith("VERIFIED")
    assert "signed by The release key" in said
    assert "approved by The approver key" in said
    assert "This does not mean" in said
    assert "FAIL" not in said
    assert (tmp_path / "verified.json").is_file()


def test_without_state_and_without_a_recipient_the_output_says_so(place: Path, tmp_path: Path) -> None:
    (tmp_path / "trust.yaml").write_text(trust_document(trust_of(recipient=None)))
    code, said = _run("verify", place / "b", "--trust", tmp_path / "trust.yaml", "--stateless")
    assert code == 0
    assert "not asked for: recipient" in said
    assert "not asked for: history" in said


def test_machines_get_the_same(place: Path) -> None:
    code, said = _run("verify", place / "b", "--trust", place / "trust.yaml", "--stateless", "--json")
    told = json.loads(said)
    assert (code, told["verified"], told["failures"]) == (0, True, [])
    assert all(told["checks"].values())
    assert told["facts"]["notes"] == 12
    assert told["does_not_mean"]


def test_failures_come_with_a_remedy_and_exit_code_4(place: Path, tmp_path: Path) -> None:
    (tmp_path / "trust.yaml").write_text(trust_document(trust_of(recipient="Somebody else", max_age_days=1)))
    code, said = _run("verify", place / "b", "--trust", tmp_path / "trust.yaml", "--stateless")
    assert code == 4
    assert said.startswith("NOT VERIFIED")
    assert REMEDIES["recipient"] in said
    code, said = _run("verify", place / "b", "--trust", tmp_path / "trust.yaml", "--stateless", "--json")
    assert code == 4
    assert [failure["code"] for failure in json.loads(said)["failures"]] == ["recipient"]


@pytest.mark.parametrize("name", ["missing", "trust.yaml"])
def test_what_is_no_bundle_is_not_verified(place: Path, name: str) -> None:
    code, said = _run("verify", place / name, "--trust", place / "trust.yaml", "--stateless")
    assert code == 4
    assert "not-checked" in said


def test_a_trust_policy_that_cannot_be_used_is_exit_code_3(place: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "deidrelease.cli.main",
        "verify",
        str(place / "b"),
        "--trust",
        str(tmp_path / "none"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "none" in done.stderr
    assert not done.stdout


def test_usage_is_exit_code_2(place: Path, tmp_path: Path) -> None:
    assert _run("verify", place / "b")[0] == 2
    trust = ("--trust", place / "trust.yaml")
    assert _run("verify", place / "b", *trust, "--stateless", "--state", tmp_path)[0] == 2


def test_nothing_of_a_bundle_reaches_the_terminal_unescaped(place: Path, tmp_path: Path) -> None:
    assert plain("Good\x1b[2J\u202e\n é") == "Good\\u001b[2J\\u202e\\u000a é"
    shutil.copytree(place / "b", tmp_path / "b")
    (tmp_path / "b/data/\x1b[2J\u202e").touch()
    for more in ((), ("--json",)):
        code, said = _run("verify", tmp_path / "b", "--trust", place / "trust.yaml", "--stateless", *more)
        assert code == 4
        assert "\x1b" not in said
        assert "\u202e" not in said


@pytest.mark.parametrize("name", ["b", "b.zip"])
def test_verifying_loads_nothing_heavy(place: Path, name: str) -> None:
    script = (
        "import sys; from deidrelease.cli.main import cli\n"
        f"code = cli(['verify', {str(place / name)!r}, '--trust', {str(place / 'trust.yaml')!r}, '--stateless'], "
        "standalone_mode=False)\n"
        f"assert not code, code\nloaded = [m for m in {HEAVY!r} if m in sys.modules]\nassert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _cpu_seconds(script: str) -> float:
    """Of a process of its own; unlike time on the clock it is not longer where others work too."""
    before = os.times()
    subprocess.run([sys.executable, "-c", script], check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_verifying_starts_in_half_a_second() -> None:
    script = "import deidrelease.cli.main, deidrelease.cli.verify, deidrelease.bundle.verification"
    # The shortest of some: processors that two programs share are slower than they are.
    assert min(_cpu_seconds(script) for _ in range(5)) < 0.5


def test_a_new_key_prints_an_entry_that_a_trust_policy_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEIDRELEASE_KEY_PASSPHRASE", "a b")
    code, said = _run("key", "new", tmp_path / "k", "--name", "Region X: pipeline", "--role", "release")
    assert code == 0
    trust = trust_document(trust_of()).partition("keys:\n")[2].partition("policies:")
    entry = said[said.index("  - name:") :]
    text = "format: deidrelease.trust/1\nkeys:\n" + entry + trust[0] + "policies:" + trust[2]
    (tmp_path / "trust.yaml").write_text(text)
    assert load_trust(tmp_path / "trust.yaml").keys[0].name == "Region X: pipeline"
    fingerprint = read_public_key(tmp_path / "k/public.pem").fingerprint
    assert fingerprint in said
    assert fingerprint in _run("key", "show", tmp_path / "k/public.pem")[1]
    assert b"ENCRYPTED" in (tmp_path / "k/private.pem").read_bytes()


def test_a_passphrase_is_asked_for_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEIDRELEASE_KEY_PASSPHRASE", raising=False)
    done = CliRunner().invoke(cli, ["key", "new", str(tmp_path / "k"), "--name", "me"], input="one\none\n")
    assert done.exit_code == 0
    assert "one" not in done.output.replace("no one", "")
    assert os.listdir(tmp_path / "k")  # noqa: PTH208


def test_no_passphrase_has_to_be_said(tmp_path: Path) -> None:
    assert _run("key", "new", tmp_path / "k", "--name", "me", "--no-passphrase")[0] == 0
    assert b"ENCRYPTED" not in (tmp_path / "k/private.pem").read_bytes()
