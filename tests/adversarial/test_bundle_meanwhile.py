"""What happens while or between: files changed during verification, older releases, a broken memory, a kill."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from made.bundles import CREATED, NOW, Plan, approval_line, later, make_bundle, signer, trust_of

from deidrelease import progress
from deidrelease.bundle import remembering
from deidrelease.bundle.archive import write_archive
from deidrelease.bundle.layout import ATTESTATIONS, MANIFEST
from deidrelease.bundle.manifest import manifest_digest
from deidrelease.bundle.remembering import Memory, state_folder
from deidrelease.bundle.verification import Verification, verify
from deidrelease.signing.trust import trust_document


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("good") / "bundle")


@pytest.fixture
def bundle(good: Path, tmp_path: Path) -> Path:
    shutil.copytree(good, tmp_path / "bundle")
    return tmp_path / "bundle"


def codes(found: Verification) -> set[str]:
    assert found.ok == (not found.failures)
    return {failure.code for failure in found.failures}


class _Meddler:
    """Does something to the bundle as soon as its files begin to be read, or at the first chunk of them."""

    def __init__(self, act: Callable[[], object], at_begin: bool) -> None:
        self.act, self.at_begin, self.done = act, at_begin, False

    def begin(self, what: str, total: float | None, done: float) -> "_Meddler":  # noqa: ARG002
        if self.at_begin:
            self._once()
        return self

    def advance(self, amount: float, **figures: float) -> None:  # noqa: ARG002
        self._once()

    def end(self, step: object) -> None:
        pass

    def _once(self) -> None:
        if not self.done:
            self.done = True
            self.act()


def _grown(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"more")


def _touched(path: Path) -> None:
    """The same bytes put back: what was hashed is what is there, and yet somebody wrote."""
    data = path.read_bytes()
    path.write_bytes(b"x" * len(data))
    path.write_bytes(data)


def _replaced(path: Path) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)


def _linked(path: Path) -> None:
    path.rename(path.parents[2] / "away")
    path.symlink_to(path.parents[2] / "away")


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "path", ["data/notes-00000.jsonl", "metadata/README.md", "audit/result.json", "report/report.html"]
)
@pytest.mark.parametrize("act", [_grown, _touched, _replaced, _linked, _fifo, Path.unlink])
def test_a_file_changed_while_it_is_verified(bundle: Path, path: str, act: Callable[[Path], object]) -> None:
    meddler = _Meddler(lambda: act(bundle / path), at_begin=True)
    with progress.listening(meddler):
        found = verify(bundle, trust_of(), NOW, None)
    assert meddler.done
    assert "file-changed" in codes(found)


@pytest.mark.parametrize("name", ["data/notes-00009.jsonl", "x", ".hidden", ATTESTATIONS])
def test_a_file_added_while_it_is_verified(bundle: Path, name: str) -> None:
    if name == ATTESTATIONS:
        (bundle / name).unlink()
    meddler = _Meddler(lambda: (bundle / name).write_bytes(b"x"), at_begin=False)
    with progress.listening(meddler):
        found = verify(bundle, trust_of(), NOW, None)
    assert meddler.done
    assert "file-changed" in codes(found)


def _link_to_more(bundle: Path) -> None:
    (bundle / "data/notes-00003.jsonl").symlink_to("/etc/hostname")


def _pipe(bundle: Path) -> None:
    os.mkfifo(bundle / "data/notes-00003.jsonl")


def _empty_folder(bundle: Path) -> None:
    (bundle / "model").mkdir()


def _exchanged(bundle: Path) -> None:
    bundle.rename(bundle.with_name("verified"))
    shutil.copytree(bundle.with_name("verified"), bundle)
    (bundle / "data/notes-00000.jsonl").write_bytes(b"another")


def _gone(bundle: Path) -> None:
    bundle.rename(bundle.with_name("elsewhere"))


@pytest.mark.parametrize("act", [_link_to_more, _pipe, _empty_folder, _exchanged, _gone])
def test_what_is_no_file_comes_or_the_folder_goes_while_it_is_verified(
    bundle: Path, act: Callable[[Path], object]
) -> None:
    with progress.listening(_Meddler(lambda: act(bundle), at_begin=False)):
        found = verify(bundle, trust_of(), NOW, None)
    assert codes(found) == {"file-changed"}


@pytest.mark.parametrize("by", ["rename", "link"])
def test_a_zip_exchanged_while_it_is_verified(bundle: Path, tmp_path: Path, by: str) -> None:
    path, other = tmp_path / "b.zip", tmp_path / "other.zip"
    write_archive(bundle, path)
    shutil.copy(path, other)
    if by == "link":  # a name that leads to one archive first, and then to another
        path.rename(tmp_path / "real.zip")
        path.symlink_to(tmp_path / "real.zip")

    def exchange() -> None:
        if by == "link":
            path.unlink()
            path.symlink_to(other)
        else:
            other.rename(path)

    with progress.listening(_Meddler(exchange, at_begin=False)):
        found = verify(path, trust_of(), NOW, None)
    assert codes(found) == {"file-changed"}


def test_a_folder_swapped_for_a_link_while_it_is_verified(bundle: Path, tmp_path: Path) -> None:
    def swap() -> None:
        (bundle / "policy").rename(tmp_path / "policy")
        (bundle / "policy").symlink_to(tmp_path / "policy")

    with progress.listening(_Meddler(swap, at_begin=True)):
        found = verify(bundle, trust_of(), NOW, None)
    assert "file-changed" in codes(found)


def test_a_zip_changed_while_it_is_verified(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    write_archive(bundle, path)
    with progress.listening(_Meddler(lambda: _grown(path), at_begin=False)):
        found = verify(path, trust_of(), NOW, None)
    assert codes(found) == {"file-changed"}


def test_what_changed_meanwhile_is_not_remembered(bundle: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    with progress.listening(_Meddler((bundle / "x").touch, at_begin=False)):
        verify(bundle, trust_of(), NOW, memory)
    assert not (tmp_path / "state/verified.json").exists()


def _release(place: Path, sequence: int, previous: Path | None, title: str = "Small") -> Path:
    before = manifest_digest((previous / MANIFEST).read_bytes()) if previous else None
    release = {"sequence": sequence, "previous": before, "title": title}
    return make_bundle(place / f"{title}-{sequence}", Plan(release=release))


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three releases of one data set, each of which follows the one before."""
    place = tmp_path_factory.mktemp("releases")
    made: list[Path] = []
    for sequence in (1, 2, 3):
        made.append(_release(place, sequence, made[-1] if made else None))
    return made


