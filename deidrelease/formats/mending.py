"""Repairs a draft where the right answer is known, and says what it did; what it does not know it leaves a defect.

Nothing is guessed: offsets move only where quoted texts prove where they belong, and no span is ever dropped for being
wrong, because text whose PII is not marked teaches a tagger to miss it. A note that cannot be mended is left
out, whole.
"""

import re
from dataclasses import replace

from deidrelease.errors import Problem
from deidrelease.formats.drafts import Draft, DraftSpan
from deidrelease.formats.offsets import MARK, converted, counted_otherwise, same_text
from deidrelease.formats.reading import Overlaps
from deidrelease.notes import Span, longest

# Tab, line feed, vertical tab, form feed, carriage return and next line are layout; every other control is damage.
CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")


def mend(draft: Draft, overlaps: Overlaps) -> Draft:
    """`draft` with what can be mended mended, and every repair added to its `fixes`."""
    draft = _in_code_points(draft)
    draft = _without_mark(draft)
    draft = _without_controls(draft)
    draft = _moved(draft)
    draft = _once(draft)
    return _without_overlaps(draft) if overlaps == "keep-longest" else draft


def _without_mark(draft: Draft) -> Draft:
    if not draft.text.startswith(MARK):
        return draft
    spans = tuple(replace(s, start=max(s.start - 1, 0), end=s.end - 1, covered=_unmarked(s)) for s in draft.spans)
    fix = Problem(draft.where, "its text begins with a byte order mark", "dropped it", "mark-in-text")
    return replace(draft, text=draft.text[1:], spans=spans, fixes=(*draft.fixes, fix))


def _unmarked(span: DraftSpan) -> str | None:
    return span.covered.removeprefix(MARK) if span.covered and span.start == 0 else span.covered


def _without_controls(draft: Draft) -> Draft:
    text, count = CONTROLS.subn(" ", draft.text)
    if not count:
        return draft
    spans = tuple(replace(s, covered=CONTROLS.sub(" ", s.covered) if s.covered else s.covered) for s in draft.spans)
    what = f"{count} control character(s) in the text"
    fix = Problem(draft.where, what, "put a space in the place of each", "control-characters")
    return replace(draft, text=text, spans=spans, fixes=(*draft.fixes, fix))


def _in_code_points(draft: Draft) -> Draft:
    units = counted_otherwise(draft.text, draft.spans)
    pairs = converted(draft.text, draft.spans, units) if units else None
    if pairs is None:
        return draft
    spans = tuple(replace(s, start=a, end=b) for s, (a, b) in zip(draft.spans, pairs, strict=True))
    fix = Problem(draft.where, f"its offsets count {units}", "counted code points instead", "text-mismatch")
    return replace(draft, spans=spans, fixes=(*draft.fixes, fix))


def _moved(draft: Draft) -> Draft:
    spans, fixes = [], list(draft.fixes)
    for span in draft.spans:
        place = _only_place(draft.text, span)
        if place is not None:
            what = f"span {span.start}-{span.end} does not cover the text that it quotes"
            done = f"moved it to {place}-{place + len(span.covered or '')}, the only place that has it"
            fixes.append(Problem(span.where, what, done, "text-mismatch"))
            span = replace(span, start=place, end=place + len(span.covered or ""))
        spans.append(span)
    return replace(draft, spans=tuple(spans), fixes=tuple(fixes))


def _only_place(text: str, span: DraftSpan) -> int | None:
    """Where alone the quoted text stands; None where the span is right, or nothing tells."""
    if not span.covered or (span.start >= 0 and same_text(text[span.start : span.end], span.covered)):
        return None
    first = text.find(span.covered)
    if first < 0 or text.find(span.covered, first + 1) >= 0:
        return None
    return first


def _once(draft: Draft) -> Draft:
    kept: dict[tuple[int, int, str], DraftSpan] = {}
    for span in draft.spans:
        kept.setdefault((span.start, span.end, span.label), span)
    if not (surplus := len(draft.spans) - len(kept)):
        return draft
    what = f"{surplus} span(s) stand twice with the same label"
    fix = Problem(draft.where, what, "kept one of each", "duplicate-span")
    return replace(draft, spans=tuple(kept.values()), fixes=(*draft.fixes, fix))


def _without_overlaps(draft: Draft) -> Draft:
    spans = {Span(s.start, s.end, s.label): s for s in draft.spans}
    if any(span.start < 0 or span.end <= span.start for span in spans):
        return draft
    kept = longest(sorted(spans))
    if len(kept) == len(draft.spans):
        return draft
    what = f"{len(draft.spans) - len(kept)} span(s) overlap longer ones"
    fix = Problem(draft.where, what, "kept the longest", "overlap")
    return replace(draft, spans=tuple(spans[span] for span in kept), fixes=(*draft.fixes, fix))
