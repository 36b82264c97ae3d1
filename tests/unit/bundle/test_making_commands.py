"""`deidrelease bundle`, `approve` and `verify --rerun` as a user meets them."""

import datetime
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made.finished_runs import KEY, POLICY, clean_result, private_notes, synthetic_notes
from made.scans import register_scan

from deidrelease.auditing.writing import write_result
from deidrelease.bundle.archive import write_archive
from deidrelease.cli.main import cli
from deidrelease.contracts import installed_file_scan
from deidrelease.errors import AuditError, DeidReleaseError
from deidrelease.formats import jsonl
from deidrelease.signing.key_files import make_key_pair, read_public_key
from deidrelease_audits.file_scan import Files

ABOUT = """\
release:
  dataset: ward-notes
  title: Notes of no ward
  description: Invented.
  recipient: Researchers
  publisher: A hospital
  contact: releases@hospital.example
  licence: CC-BY-4.0
  languages: [es]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands at the hospital: private notes, an audit, a policy, keys."""
    folder = tmp_path_factory.mktemp("site")
    for arm in ("train", "holdout"):
        jsonl.write(private_notes()[arm], folder / f"{arm}.jsonl")
    jsonl.write(synthetic_notes(), folder / "synthetic.jsonl")
    (folder / "audit").mkdir()
    write_result(clean_result(), folder / "audit", KEY)
    (folder / "audit" / "site.key").write_bytes(KEY.secret)
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "about.yaml").write_text(ABOUT)
    for name in ("release", "eva"):
        make_key_pair(folder / name, name, None)
    return folder


