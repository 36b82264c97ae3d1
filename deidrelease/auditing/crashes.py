"""What a crash may say: the name of an exception, a file and a line of installed code, and never its message."""

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from deidrelease.engine import WorkerCrash

_PACKAGES = ("deidrelease_audits", "deidrelease")
UNKNOWN = "a place outside deidrelease and the audit's package"


def told(error: BaseException, audit: object) -> str:
    """The sentence that stands for `error`, which `audit` raised here or in a worker."""
    kind = error.crash.kind if isinstance(error, WorkerCrash) else type(error).__name__
    return f"crashed with {kind} at {_place_of(error, audit)}; its message is withheld"


def _place_of(error: BaseException, audit: object) -> str:
    """The innermost line of deidrelease or of the audit's package that `error` went through, `package/file.py:line`."""
    found, packages = UNKNOWN, {*_PACKAGES, type(audit).__module__.partition(".")[0]}
    for file, line in _frames(error):
        if place := _own(file, packages):
            found = f"{place}:{line}"
    return found


def _frames(error: BaseException) -> Iterator[tuple[str, int]]:
    """From the outermost inwards: first what happened here, then what happened in a worker."""
    for frame in traceback.extract_tb(error.__traceback__):
        yield frame.filename, frame.lineno or 0
    if isinstance(error, WorkerCrash):
        yield from error.crash.frames


def _own(file: str, packages: set[str]) -> str | None:
    path = Path(file)
    for package, root in _roots(packages):
        if path.is_relative_to(root) and path.suffix == ".py":
            return f"{package}/{path.relative_to(root).as_posix()}"
    return None


def _roots(packages: set[str]) -> Iterator[tuple[str, Path]]:
    for package in sorted(packages):
        module = sys.modules.get(package)
        if module is not None and getattr(module, "__path__", None) and module.__file__:
            yield package, Path(module.__file__).parent
