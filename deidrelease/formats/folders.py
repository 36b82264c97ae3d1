"""What lies directly in a folder, found without a list of it: there may be a million files.

`Path.glob` makes that list, however soon it is asked to stop.
"""

import os
from collections.abc import Iterator
from pathlib import Path


def files_ending(folder: Path, *endings: str) -> Iterator[Path]:
    """The files of `folder` whose names end so, in the order in which the system gives them; none if it is no folder.

    Hidden files are passed over: partial copies and what editors and file systems leave are no notes.
    """
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(endings) and not entry.name.startswith("."):
                    yield Path(entry.path)


def holds(folder: Path, *endings: str) -> bool:
    """Whether there is any such file."""
    return any(True for _ in files_ending(folder, *endings))


def folders_in(folder: Path) -> Iterator[Path]:
    """The folders directly in `folder`, hidden ones passed over."""
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from (Path(entry.path) for entry in entries if entry.is_dir() and not entry.name.startswith("."))