@pytest.fixture(autouse=True)
def _registered(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        installed_file_scan()
    except AuditError:
        monkeypatch.syspath_prepend(str(register_scan(tmp_path_factory.mktemp("scan"))))


def arguments(site: Path, out: Path) -> list[str]:
    told = {
        "notes": "synthetic.jsonl", "result": "audit/result.json", "private": "train.jsonl", "holdout": "holdout.jsonl",
        "policy": "policy.yaml", "about": "about.yaml", "key": "release/private.pem",
    }  # fmt: skip
    files = [part for name, file in told.items() for part in (f"--{name}", str(site / file))]
    return ["bundle", *files, "--labels", "demo", "--synthetic-patients", "recorded", "--out", str(out)]


def run(*told: object) -> Result:
    result = CliRunner().invoke(cli, [str(each) for each in told])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def failure(*told: object) -> str:
    result = CliRunner().invoke(cli, [str(each) for each in told])
    assert isinstance(result.exception, DeidReleaseError), (result.output, result.exception)
    assert result.exception.exit_code == 3
    return str(result.exception)


@pytest.fixture(scope="module")
def bundle(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(register_scan(folder / "scan")))
        done = run(*arguments(site, folder / "b"))
    assert done.exit_code == 0, done.output
    assert "small 1.0.0: PASS" in done.output
    assert "none is there" in done.output
    assert "deidrelease approve" in done.output
    return folder / "b"


def trust(site: Path, folder: Path) -> Path:
    from deidrelease.policy import load_policy
    from deidrelease.signing.trust import Role, TrustedKey, TrustPolicy, trust_document

    today = datetime.datetime.now(datetime.UTC).date()
    until = today + datetime.timedelta(days=900)
    roles: tuple[tuple[str, Role], ...] = (("release", "release"), ("eva", "approval"))
    keys = tuple(
        TrustedKey(name, frozenset({role}), read_public_key(site / name / "public.pem"), today, until)
        for name, role in roles
    )
    policies = frozenset({load_policy(site / "policy.yaml").sha256()})
    path = folder / "trust.yaml"
    path.write_text(trust_document(TrustPolicy(keys, policies, 1, frozenset({"release-audit"}), 400, None)))
    return path


def test_made_approved_packed_and_verified(site: Path, bundle: Path, tmp_path: Path) -> None:
    folder, archive = tmp_path / "b", tmp_path / "b.zip"
    shutil.copytree(bundle, folder)
    told = "approve", folder, "--key", site / "eva" / "private.pem", "--name", "Eva", "--state", "report-read"
    asked = CliRunner().invoke(cli, [str(each) for each in told], input="n\n")
    assert asked.exit_code == 4
    assert "I have read the report." in asked.output
    assert "nobody yet" in asked.output
    trusted = trust(site, tmp_path)
    write_archive(folder, archive)
    other = tmp_path / "other.zip"
    other.write_bytes(b"PK, but of something else")
    assert "is there already" in failure(*told, "--yes", "--zip", other)
    assert other.read_bytes() == b"PK, but of something else"
    assert "nobody yet" in CliRunner().invoke(cli, [str(each) for each in told], input="n\n").output, (
        "a packing that cannot be done is told before the approval"
    )
    done = run(*told, "--yes", "--trust", trusted, "--zip", archive)
    assert done.exit_code == 0, done.output
    assert "1 of 1 approval(s)" in done.output
    for path in (folder, archive):
        checked = run("verify", path, "--trust", trusted, "--stateless")
        assert checked.exit_code == 0, checked.output
    again = "verify", folder, "--trust", trusted, "--stateless", "--rerun", "--private", site / "train.jsonl"
    both = (*again, "--holdout", site / "holdout.jsonl", "--labels", "demo")
    repeated = run(*both, "--site-key", site / "audit" / "site.key")
    assert repeated.exit_code == 0, repeated.output
    assert "the corpus that was audited" in repeated.output
    assert "DIFFERS" not in repeated.output
    unkeyed = run(*both)
    assert "nobody can tell" in unkeyed.output
    assert "--holdout" in failure(*again, "--labels", "demo")


def test_what_has_changed_is_shown_and_not_approved(site: Path, bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    shutil.copytree(bundle, folder)
    with (folder / "report" / "report.html").open("a") as stream:
        stream.write(" ")
    told = "approve", folder, "--key", site / "eva" / "private.pem", "--name", "Eva", "--state", "report-read", "--yes"
    done = run(*told)
    assert done.exit_code == 4
    assert "FAILED report/report.html" in done.output
    assert "Nothing was approved." in done.output


def test_something_private_is_told_by_its_file(site: Path, tmp_path: Path) -> None:
    name = next(n.value(s) for n in private_notes()["train"] for s in n.spans if s.label == "PATIENT_NAME")
    done = run(*arguments(site, tmp_path / "b"), "--title", f"Notes of {name}")
    assert done.exit_code == 4
    assert "BLOCKS metadata/release.json" in done.output
    assert name not in done.output
    assert list(tmp_path.iterdir()) == []


def test_what_the_policy_blocks_is_exit_code_4_and_a_draft_can_be_made(site: Path, tmp_path: Path) -> None:
    strict = tmp_path / "strict.yaml"
    strict.write_text(POLICY.replace("at_most: 400\n    severity: warn", "at_most: 1"))
    told = arguments(site, tmp_path / "b")
    told[told.index("--policy") + 1] = str(strict)
    done = run(*told)
    assert done.exit_code == 4
    assert "BLOCKS short-spans" in done.output.replace(":", "")
    assert not (tmp_path / "b").exists()
    key = told.index("--key")
    drafted = run(*told[:key], *told[key + 2 :], "--draft")
    assert drafted.exit_code == 0
    assert "DRAFT: not signed" in drafted.output
    checked = run("verify", tmp_path / "b", "--trust", trust(site, tmp_path), "--stateless")
    assert checked.exit_code == 4
    assert "draft" in checked.output


def test_all_that_a_recipient_has_to_know_is_asked_for_at_once(site: Path, tmp_path: Path) -> None:
    told = arguments(site, tmp_path / "b")
    about = told.index("--about")
    said = failure(*told[:about], *told[about + 2 :])
    assert said.count("is not said") == 8


def test_without_the_scan_nothing_is_made(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: ())
    assert "no scan of files is registered" in failure(*arguments(site, tmp_path / "b"))


def test_without_the_sites_key_nothing_is_made(site: Path, tmp_path: Path) -> None:
    told = arguments(site, tmp_path / "b")
    assert "--site-key" in failure(*told, "--site-key", tmp_path / "none")


@pytest.mark.parametrize(
    "more",
    [
        ["--draft"],
        ["--waivers", "w.json"],
        ["--data", "jsonl,csv"],
        ["runs/mine"],
    ],
)
def test_what_means_nothing_together_is_a_usage_error(site: Path, tmp_path: Path, more: list[str]) -> None:
    done = run(*arguments(site, tmp_path / "b"), *more)
    assert done.exit_code == 2, done.output


def test_neither_a_run_nor_notes_is_a_usage_error(tmp_path: Path) -> None:
    done = run("bundle", "--out", tmp_path / "b", "--draft")
    assert done.exit_code == 2
    assert "name a RUN" in done.output


def test_the_installed_scan_is_ours() -> None:
    assert isinstance(installed_file_scan(), Files)


def test_a_scan_that_cannot_be_loaded_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    broken = EntryPoint("files", "nowhere:Nothing", "deidrelease.scans")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [broken])
    with pytest.raises(AuditError, match="damaged"):
        installed_file_scan()
