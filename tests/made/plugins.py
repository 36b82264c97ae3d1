"""An installed package that registers audits, as far as Python's metadata can tell."""

from collections.abc import Mapping
from pathlib import Path

SMALL = {"shared_lines": "made.small_audits:SharedLines", "crashing": "made.small_audits:Crashing"}


def register(folder: Path, audits: Mapping[str, str]) -> Path:
    """Writes the metadata into `folder`, which has to stand on the path of the process that is to see it."""
    metadata = folder / "small_audits-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: small-audits\nVersion: 1\n")
    lines = "".join(f"{name} = {where}\n" for name, where in audits.items())
    (metadata / "entry_points.txt").write_text(f"[deidrelease.audits]\n{lines}")
    return folder
