"""Writes wheels that pip accepts, with code that says so if anybody ever runs it."""

import hashlib
import zipfile
from pathlib import Path

from deidrelease.models.starters.table import Member, Source, Starter, Terms, Wheel

TRAP = "import pathlib\npathlib.Path(__file__).with_name('RAN').touch()\nraise SystemExit('this must never run')\n"


def make_wheel(folder: Path, package: str, members: dict[str, bytes]) -> Wheel:
    """A wheel in `folder` with `members` (name here to content), and its table entry."""
    folder.mkdir(parents=True, exist_ok=True)
    file = f"{package}-1.0-py3-none-any.whl"
    info = f"{package}-1.0.dist-info"
    files = {f"{package}/__init__.py": TRAP.encode(), f"{package}/evil/../../../up.txt": b"no path of this is used"}
    files |= {f"{package}/data/{name}": data for name, data in members.items()}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = b""
    with zipfile.ZipFile(folder / file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    sha256 = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    pinned = tuple(Member(f"{package}/data/{name}", len(data), name) for name, data in members.items())
    return Wheel(package, "1.0", file, sha256, pinned)


def make_starter(wheels: tuple[Wheel, ...], source: Source, name: str = "tiny", terms: Terms | None = None) -> Starter:
    """A table entry."""
    return Starter(name, "encoder", "made/up", source, wheels, "none", "MIT", terms, "made by a test", 1)
