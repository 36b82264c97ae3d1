"""A bundle as one ZIP: stored, not compressed, in order, with one fixed time; equal folders give equal archives."""

import os
import shutil
import zipfile
from pathlib import Path

from deidrelease.artifacts import atomic_writer
from deidrelease.bundle.layout import MANIFEST, MOST_MANIFEST_BYTES
from deidrelease.errors import BundleError, Problem

FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that ZIP can tell; when a release was made stands in its manifest."""

_REGULAR = 0o100644
_UNIX = 3


def write_archive(folder: Path, target: Path) -> None:
    """Packs every file below `folder` into the ZIP `target`, which appears whole or not at all.

    Raises:
        BundleError: `target` cannot be written, or is there and is no archive of this bundle; or there is a link or a
            device in `folder`.
    """
    manifest = folder / MANIFEST
    refuse_other(target, manifest.read_bytes() if manifest.is_file() else None)
    paths = _files(folder)
    try:
        with atomic_writer(target) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            for path in paths:
                _add(archive, folder, path)
    except OSError as error:
        problem = Problem(str(target), f"cannot be written ({error.strerror})", "make room, or name another file")
        raise BundleError("No archive was made.", [problem]) from None


def refuse_other(target: Path, manifest: bytes | None) -> None:
    """Makes sure that packing into `target` loses nothing: an archive with this manifest may be packed again.

    Args:
        target: Of the packing to come.
        manifest: Bytes of the bundle's manifest; None where there is none yet.

    Raises:
        BundleError: Something else is there.
    """
    if os.path.lexists(target) and (manifest is None or _manifest_of(target) != manifest):
        raise BundleError("No archive was made.", [Problem(str(target), "is there already", "name another file")])


def _manifest_of(target: Path) -> bytes | None:
    """The manifest in an archive that is there; None where it has none that is worth comparing."""
    if not target.is_file():
        return None
    try:
        with zipfile.ZipFile(target) as archive, archive.open(MANIFEST) as member:
            return member.read(MOST_MANIFEST_BYTES + 1)
    except (OSError, KeyError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        return None


def _files(folder: Path) -> list[str]:
    found = []
    for place in sorted(folder.rglob("*")):
        path = place.relative_to(folder).as_posix()
        if place.is_symlink() or not (place.is_file() or place.is_dir()):
            problem = Problem(path, "is no plain file", "make the bundle again")
            raise BundleError("No archive was made.", [problem])
        if place.is_file():
            found.append(path)
    return sorted(found)


def _add(archive: zipfile.ZipFile, folder: Path, path: str) -> None:
    entry = zipfile.ZipInfo(path, FIXED_TIME)
    entry.create_system, entry.external_attr = _UNIX, _REGULAR << 16
    with (folder / path).open("rb") as source:
        # The size is told beforehand, so that what is larger than 2 GiB gets fields wide enough.
        entry.file_size = os.fstat(source.fileno()).st_size
        with archive.open(entry, "w") as member:
            shutil.copyfileobj(source, member, 1024 * 1024)
