"""What an audit is, and what it may read.

An audit is a scan: it indexes the synthetic side once, streams the private side past the index in shards, adds up
tallies, and concludes. So the same code runs on one core, on many, and on a cluster, in memory bounded by the release
and not by the hospital. `scan(a + b) == scan(a) + scan(b)`, in whatever order the parts come.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self, TypeVar

from deidrelease.derived import Derived
from deidrelease.errors import AuditError, Problem
from deidrelease.keys import SiteKey
from deidrelease.labels import LabelMap
from deidrelease.notes import Corpus, Note
from deidrelease.results import Estimate, Status

Arm = Literal["synthetic", "train", "holdout"]
Language = Literal["es", "sv", "en"]
T = TypeVar("T")
ENTRY_POINTS = "deidrelease.audits"
SCAN_ENTRY_POINTS = "deidrelease.scans"


@dataclass(frozen=True, slots=True)
class Corpora:
    """All that an audit may read.

    Attributes:
        synthetic: What is to be released; small enough to be indexed.
        train: The private notes that the generator saw.
        holdout: Private notes of other patients of the same source that nothing saw; the control.
        label_map: What the labels of the private spans mean; None where nobody said.
        language: Of the notes; None where nobody said.
        tagger: Folder of a tagger that serves as detector; None for patterns alone.
        key: Under which patients and values are hashed.
        seed: Of whatever is random.
        records: What the run's stages noted down of themselves: `adapt`, folder of the adapted model; `annotator`,
            folder of the annotator; `ledger`, the total of the corpus's ledger. Empty where nobody handed any over.
    """

    synthetic: Corpus
    train: Corpus
    holdout: Corpus | None
    label_map: LabelMap | None
    language: Language | None
    tagger: Path | None
    key: SiteKey
    seed: int = 0
    records: Mapping[str, Path] = field(default_factory=dict)
    # Not handed on by `replace`: other corpora have other notes.
    derived: Derived = field(default_factory=Derived, init=False, repr=False, compare=False)

    @property
    def release(self) -> "Shard":
        """The synthetic notes, all together; the same object for every audit where they are at hand."""
        if self.synthetic.is_held:
            return self.derived.once(_whole, self.synthetic)
        return _whole(self.synthetic)

    def arm(self, arm: Arm) -> Corpus | None:
        """The corpus of `arm`."""
        return {"synthetic": self.synthetic, "train": self.train, "holdout": self.holdout}[arm]


@dataclass(frozen=True, slots=True)
class Shard:
    """Some notes of one arm, in reading order, and what was derived of them."""

    arm: Arm
    notes: tuple[Note, ...]
    derived: Derived = field(default_factory=Derived, init=False, repr=False, compare=False)

    def once(self, make: Callable[..., T], *asked: object) -> T:
        """`make(notes, *asked)`, computed for the first audit that asks; see `Derived`, nobody may change it."""
        return self.derived.once(make, self.notes, *asked)


def _whole(corpus: Corpus) -> Shard:
    return Shard("synthetic", tuple(corpus))


class Tally(Protocol):
    """What a scan found, small, picklable and addable: the sum does not depend on order or grouping."""

    def __add__(self, other: Self, /) -> Self:
        """Both together."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of evidence, private: it names notes and quotes the value. It never leaves the site.

    Attributes:
        audit: That found it.
        kind: In the audit's own words, such as `exact` or `date-format`.
        severity: `decisive`: no chance match; `match`: may be chance, the statistics decide.
        synthetic_note: Id of the synthetic note.
        start: First code point there.
        end: Behind the last code point there.
        private_note: Id of a private note that holds the same; empty where the audit does not keep it.
        private_start: First code point there; -1 where unknown.
        private_end: Behind the last one there; -1 where unknown.
        value: The text in question.
        arm: Where the private note stands: `train` evidence, or `holdout` to compare.
    """

    audit: str
    kind: str
    severity: Literal["decisive", "match"]
    synthetic_note: str
    start: int
    end: int
    private_note: str = ""
    private_start: int = -1
    private_end: int = -1
    value: str = ""
    arm: Arm = "train"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What an audit found, before the runner adds who it is; fields as in `AuditReport`."""

    status: Status
    reason: str = ""
    metrics: Mapping[str, Estimate] = field(default_factory=dict)
    control: Mapping[str, Estimate] = field(default_factory=dict)
    p_value: float | None = None
    null: Mapping[str, object] = field(default_factory=dict)
    breakdown: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


