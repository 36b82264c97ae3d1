"""The evidence: which words of which synthetic note stand in private ones, and where. Private; it never leaves."""

from collections.abc import Iterator

import numpy as np

from deidrelease.contracts import Arm, Finding
from deidrelease_audits.text.tokens import Places
from deidrelease_audits.verbatim.index import VerbatimIndex
from deidrelease_audits.verbatim.matching import LEAST
from deidrelease_audits.verbatim.null import Incident
from deidrelease_audits.verbatim.scan import Shared, SpanTally, synthetic_span
from deidrelease_audits.verbatim.suffixes import Small

NAME = "verbatim"


def found_in_train(
    index: VerbatimIndex, tally: SpanTally, spread: Small, least: int, decisive: list[Incident]
) -> tuple[Finding, ...]:
    """The decisive spans, the best others, and every further maximal span of eight words or more."""
    told = [*_decisive(index, decisive), *_others(index, tally, "train", least, decisive)]
    places = {(f.synthetic_note, f.start, f.end) for f in told}
    rest = (f for f in _all_spans(index, tally, spread) if (f.synthetic_note, f.start, f.end) not in places)
    return (*told, *rest)


def found_in_holdout(index: VerbatimIndex, tally: SpanTally, least: int) -> tuple[Finding, ...]:
    """The best spans of at least `least` words, to compare."""
    return tuple(_others(index, tally, "holdout", least, []))


def maximal_spans(spread: Small) -> Places:
    """Where the spans of at least eight begin that lie in no other; from the longest match of each position.

    What matches from a position on matches, but for its first token, from the next: no span ends before the one that
    begins a token earlier, and one that ends with it is its rest.
    """
    long_ = spread >= LEAST
    rest = np.zeros(len(spread), bool)
    rest[1:] = long_[:-1] & (spread[1:] == spread[:-1] - 1)
    return np.flatnonzero(long_ & ~rest)


def _all_spans(index: VerbatimIndex, tally: SpanTally, spread: Small) -> Iterator[Finding]:
    """Every maximal span of the synthetic notes that train has; with the private note where a place was kept."""
    kept = {(shared.there, shared.length): shared for spans in tally.evidence.values() for shared in reversed(spans)}
    starts = maximal_spans(spread)
    for there, length in zip(starts.tolist(), spread[starts].tolist(), strict=True):
        yield _finding(index, kept.get((there, length)), there, length, "train", decisive=False)


def _decisive(index: VerbatimIndex, decisive: list[Incident]) -> Iterator[Finding]:
    return (_finding(index, i.shared, i.there, i.length, "train", decisive=True) for i in decisive)


def _others(
    index: VerbatimIndex, tally: SpanTally, arm: Arm, least: int, decisive: list[Incident]
) -> Iterator[Finding]:
    told = {(i.note, i.shared.patient) for i in decisive}
    return (
        _finding(index, shared, shared.there, shared.length, arm, decisive=False)
        for note, spans in sorted(tally.evidence.items())
        for shared in spans
        if shared.length >= least and (note, shared.patient) not in told
    )


def _finding(
    index: VerbatimIndex, shared: Shared | None, there: int, length: int, arm: Arm, *, decisive: bool
) -> Finding:
    note, start, end = synthetic_span(index, there, length)
    return Finding(
        audit=NAME,
        kind="words",
        severity="decisive" if decisive else "match",
        synthetic_note=index.names[note],
        start=start,
        end=end,
        private_note=shared.note_id if shared else "",
        private_start=shared.start if shared else -1,
        # A copy that stops earlier than the span of which the place was kept ends at an unknown place there.
        private_end=shared.end if shared and length == shared.length else -1,
        value=index.texts[note][start:end],
        arm=arm,
    )
