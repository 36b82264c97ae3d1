"""Makes nodes, each under a name that its fingerprint gives it, and remembers which ones it has found whole."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deidrelease.ablation.nodes import Node, Origin
from deidrelease.artifacts import Receipt
from deidrelease.pipeline import Source
from deidrelease.stages.audit import Audit
from deidrelease.work import Work, bring_up_to_date, digest_in, standing_of, work_of

ARTEFACTS = "artefacts"
_LOCKS = ".locks"
_NAME_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Made:
    """A node that is there: its folder and its receipt."""

    folder: Path
    receipt: Receipt


@dataclass(slots=True)
class Artefacts:
    """The nodes of an ablation on disk.

    Attributes:
        out: Folder of the ablation.
        nodes: By recipe.
        sources: Of the ablation, by the names that nodes read them under.
    """

    out: Path
    nodes: Mapping[str, Node]
    sources: Mapping[str, Source]
    _made: dict[str, Made] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    def make(self, recipe: str) -> Made:
        """Makes the node and whatever it reads, as far as it is not there; what is there is looked at once.

        Raises:
            DeidReleaseError: A stage cannot do its work.
        """
        if recipe not in self._made:
            node = self.nodes[recipe]
            for origin in node.inputs.values():
                if origin.recipe in self.nodes:
                    self.make(origin.recipe)
            work = self._work(node)
            final = self._final(work)
            paths = {name: self._path(origin) for name, origin in node.inputs.items()}
            # Two recipes may come to one fingerprint, and then to one folder.
            with _alone(self.out / ARTEFACTS / _LOCKS / final.name):
                finished = bring_up_to_date(work, paths, final)
            self._made[recipe] = Made(final, finished.receipt)
        return self._made[recipe]

    def find(self, recipe: str) -> Made | None:
        """The node, if it is there and whole; makes and changes nothing."""
        if recipe not in self._made:
            node = self.nodes[recipe]
            if any(self.find(origin.recipe) is None for origin in node.inputs.values() if origin.recipe in self.nodes):
                return None
            work = self._work(node)
            final = self._final(work)
            standing = standing_of(work, final)
            if standing.state != "done" or standing.receipt is None:
                return None
            self._made[recipe] = Made(final, standing.receipt)
        return self._made[recipe]

    def done(self) -> set[str]:
        """Recipes of all nodes that are there and whole; makes and changes nothing."""
        done: set[str] = set()
        if not (self.out / ARTEFACTS).exists():
            return done
        for recipe, node in self.nodes.items():  # each after what it reads
            reads = {origin.recipe for origin in node.inputs.values()} & self.nodes.keys()
            if reads <= done and self.find(recipe) is not None:
                done.add(recipe)
        return done

    def _work(self, node: Node) -> Work:
        digests = {name: self._digest(origin) for name, origin in node.inputs.items()}
        # What was spent on the patients by now is part of what some audits are told.
        spending = isinstance(node.stage, Audit) and node.stage.account is not None
        return work_of(node.stage, digests, node.seed, None if spending else node.settings)

    def _final(self, work: Work) -> Path:
        return self.out / ARTEFACTS / f"{work.stage.name}-{work.fingerprint[:_NAME_DIGITS]}"

    def _digest(self, origin: Origin) -> str:
        if origin.recipe in self.nodes:
            return digest_in(self._made[origin.recipe].receipt, origin.file)
        if origin.recipe not in self._digests:
            self._digests[origin.recipe] = self.sources[origin.recipe].digest()
        return self._digests[origin.recipe]

    def _path(self, origin: Origin) -> Path:
        if origin.recipe in self.nodes:
            return self._made[origin.recipe].folder / origin.file
        return self.sources[origin.recipe].path


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Waits until no other process holds `lock`, which goes with the process, however it ends."""
    lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with lock.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
