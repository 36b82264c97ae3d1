"""Files and folders appear whole or not at all; receipts say what a folder holds; a lock holds one process."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deidrelease import artifacts
from deidrelease.artifacts import CHECKPOINT, RECEIPT, Output, Receipt
from deidrelease.errors import ArtifactError


def receipt_for(folder: Path, releasable: frozenset[str] = frozenset(), **changes: object) -> Receipt:
    values: dict[str, object] = {
        "stage": "work", "fingerprint": "f" * 64, "version": 1, "settings": {"rate": 0.1}, "inputs": {"corpus": "c"},
        "outputs": artifacts.survey(folder, releasable), "seed": 3, "versions": {"python": "3"}, "seconds": 1.5,
        "attempts": 1, "peak_memory_bytes": 7,
    }  # fmt: skip
    return Receipt(**{**values, **changes})  # type: ignore[arg-type]


def fill(folder: Path, text: str = "whole") -> Path:
    (folder / "inner").mkdir(parents=True)
    (folder / "a.txt").write_text(text)
    (folder / "inner" / "b.txt").write_text("b")
    (folder / CHECKPOINT).mkdir()
    (folder / CHECKPOINT / "state.pt").write_text("state")
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1, 2.5, None, True]}, '{"a":[1,2.5,null,true],"b":1}'),
        ({"ñ": "å"}, '{"ñ":"å"}'),
        ([], "[]"),
    ],
)
def test_canonical_json(value: object, text: str) -> None:
    assert artifacts.canonical_json(value) == text


def test_canonical_json_refuses_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="JSON"):
        artifacts.canonical_json(float("nan"))


@given(st.dictionaries(st.text(), st.integers() | st.text()), st.randoms())
def test_the_order_of_keys_decides_nothing(value: dict[str, object], random: object) -> None:
    items = list(value.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert artifacts.canonical_json(dict(items)) == artifacts.canonical_json(value)


def test_digests(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes("å".encode())
    assert artifacts.sha256_text("å") == hashlib.sha256("å".encode()).hexdigest()
    assert artifacts.sha256_file(tmp_path / "file") == artifacts.sha256_text("å")


def test_a_written_file_is_whole(tmp_path: Path) -> None:
    artifacts.write_text(tmp_path / "deep" / "note.txt", "å\r\n")
    assert (tmp_path / "deep" / "note.txt").read_bytes() == "å\r\n".encode()
    assert names(tmp_path / "deep") == ["note.txt"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), artifacts.atomic_writer(tmp_path / "note.txt") as stream:
        stream.write(b"ne")
        raise KeyboardInterrupt
    assert (tmp_path / "note.txt").read_text() == "old"
    assert names(tmp_path) == ["note.txt"]


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    with artifacts.atomic_writer(tmp_path / "note.txt") as stream:
        stream.write(b"new")
        assert not (tmp_path / "note.txt").exists()
    assert (tmp_path / "note.txt").read_text() == "new"


def test_a_folder_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    with artifacts.atomic_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("a")
        assert not (tmp_path / "out").exists()
    assert names(tmp_path / "out") == ["a"]
    with pytest.raises(RuntimeError), artifacts.atomic_folder(tmp_path / "other") as folder:
        (folder / "a").write_text("a")
        raise RuntimeError
    assert names(tmp_path) == ["out"]


def test_survey_by_hand(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / RECEIPT).write_text("{}")
    (tmp_path / "inner" / RECEIPT).write_text("not the receipt")
    (tmp_path / "a.txt.bak").write_text("x")
    outputs = artifacts.survey(tmp_path, frozenset({"a.txt", "inner"}))
    assert {name: (output.size, output.visibility) for name, output in outputs.items()} == {
        "a.txt": (5, "releasable"),
        "a.txt.bak": (1, "private"),  # no prefix of a name is enough
        "inner/b.txt": (1, "releasable"),
        f"inner/{RECEIPT}": (15, "releasable"),
    }
    assert outputs["a.txt"].sha256 == hashlib.sha256(b"whole").hexdigest()


def test_publish_and_read_back(tmp_path: Path) -> None:
    partial = fill(tmp_path / ".work.partial")
    receipt = receipt_for(partial, frozenset({"inner"}))
    artifacts.publish(partial, tmp_path / "work", receipt)
    assert artifacts.read_receipt(tmp_path / "work") == receipt
    assert artifacts.damage(tmp_path / "work", receipt) == []
    assert names(tmp_path) == ["work"]
    assert names(tmp_path / "work") == ["a.txt", "inner", RECEIPT]


def test_publishing_replaces_a_stale_folder(tmp_path: Path) -> None:
    old = fill(tmp_path / ".work.partial", "old")
    artifacts.publish(old, tmp_path / "work", receipt_for(old))
    new = fill(tmp_path / ".work.partial", "new")
    (new / "inner" / "b.txt").unlink()
    artifacts.publish(new, tmp_path / "work", receipt_for(new))
    assert names(tmp_path) == ["work"]
    assert (tmp_path / "work" / "a.txt").read_text() == "new"
    assert not (tmp_path / "work" / "inner" / "b.txt").exists()


@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize("discarded_too", [False, True])
def test_finish_publishing_from_any_moment(tmp_path: Path, replaced: bool, discarded_too: bool) -> None:
    partial = fill(tmp_path / ".work.partial", "new")
    receipt = receipt_for(partial)
    (partial / RECEIPT).write_text("{}")
    if replaced:
        fill(tmp_path / "work", "old")
    if discarded_too:
        fill(tmp_path / ".work.discarded", "older")
    artifacts.finish_publishing(partial, tmp_path / "work")
    assert names(tmp_path) == ["work"]
    assert artifacts.damage(tmp_path / "work", receipt) == []


def test_damage_by_hand(tmp_path: Path) -> None:
    fill(tmp_path / "work")
    receipt = receipt_for(tmp_path / "work")
    (tmp_path / "work" / "a.txt").write_text("wholE")
    (tmp_path / "work" / "inner" / "b.txt").unlink()
    (tmp_path / "work" / "extra").write_text("")
    (tmp_path / "work" / CHECKPOINT / "more").write_text("checkpoints are nobody's business")
    assert artifacts.damage(tmp_path / "work", receipt) == ["a.txt", "extra", "inner/b.txt"]


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.pop("format"),
        lambda document: document.update(format="deidrelease.receipt/2"),
        lambda document: document.pop("seed"),
        lambda document: document.update(unknown=1),
        lambda document: document.update(outputs=[1]),
        lambda document: document.update(outputs={"a": {"sha256": "x"}}),
    ],
)
def test_a_receipt_that_cannot_be_understood_is_none(tmp_path: Path, change: object) -> None:
    partial = fill(tmp_path / ".work.partial")
    artifacts.publish(partial, tmp_path / "work", receipt_for(partial))
    path = tmp_path / "work" / RECEIPT
    document = json.loads(path.read_text())
    change(document)  # type: ignore[operator]
    path.write_text(json.dumps(document))
    assert artifacts.read_receipt(tmp_path / "work") is None


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": "deidrelease.receipt/1"}']
)
def test_no_receipt(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / RECEIPT).write_bytes(content)
    assert artifacts.read_receipt(tmp_path) is None


def test_the_digest_of_a_receipt_is_that_of_its_files_alone(tmp_path: Path) -> None:
    fill(tmp_path / "work")
    one = receipt_for(tmp_path / "work")
    slower = receipt_for(tmp_path / "work", frozenset({"a.txt"}), seconds=99.0, attempts=4, peak_memory_bytes=1, seed=8)
    assert slower.digest() == one.digest()
    other = receipt_for(tmp_path / "work", outputs={**one.outputs, "a.txt": Output("0" * 64, 5, "private")})
    assert other.digest() != one.digest()


_TRY_LOCK = """
import sys
from pathlib import Path
from deidrelease import artifacts
from deidrelease.errors import ArtifactError
try:
    with artifacts.locked(Path(sys.argv[1])):
        print("held")
except ArtifactError as error:
    print("refused", error.problems[0].where)
"""


def another_process(folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", _TRY_LOCK, str(folder)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_lock_holds_one_process(tmp_path: Path) -> None:
    with artifacts.locked(tmp_path):
        assert another_process(tmp_path) == f"refused {tmp_path}"
    assert another_process(tmp_path) == "held"


def test_a_lock_goes_with_its_process(tmp_path: Path) -> None:
    # The holder says so, then is killed: nothing of it may keep the folder locked.
    code = _TRY_LOCK.replace('print("held")', 'print("held", flush=True); sys.stdin.read()')
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ArtifactError), artifacts.locked(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with artifacts.locked(tmp_path):
        pass


def test_a_folder_of_many_files_appears_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "_MOST_SYNCED", 2)
    with artifacts.atomic_folder(tmp_path / "many") as folder:
        for number in range(5):
            (folder / f"{number}").write_text("x")
    assert names(tmp_path / "many") == ["0", "1", "2", "3", "4"]
