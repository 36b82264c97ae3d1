"""Nodes for processes: one that works, one that fails, one whose process is killed, each by its recipe."""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease.ablation.making import Artefacts
from deidrelease.ablation.nodes import Node
from deidrelease.errors import ModelError
from deidrelease.settings import ReleaseConfig


@dataclass(frozen=True)
class Ending:
    """A stage that ends as its name says."""

    name: str
    version: ClassVar[int] = 1
    after: ClassVar[tuple[str, ...]] = ()
    releasable: ClassVar[frozenset[str]] = frozenset()

    def settings(self) -> Mapping[str, object]:
        return {}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:  # noqa: ARG002
        if self.name == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.name == "failing":
            raise ModelError("It fails.")
        (out / "pid").write_text(str(os.getpid()))


@dataclass(frozen=True)
class Nothing:
    """In the place of an ablation: a folder, and a base that says how many threads."""

    out: Path
    base: ReleaseConfig


def open_endings(nothing: Nothing) -> Artefacts:
    names = ("working", "other", "failing", "killed")
    nodes = {name: Node(Ending(name), {}, {}, 0, name, 0) for name in names}
    return Artefacts(nothing.out, nodes, {})
