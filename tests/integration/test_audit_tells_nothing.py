"""The whole audit layer on corpora of unmistakable markers: none of them stands in anything that people pass on.

Each run is a process of its own, at -vv, so that what is printed, logged and traced is all of it.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from made.plugins import SMALL, register

from deidrelease.contracts import ENTRY_POINTS

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
AUDITS = TESTS.parent / "audits"
Run = Callable[..., "subprocess.CompletedProcess[str]"]
LABELS = ("NOMBRE_SUJETO_ASISTENCIA", "ID_SUJETO_ASISTENCIA", "CORREO_ELECTRONICO")


def person(arm: str, number: int) -> tuple[str, str, str]:
    """A name, a record number and an address that no text but this test's has."""
    tag = f"{arm}q{number}"
    return f"Zebulonia{tag} Xanthippe{tag}", f"77{number:04d}{ord(arm[0]):03d}31", f"zz{tag}@wyvern{tag}.example"


def sentence(arm: str, number: int) -> str:
    words = " ".join(f"quagga{arm}{number}x{i}" for i in range(30))
    return f"Refiere {words} desde hace meses."


def note(arm: str, number: int) -> dict[str, object]:
    text, spans = "Paciente: ", []
    for label, value in zip(LABELS, person(arm, number), strict=True):
        spans.append({"start": len(text), "end": len(text) + len(value), "label": label})
        text += f"{value}. "
    text += sentence(arm, number)
    return {"note_id": f"NOTEID{arm}{number}", "patient_id": f"PATID{arm}{number}", "text": text, "spans": spans}


def synthetic(number: int) -> dict[str, object]:
    """The first five hold what train has, whole notes of it even; the others stand for themselves."""
    record = note("train", number) if number < 5 else note("synth", number)
    return {**record, "note_id": f"synthetic{number}", "patient_id": f"synthetic{number}"}


def write(path: Path, notes: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in notes), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def markers() -> set[str]:
    """Values and ids of the private side, and every four words in a row of its notes."""
    found = set()
    for arm in ("train", "holdout"):
        for number in range(60):
            record = note(arm, number)
            found |= {*person(arm, number), f"NOTEID{arm}{number}", f"PATID{arm}{number}"}
            words = str(record["text"]).split()
            found |= {" ".join(words[i : i + 4]) for i in range(len(words) - 3)}
            found |= {f"quagga{arm}{number}x", f"Zebulonia{arm}q{number}", f"wyvern{arm}q{number}"}
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("markers")
    write(folder / "synthetic.jsonl", [synthetic(number) for number in range(20)])
    for arm in ("train", "holdout"):
        write(folder / f"{arm}.jsonl", [note(arm, number) for number in range(60)])
    register(folder / "plugin", SMALL)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    paths = os.pathsep.join([str(folder / "plugin"), str(TESTS), str(AUDITS), os.environ.get("PYTHONPATH", "")])
    code = "from deidrelease.cli.main import main; main()"

    def run(*arguments: object, before: str = "") -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", before + code, "-vv", "audit", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": paths}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    return run


def corpora(folder: Path, out: Path, train: str = "train.jsonl", *only: str) -> list[object]:
    arms = [folder / "synthetic.jsonl", "--private", folder / train, "--holdout", folder / "holdout.jsonl"]
    told = ["--labels", "meddocan", "--language", "es", "--out", out]
    return [*arms, *told, *(["--only", ",".join(only)] if only else [])]


def leaked(text: str, markers: set[str]) -> list[str]:
    return sorted(marker for marker in markers if marker in text)


def told(done: "subprocess.CompletedProcess[str]", out: Path) -> Iterator[str]:
    """All that a run leaves for others: what it printed and logged, and its files but for the private ones."""
    yield done.stdout
    yield done.stderr
    for path in sorted(out.rglob("*")) if out.exists() else ():
        if path.is_file() and path.name not in ("findings.private.jsonl", "site.key"):
            text = path.read_text(encoding="utf-8")
            yield text
            yield json.dumps(json.loads(text), ensure_ascii=False)  # nor in a spelling that only JSON has


