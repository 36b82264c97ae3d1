"""How much of what a person annotated a detector covers, by type, and how much else it covers.

Labels of detector and annotation need not agree: what counts is whether the characters would be hidden. White space
counts nowhere.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from deidrelease.detection.intervals import ClusteredShare
from deidrelease.notes import Note, Span
from deidrelease.results import Estimate


@dataclass(frozen=True, slots=True)
class TypeRecall:
    """Recall on one type.

    Attributes:
        whole: Share of mentions of which every character is covered.
        touched: Share of mentions of which at least one character is covered.
        characters: Share of characters covered.
    """

    whole: ClusteredShare = field(default_factory=ClusteredShare)
    touched: ClusteredShare = field(default_factory=ClusteredShare)
    characters: ClusteredShare = field(default_factory=ClusteredShare)

    def add(self, mentions: Sequence[tuple[int, int]]) -> None:
        """Counts the mentions of one note, each as characters covered and characters in all."""
        self.whole.add(sum(covered == size for covered, size in mentions), len(mentions))
        self.touched.add(sum(covered > 0 for covered, _ in mentions), len(mentions))
        self.characters.add(sum(covered for covered, _ in mentions), sum(size for _, size in mentions))


@dataclass(slots=True)
class Detected:
    """What was counted in some notes.

    Attributes:
        by_type: By label of the annotation.
        overall: All types together.
        precision: Share of covered characters that are annotated.
        over_redaction: Share of the characters without annotation that are covered all the same.
        struck: Share of notes without any annotation in which something was detected.
        false_spans: Number of spans in those notes.
    """

    by_type: dict[str, TypeRecall] = field(default_factory=lambda: defaultdict(TypeRecall))
    overall: TypeRecall = field(default_factory=TypeRecall)
    precision: ClusteredShare = field(default_factory=ClusteredShare)
    over_redaction: ClusteredShare = field(default_factory=ClusteredShare)
    struck: ClusteredShare = field(default_factory=ClusteredShare)
    false_spans: int = 0

    def add(self, gold: Note, spans: Sequence[Span]) -> None:
        """Counts one note; `spans` are those detected."""
        covered = _visible(gold.text, spans)
        mentions = [(span.label, _visible(gold.text, [span])) for span in gold.spans]
        counted = [(label, (len(place & covered), len(place))) for label, place in mentions if place]
        for label in {label for label, _ in counted}:
            self.by_type[label].add([sizes for other, sizes in counted if other == label])
        self.overall.add([sizes for _, sizes in counted])
        private = set().union(*(place for _, place in mentions))
        visible = sum(not character.isspace() for character in gold.text)
        self.precision.add(len(covered & private), len(covered))
        self.over_redaction.add(len(covered - private), visible - len(private))
        if not gold.spans:
            self.struck.add(bool(spans), 1)
            self.false_spans += len(spans)

    def worst_first(self) -> list[tuple[str, TypeRecall]]:
        """Types by the share of mentions wholly covered, then by the upper end of its interval."""
        return sorted(self.by_type.items(), key=lambda item: _rank(item[0], item[1].whole.estimate()))


def recall(pairs: Iterable[tuple[Note, Sequence[Span]]]) -> Detected:
    """Counts annotated notes, each with what was detected in it."""
    counted = Detected()
    for note, spans in pairs:
        counted.add(note, spans)
    return counted


def markdown(counted: Detected) -> str:
    """A table a type, worst first, and below it what was covered without need."""
    lines = [
        "| type | mentions (notes) | wholly covered | touched | characters |",
        "|---|---|---|---|---|",
        *(_row(label, types) for label, types in counted.worst_first()),
    ]
    if counted.overall.whole.units:
        lines.append(_row("**all**", counted.overall))
    lines.append("")
    if counted.precision.units:
        lines.append(f"Of the characters covered, {_percent(counted.precision)} are annotated.")
    if counted.over_redaction.units:
        lines.append(f"Of the characters without annotation, {_percent(counted.over_redaction)} are covered.")
    if counted.struck.units:
        notes = counted.struck.units
        lines.append(
            f"Of {notes:,} notes without any annotation, {_percent(counted.struck)} have a detection "
            f"({counted.false_spans / notes:.2f} spans a note)."
        )
    return "\n".join(lines)


def _visible(text: str, spans: Iterable[Span]) -> set[int]:
    return {at for span in spans for at in range(span.start, span.end) if not text[at].isspace()}


def _rank(label: str, whole: Estimate) -> tuple[float, float, str]:
    return whole.value, whole.high, label


def _row(label: str, types: TypeRecall) -> str:
    mentions = types.whole.units
    shown = [types.whole.estimate(), types.touched.estimate(), types.characters.estimate(at_most=mentions)]
    return f"| {label} | {mentions:,} ({types.whole.notes:,}) | {' | '.join(map(str, shown))} |"


def _percent(share: ClusteredShare) -> str:
    estimate = share.estimate()
    return f"{estimate.value:.3%} [{estimate.low:.3%}, {estimate.high:.3%}]"
