"""Small, real audits, and ones that go wrong, for tests of what runs and writes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from deidrelease.contracts import Arm, Conclusion, Corpora, Finding, Shard
from deidrelease.results import Estimate

Match = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Lines:
    """Notes looked at, and lines shared with a synthetic note: arm, synthetic note, private note, line."""

    notes: Mapping[str, int] = field(default_factory=dict)
    shared: frozenset[Match] = frozenset()

    def __add__(self, other: "Lines") -> "Lines":
        arms = sorted({*self.notes, *other.notes})
        return Lines({a: self.notes.get(a, 0) + other.notes.get(a, 0) for a in arms}, self.shared | other.shared)


@dataclass(frozen=True, slots=True)
class SharedLines:
    """Whole lines that stand in a synthetic and in a private note."""

    least: int = 1

    name: ClassVar[str] = "shared_lines"
    version: ClassVar[int] = 1
    arms: ClassVar[tuple[Arm, ...]] = ("train", "holdout")
    cost: ClassVar[float] = 1
    derives: ClassVar[str] = "lines"
    metrics: ClassVar[Mapping[str, str]] = {"lines": "Lines shared.", "decisive": "Lines of 40 characters shared."}
    threat_model: ClassVar[str] = "Somebody reads."
    says: ClassVar[str] = "How many lines are shared."
    does_not_say: ClassVar[str] = "Why."

    def settings(self) -> Mapping[str, object]:
        return {"least": self.least}

    def index(self, corpora: Corpora) -> dict[str, str]:
        return {line: note.note_id for note in corpora.synthetic for line in note.text.splitlines() if line}

    def scan(self, index: dict[str, str], shard: Shard) -> Lines:
        shared = {
            (shard.arm, index[line], note.note_id, line)
            for note in shard.notes
            for line in note.text.splitlines()
            if line in index
        }
        return Lines({shard.arm: len(shard.notes)}, frozenset(shared))

    def conclude(self, index: dict[str, str], tally: Lines) -> Conclusion:  # noqa: ARG002
        if not tally.notes.get("holdout"):
            return Conclusion("inconclusive", "needs a hold-out of 59 patients", self._metrics(tally, "train"))
        findings = (
            Finding(self.name, "line", "match", synthetic, 0, len(line), private, value=line, arm=arm)  # type: ignore[arg-type]
            for arm, synthetic, private, line in sorted(tally.shared)
        )
        metrics, control = self._metrics(tally, "train"), self._metrics(tally, "holdout")
        return Conclusion("measured", "", metrics, control, 0.25, {"kind": "none"}, {}, tuple(findings))

    def _metrics(self, tally: Lines, wanted: str) -> dict[str, Estimate]:
        lines = [line for arm, _, _, line in tally.shared if arm == wanted]
        long = sum(len(line) >= 40 for line in lines)
        return {
            name: Estimate(value, value, value, 1.0, tally.notes.get(wanted, 0), "counted")
            for name, value in (("lines", float(len(lines))), ("decisive", float(long)))
        }


@dataclass(frozen=True, slots=True)
class Crashing(SharedLines):
    """Raises with the text of a private note in its message, in the method named."""

    where: str = "scan"

    name: ClassVar[str] = "crashing"

    def settings(self) -> Mapping[str, object]:
        self._crash("settings", "no text yet")
        return {"where": self.where}

    def index(self, corpora: Corpora) -> dict[str, str]:
        self._crash("index", next(iter(corpora.train)).text)
        return {}

    def scan(self, index: dict[str, str], shard: Shard) -> Lines:  # noqa: ARG002
        for note in shard.notes:
            self._crash("scan", f"{note.note_id} {note.patient_id} {note.text}")
        return Lines({}, frozenset((shard.arm, n.note_id, n.note_id, n.text) for n in shard.notes))

    def conclude(self, index: dict[str, str], tally: Lines) -> Conclusion:  # noqa: ARG002
        self._crash("conclude", repr(tally))
        return Conclusion("measured", "", self._metrics(tally, "train"))

    def _crash(self, where: str, text: str) -> None:
        if where == self.where:
            raise KeyError(text)


@dataclass(frozen=True, slots=True)
class Claiming(SharedLines):
    """Concludes whatever it is told to."""

    claim: Any = None

    name: ClassVar[str] = "claiming"

    def settings(self) -> Mapping[str, object]:
        return {}

    def conclude(self, index: dict[str, str], tally: Lines) -> Conclusion:  # noqa: ARG002
        return self.claim  # type: ignore[no-any-return]