class Audit(Protocol):
    """One way to look for the private corpus in the synthetic one. Its fields are its settings.

    Attributes:
        name: As policies spell it.
        version: Raised when the code changes what comes out.
        arms: Which arms `scan` wants to see, in this order.
        cost: About how long it takes beside the others, as a ratio; where several run side by side the longest begin.
        derives: What it makes of notes that others make too, `words` or `values`, and a process therefore makes once.
        metrics: Name to one plain sentence, for every metric that `conclude` may give.
        threat_model: Who is assumed to try what.
        says: What its numbers permit one to say.
        does_not_say: What they do not.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    arms: ClassVar[tuple[Arm, ...]]
    cost: ClassVar[float]
    derives: ClassVar[str]
    metrics: ClassVar[Mapping[str, str]]
    threat_model: ClassVar[str]
    says: ClassVar[str]
    does_not_say: ClassVar[str]

    def settings(self) -> Mapping[str, object]:
        """Everything that decides the result besides the corpora, as JSON values."""
        ...

    def index(self, corpora: Corpora) -> Any:
        """Reads the synthetic side once; the result can be pickled."""
        ...

    def scan(self, index: Any, shard: Shard) -> Any:
        """The tally of `shard`; pure, and the index stays as it is."""
        ...

    def conclude(self, index: Any, tally: Any) -> Conclusion:
        """Judges the sum of all tallies; each arm gave at least one, if of an empty shard."""
        ...


def audit_names() -> list[str]:
    """The names of the audits of this installation, in the order of their entry points; loads none."""
    from importlib.metadata import entry_points

    return list(dict.fromkeys(point.name for point in entry_points(group=ENTRY_POINTS)))


def installed_audits(only: Collection[str] | None = None) -> dict[str, type[Audit]]:
    """The audits of this installation by name, in the order of their entry points.

    Args:
        only: Names of those that are wanted; no other is loaded. None for all.

    Raises:
        AuditError: A wanted entry point cannot be loaded: an audit that is silently missing would be a silent pass.
    """
    from importlib.metadata import entry_points

    audits = {}
    for point in entry_points(group=ENTRY_POINTS):
        if only is not None and point.name not in only:
            continue
        try:
            audits[point.name] = point.load()
        except (ImportError, AttributeError):
            problem = Problem(f"audit {point.name}", "is registered and cannot be loaded", "mend its package")
            raise AuditError("The installation is damaged.", [problem]) from None
    return audits


@dataclass(frozen=True, slots=True)
class FileHit:
    """Something of a private note in a file of a bundle; it names the file and what it is, and never quotes.

    Attributes:
        file: Path in the bundle.
        what: Goes on from "FILE …".
        places: In how many places of the file, its readings counted one by one.
    """

    file: str
    what: str
    places: int


@dataclass(frozen=True, slots=True)
class FilesScanned:
    """What a scan of files did and found.

    Attributes:
        files: How many were read.
        notes: Private notes that were searched in them.
        identifiers: Values that were searched.
        hits: Any of them keeps the bundle from being signed.
    """

    files: int
    notes: int
    identifiers: int
    hits: tuple[FileHit, ...]


class FileScan(Protocol):
    """A search for private notes in files that are about to leave the site."""

    name: ClassVar[str]
    version: ClassVar[int]

    def settings(self) -> Mapping[str, object]:
        """What decides a hit besides the corpora, as JSON values."""
        ...

    def scan(
        self,
        files: Mapping[str, bytes],
        notes: Corpus | None,
        private: Sequence[Corpus],
        label_map: LabelMap,
        key: SiteKey,
    ) -> FilesScanned:
        """Searches `private` in `files` (path in the bundle to bytes), and in all of `notes` but their texts."""
        ...


def installed_file_scan() -> FileScan:
    """The scan that every bundle goes through.

    Raises:
        AuditError: None is installed, or it cannot be loaded: what was not searched is not known to be clean.
    """
    from importlib.metadata import entry_points

    remedy = "install deidrelease whole"
    for point in entry_points(group=SCAN_ENTRY_POINTS, name="files"):
        try:
            scan: FileScan = point.load()()
        except (ImportError, AttributeError):
            problem = Problem(f"scan {point.name}", "is registered and cannot be loaded", remedy)
            raise AuditError("The installation is damaged.", [problem]) from None
        return scan
    problem = Problem(SCAN_ENTRY_POINTS, "no scan of files is registered", remedy)
    raise AuditError("The bundle's files cannot be searched.", [problem])
