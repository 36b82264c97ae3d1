"""Writing beside the target, under a name that nobody takes for it, until what was written has proved right.

What a killed attempt leaves is private text under a hidden name; the next attempt at the same target removes it.
"""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deidrelease.artifacts import fsync_folder
from deidrelease.errors import CorpusError, Problem

_LOCK = ".lock"
_REMEDIES = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room within your quota",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f), or write to another disk",
    errno.EROFS: "write to another disk",
    errno.EACCES: "correct the permissions of the folder, or write to another",
    errno.EPERM: "correct the permissions of the folder, or write to another",
    errno.EEXIST: "name a folder that is one",
    errno.ENOTDIR: "name a folder that is one",
    errno.ENAMETOOLONG: "choose a shorter name",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A private folder beside the target.

    Attributes:
        path: Where to write what is to become the target.
        leftovers: How many folders of earlier, killed attempts were removed.
    """

    path: Path
    leftovers: int


def refuse_target(source: Path, target: Path) -> None:
    """Makes sure that writing `target` can neither replace nor change anything.

    Raises:
        CorpusError: It exists, or lies in the corpus that is read.
    """
    refuse_existing(target)
    if target.resolve().is_relative_to(source.resolve()):
        problem = Problem(str(target), "lies in the corpus that is read", "write it elsewhere")
        raise CorpusError("Nothing was written.", [problem])


def refuse_existing(target: Path) -> None:
    """Makes sure that nothing is overwritten.

    Raises:
        CorpusError: Something of this name is there, be it a link that leads nowhere.
    """
    with writing_to(target):
        exists = os.path.lexists(target)
    if exists:
        remedy = "name a new file or folder; nothing is overwritten"
        raise CorpusError("Nothing was written.", [Problem(str(target), "exists already", remedy)])


@contextmanager
def staged(target: Path) -> Iterator[Stage]:
    """Yields where to write; when the block ends well that takes the name `target`, else nothing is left.

    Raises:
        CorpusError: The system does not let it be written, or the target has appeared meanwhile.
    """
    with writing_to(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        leftovers = _remove_leftovers(target)
        folder = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
        folder.mkdir(mode=0o700)
        try:
            with (folder / _LOCK).open("x") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield Stage(folder / target.name, leftovers)
                _give_name(folder / target.name, target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        fsync_folder(target.parent)


@contextmanager
def writing_to(target: Path) -> Iterator[None]:
    """Turns what the system refuses inside the block into a message about `target`."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "see to the disk, or write elsewhere")
        what = f"cannot be written ({error.strerror or type(error).__name__})"
        raise CorpusError("Nothing was written.", [Problem(str(target), what, remedy, "other")]) from None


def _give_name(written: Path, target: Path) -> None:
    if os.path.lexists(target):
        raise CorpusError("Nothing was written.", [Problem(str(target), "has appeared meanwhile", "name another")])
    if written.is_dir():
        written.rename(target)
        return
    try:
        # Unlike a rename, a link never replaces what another process has put there since.
        os.link(written, target)
    except FileExistsError:
        raise
    except OSError:
        written.rename(target)  # a file system without hard links


def _remove_leftovers(target: Path) -> int:
    with os.scandir(target.parent) as entries:
        names = [e.name for e in entries if e.name.startswith(f".{target.name}.") and e.name.endswith(".partial")]
    return sum(_remove_if_abandoned(target.with_name(name)) for name in names)


def _remove_if_abandoned(folder: Path) -> bool:
    """Whether it was one of ours without a living owner, and is gone: a lock goes with its process."""
    try:
        with (folder / _LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
    except OSError:
        return False
    return True