def test_an_older_release_is_refused_after_a_newer_one(releases: list[Path], tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    for release in releases:
        assert verify(release, trust_of(), NOW, memory).ok
        assert verify(release, trust_of(), NOW, memory).ok  # again and again
    for older in releases[:2]:
        assert codes(verify(older, trust_of(), NOW, memory)) == {"replayed"}
    assert verify(releases[2], trust_of(), NOW, memory).ok


def test_without_a_memory_an_older_release_is_not_noticed(releases: list[Path]) -> None:
    found = verify(releases[0], trust_of(), NOW, None)
    assert found.ok
    assert "history" not in found.checks


def test_releases_may_be_left_out_but_not_exchanged(releases: list[Path], tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    assert verify(releases[0], trust_of(), NOW, memory).ok
    assert verify(releases[2], trust_of(), NOW, memory).ok
    forked = _release(tmp_path, 3, releases[1], "Other")
    assert codes(verify(forked, trust_of(), NOW, memory)) == {"forked"}
    stranger = _release(tmp_path, 4, releases[0], "Other")
    assert codes(verify(stranger, trust_of(), NOW, memory)) == {"previous-differs"}


def test_another_data_set_and_another_key_have_their_own_numbers(releases: list[Path], tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    assert verify(releases[2], trust_of(), NOW, memory).ok
    other = make_bundle(tmp_path / "o", Plan(release={"dataset": "other-notes"}))
    assert verify(other, trust_of(), NOW, memory).ok
    assert codes(verify(releases[0], trust_of(), NOW, memory)) == {"replayed"}


def test_a_failed_verification_leaves_no_trace_in_the_memory(releases: list[Path], tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    assert verify(releases[0], trust_of(), NOW, memory).ok
    before = (tmp_path / "state/verified.json").read_bytes()
    assert not verify(releases[1], trust_of(recipient="Another"), NOW, memory).ok
    assert (tmp_path / "state/verified.json").read_bytes() == before


def test_a_later_copy_of_one_release_may_have_more_approvals(good: Path, bundle: Path, tmp_path: Path) -> None:
    from made.bundles import trusted

    more = trust_of(keys=(*trust_of().keys, trusted("second approver", "approval")))
    assert verify(good, more, NOW, Memory(tmp_path / "state")).ok
    with (bundle / ATTESTATIONS).open("ab") as stream:
        stream.write(approval_line(bundle, signer("second approver")) + b"\n")
    assert verify(bundle, more, NOW, Memory(tmp_path / "state")).ok


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\xff", b'{"format":"deidrelease.verified/2","seen":[]}', b'{"format":"x","format":"y"}',
     b'{"format":"deidrelease.verified/1","seen":[{"sequence":1}]}', b"[" * 100_000],
)  # fmt: skip
def test_a_memory_that_cannot_be_understood(good: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/verified.json").write_bytes(content)
    assert codes(verify(good, trust_of(), NOW, Memory(tmp_path / "state"))) == {"state"}
    assert (tmp_path / "state/verified.json").read_bytes() == content


def test_a_memory_that_cannot_be_kept(good: Path, tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    assert codes(verify(good, trust_of(), NOW, Memory(tmp_path / "state"))) == {"state"}


def test_a_memory_that_another_process_does_not_let_go(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "PATIENCE", 0.1)
    with Memory(tmp_path / "state").held():
        found = verify(good, trust_of(), NOW, Memory(tmp_path / "state"))
    assert codes(found) == {"state"}
    assert not (tmp_path / "state/verified.json").exists()


def test_a_memory_that_may_not_be_written(good: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / ".lock").mkdir()
    assert codes(verify(good, trust_of(), NOW, Memory(state))) == {"state"}


def test_a_memory_with_a_lower_number_than_was_verified_is_believed(releases: list[Path], tmp_path: Path) -> None:
    """Whoever can write a user's state folder can make them forget; what they cannot do is forge a release."""
    memory = Memory(tmp_path / "state")
    assert verify(releases[2], trust_of(), NOW, memory).ok
    (tmp_path / "state/verified.json").unlink()
    assert verify(releases[0], trust_of(), NOW, memory).ok


def test_two_at_once_remember_the_newest(releases: list[Path], tmp_path: Path) -> None:
    script = (
        "import sys, pickle; from pathlib import Path; from datetime import datetime;"
        "from deidrelease.bundle.verification import verify; from deidrelease.bundle.remembering import Memory;"
        "from deidrelease.signing.trust import load_trust;"
        "trust = load_trust(Path(sys.argv[1]));"
        "[verify(Path(path), trust, datetime.fromisoformat(sys.argv[3]), Memory(Path(sys.argv[2])))"
        " for path in sys.argv[4:]]"
    )
    (tmp_path / "trust.yaml").write_text(trust_document(trust_of()))
    fixed = [sys.executable, "-c", script, str(tmp_path / "trust.yaml"), str(tmp_path / "state"), NOW.isoformat()]
    running = [subprocess.Popen([*fixed, *map(str, order)]) for order in (releases, releases[::-1])]
    assert [each.wait() for each in running] == [0, 0]
    seen = json.loads((tmp_path / "state/verified.json").read_bytes())["seen"]
    assert [each["sequence"] for each in seen] == [3]


def test_where_a_memory_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere")
    assert state_folder() == Path("/somewhere/deidrelease")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/me")
    assert state_folder() == Path("/home/me/.local/state/deidrelease")


_VERIFY = (
    "from deidrelease.cli.main import main; import sys; sys.argv = ['deidrelease', 'verify', *sys.argv[1:]]; main()"
)

# The interpreter may lie where nobody may read, so everything is imported by a first run.
_AS_NOBODY = """
import os, sys
from deidrelease.cli.main import cli
arguments = ["verify", *sys.argv[1:]]
assert cli(arguments, standalone_mode=False) is None
os.setgid(65534), os.setuid(65534)
assert os.geteuid() == 65534
sys.exit(cli(arguments, standalone_mode=False) or 0)
"""


def _today(place: Path) -> tuple[Path, Path]:
    """A bundle made an hour ago, and the trust policy for it."""
    from datetime import UTC, datetime

    from deidrelease.bundle.moments import write_moment

    now = write_moment(datetime.now(UTC))
    made, until = later(now, hours=-1), later(now, days=30)
    bundle = make_bundle(place / "b", Plan(release={"created": made, "valid_until": until}, approved_at=made))
    (place / "trust.yaml").write_text(trust_document(trust_of()))
    return bundle, place / "trust.yaml"


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("how", ["plain", "read-only", "time zone", "elsewhere", "umask", "nobody", "C locale"])
def test_the_good_one_is_accepted_everywhere(tmp_path: Path, how: str, form: str) -> None:
    before = os.umask(0o077 if how == "umask" else 0o022)
    try:
        path, trust = _today(tmp_path)
        if form == "zip":
            write_archive(path, tmp_path / "b.zip")
            path = tmp_path / "b.zip"
    finally:
        os.umask(before)
    if how == "read-only":
        for each in [*path.rglob("*"), path]:
            each.chmod(0o555 if each.is_dir() else 0o444)
    if how == "nobody" and os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    environment = {**os.environ, "TZ": "Pacific/Kiritimati" if how == "time zone" else "UTC"}
    if how == "C locale":
        environment |= {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"}
    argument = os.path.relpath(path, "/usr") if how == "elsewhere" else str(path)

    if how == "nobody":
        for folder in (tmp_path, *tmp_path.parents[:3]):
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    script = _AS_NOBODY if how == "nobody" else _VERIFY
    done = subprocess.run(
        [sys.executable, "-c", script, argument, "--trust", str(trust), "--stateless"],
        capture_output=True, text=True, check=False, env=environment, cwd="/usr" if how == "elsewhere" else None,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_of_the_bundle_is_written(tmp_path: Path) -> None:
    path, trust = _today(tmp_path)
    before = {each: each.lstat().st_mtime_ns for each in [path, *path.rglob("*")]}
    subprocess.run([sys.executable, "-c", _VERIFY, str(path), "--trust", str(trust), "--stateless"], check=True)
    assert {each: each.lstat().st_mtime_ns for each in [path, *path.rglob("*")]} == before


_SIGN_ON = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from deidrelease.artifacts import atomic_writer
bundle = Path(sys.argv[1])
path = bundle / "attestations.intoto.jsonl"
whole = path.read_bytes()
print("ready", flush=True)
while True:
    with atomic_writer(path) as stream:
        stream.write(whole)
"""


def test_a_kill_while_statements_are_written_leaves_what_verifies_or_is_refused(bundle: Path) -> None:
    """The way in which `approve` writes: whatever a kill leaves, the statements are the old ones or the new."""
    for delay in (0.0, 0.003, 0.011, 0.027):
        running = subprocess.Popen([sys.executable, "-c", _SIGN_ON, str(bundle), "."], stdout=subprocess.PIPE)
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(delay)
        running.send_signal(signal.SIGKILL)
        running.wait()
        running.stdout.close()
        left = [path for path in bundle.iterdir() if path.name.endswith(".partial")]
        found = verify(bundle, trust_of(), NOW, None)
        assert found.ok if not left else codes(found) == {"path-forbidden", "file-added"}
        for path in left:
            path.unlink()
        assert verify(bundle, trust_of(), NOW, None).ok


def test_a_day_before_it_was_made(good: Path) -> None:
    from deidrelease.bundle.moments import parse_moment

    assert "not-yet-valid" in codes(verify(good, trust_of(), parse_moment(later(CREATED, days=-1)), None))