@pytest.mark.parametrize(
    "arguments", [["shared_lines"], ["shared_lines", "crashing"], []], ids=["good", "crash", "all"]
)
def test_nothing_private_is_told(
    arguments: list[str], folder: Path, run: Run, markers: set[str], tmp_path: Path
) -> None:
    if not arguments and len(entry_points(group=ENTRY_POINTS)) == 0:
        pytest.skip("the installation registers no audit: install it again")
    done = run(*corpora(folder, tmp_path / "out", "train.jsonl", *arguments))
    assert done.returncode == (0 if arguments == ["shared_lines"] else 4), done.stderr[-2000:]
    assert "deidrelease.auditing.single: shared_lines: 60 notes of train" in done.stderr
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    statuses = {report["audit"]: report["status"] for report in result["audits"]}
    assert statuses["shared_lines"] == "measured"
    assert statuses.get("crashing") == ("failed" if "crashing" in arguments or not arguments else None)
    assert {name for name, status in statuses.items() if status == "failed"} <= {"crashing"}
    for text in told(done, tmp_path / "out"):
        assert leaked(text, markers) == []
    findings = tmp_path / "out" / "findings.private.jsonl"
    assert findings.stat().st_mode & 0o777 == 0o600
    evidence = findings.read_text(encoding="utf-8")
    # The test can fail: the markers were found, and stand where they may.
    assert leaked(evidence, {person("train", 0)[0], "NOTEIDtrain0", sentence("train", 0)})


@pytest.mark.parametrize("workers", [1, 2])
def test_a_crash_in_a_worker_tells_nothing_either(
    workers: int, folder: Path, run: Run, markers: set[str], tmp_path: Path
) -> None:
    done = run(*corpora(folder, tmp_path / "out", "train.jsonl", "crashing"), "--workers", workers)
    assert done.returncode == 4, done.stderr[-2000:]
    assert "crashed with KeyError at made/small_audits.py:" in done.stdout
    for text in told(done, tmp_path / "out"):
        assert leaked(text, markers) == []
        assert "Traceback" not in text


def _overrun(record: dict[str, object]) -> dict[str, object]:
    return {**record, "spans": [{"start": 4, "end": 99_999, "label": "ID_SUJETO_ASISTENCIA"}]}


DEFECTS: dict[str, Callable[[list[dict[str, object]]], list[dict[str, object]]]] = {
    "offsets": lambda notes: [*notes[:-1], _overrun(notes[-1])],
    "duplicate": lambda notes: [*notes, notes[0]],
    "no patient": lambda notes: [*notes[:-1], {**notes[-1], "patient_id": ""}],
    "no text": lambda notes: [*notes[:-1], {**notes[-1], "text": 3}],
    "control characters": lambda notes: [*notes[:-1], {**notes[-1], "text": f"\x00{notes[-1]['text']}"}],
    "unknown label": lambda notes: [
        *notes[:-1], {**notes[-1], "spans": [{"start": 10, "end": 20, "label": "ODDITY"}]},
    ],
    "shared patients": lambda notes: [*notes, note("holdout", 3)],
}  # fmt: skip


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_defects_are_named_without_what_they_are_in(
    defect: str, folder: Path, run: Run, markers: set[str], tmp_path: Path
) -> None:
    name = f"{defect.replace(' ', '-')}.jsonl"
    write(folder / name, DEFECTS[defect]([note("train", number) for number in range(60)]))
    done = run(*corpora(folder, tmp_path / "out", name, "shared_lines"))
    assert done.returncode == 3, done.stderr[-2000:]
    assert done.stderr.splitlines()[-1].count(" — ") == 1
    assert "Traceback" not in done.stderr
    assert leaked(done.stdout + done.stderr, markers) == []
    assert not (tmp_path / "out").exists()


def test_a_bug_in_the_layer_itself_shows_no_note(folder: Path, run: Run, markers: set[str], tmp_path: Path) -> None:
    """Whatever else breaks keeps its traceback, and a traceback shows lines of code, not what stands in them."""
    before = "from deidrelease.auditing import writing; writing.canonical_json = None\n"
    done = run(*corpora(folder, tmp_path / "out", "train.jsonl", "shared_lines"), before=before)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert leaked(done.stdout + done.stderr, markers) == []
    assert not (tmp_path / "out").exists()


_KILLED = """
import os, signal, sys
def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith({file!r}) and "partial" in str(arguments[0]):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
"""


@pytest.mark.parametrize("file", ["site.key", "findings.private.jsonl"])
def test_kill_9_leaves_no_folder_and_the_next_run_clears_up(file: str, folder: Path, run: Run, tmp_path: Path) -> None:
    arguments = corpora(folder, tmp_path / "out", "train.jsonl", "shared_lines")
    done = run(*arguments, before=_KILLED.format(file=file))
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    [left] = tmp_path.iterdir()
    assert left.stat().st_mode & 0o777 == 0o700
    assert run(*arguments).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
