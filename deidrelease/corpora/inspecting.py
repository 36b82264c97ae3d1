"""Everything that is wrong with a corpus, in one pass: counts by kind, the first places of each, all for who asks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deidrelease.corpora.walking import counted
from deidrelease.errors import CorpusError, Problem
from deidrelease.formats.checking import advice
from deidrelease.formats.defects import ADVICE, KINDS
from deidrelease.notes import Corpus

RECORD_FORMAT = "deidrelease.corpus-findings/1"
FIRST = 20
"""How many places of a kind are kept; a corpus may have millions."""


@dataclass(slots=True)
class Kind:
    """One sort of defect: how often it was found, and where first."""

    count: int = 0
    first: list[Problem] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        """Counts one more."""
        self.count += 1
        if len(self.first) < FIRST:
            self.first.append(problem)


@dataclass(slots=True)
class Findings:
    """What an inspection found.

    Attributes:
        notes: That can be used as they are.
        defects: By kind, what stops the corpus from being used.
        advice: By kind, what does not and is worth knowing.
    """

    notes: int = 0
    defects: dict[str, Kind] = field(default_factory=dict)
    advice: dict[str, Kind] = field(default_factory=dict)

    @property
    def problems(self) -> int:
        """How many defects, advice left out."""
        return sum(kind.count for kind in self.defects.values())

    def add(self, problem: Problem) -> None:
        """Counts `problem` under its kind."""
        kinds = self.advice if problem.kind in ADVICE else self.defects
        kinds.setdefault(problem.kind, Kind()).add(problem)

    def as_record(self, source: str) -> dict[str, Any]:
        """For machines; `source` is the corpus's path. Holds counts, kinds and the first places."""
        return {
            "format": RECORD_FORMAT,
            "source": source,
            "notes": self.notes,
            "problems": self.problems,
            "defects": _as_records(self.defects),
            "advice": _as_records(self.advice),
        }


def _as_records(kinds: Mapping[str, Kind]) -> dict[str, Any]:
    return {
        name: {
            "count": kind.count,
            "means": KINDS.get(name, KINDS["other"]),
            "first": [{"where": p.where, "what": p.what, "remedy": p.remedy} for p in kind.first],
        }
        for name, kind in sorted(kinds.items(), key=lambda item: (-item[1].count, item[0]))
    }


def inspect(open_corpus: Callable[[], Corpus], listeners: Sequence[Callable[[Problem], None]] = ()) -> Findings:
    """Reads a corpus once, to its end, whatever is wrong with it.

    Args:
        open_corpus: Opens it; what keeps it from being opened is a finding like others.
        listeners: Called with every problem as it comes.
    """
    findings = Findings()
    for problem in _problems(open_corpus, findings):
        findings.add(problem)
        for tell in listeners:
            tell(problem)
    return findings


def _problems(open_corpus: Callable[[], Corpus], findings: Findings) -> Iterator[Problem]:
    try:
        corpus = open_corpus()
    except CorpusError as error:
        if not error.problems:
            raise
        yield from error.problems
        return
    found = False
    for item in counted(corpus.everything(), "check"):
        found = True
        if isinstance(item, Problem):
            yield item
        else:
            findings.notes += 1
            yield from advice(item)
    if not found:
        yield Problem(corpus.name, "holds no notes", "name a corpus that does")
