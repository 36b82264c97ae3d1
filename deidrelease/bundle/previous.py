"""The release before: by whose digest the next one of the same data set goes on from it."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

from deidrelease.bundle.layout import MANIFEST, MOST_MANIFEST_BYTES
from deidrelease.bundle.manifest import manifest_digest, read_manifest
from deidrelease.errors import BundleError, Problem


@dataclass(frozen=True, slots=True)
class Previous:
    """The release before.

    Attributes:
        dataset: Its data set's name.
        sequence: Its number.
        manifest_sha256: Of its manifest's bytes.
    """

    dataset: str
    sequence: int
    manifest_sha256: str


def read_previous(path: Path) -> Previous:
    """Reads the release before from its folder, its ZIP or its `manifest.json`.

    Raises:
        BundleError: It has no manifest that can be read.
    """
    try:
        data = _manifest_bytes(path)
        manifest = read_manifest(data)
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, zipfile.BadZipFile):
        raise _unusable(path, "holds no manifest of a bundle") from None
    return Previous(manifest.dataset, manifest.sequence, manifest_digest(data))


def _manifest_bytes(path: Path) -> bytes:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive, archive.open(MANIFEST) as stream:
            return stream.read(MOST_MANIFEST_BYTES + 1)
    with (path / MANIFEST if path.is_dir() else path).open("rb") as stream:
        return stream.read(MOST_MANIFEST_BYTES + 1)


def _unusable(path: Path, what: str) -> BundleError:
    remedy = "name the folder, the ZIP or the manifest.json of the release before"
    return BundleError("The release before is not known.", [Problem(str(path), what, remedy)])
