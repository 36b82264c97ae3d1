"""From drafts to notes: the checks that are the same for every format, in one place.

A draft becomes a note, or one problem for each of its defects. No message quotes text, a value or a patient id.
"""

import re
import unicodedata
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from deidrelease.errors import Problem
from deidrelease.formats.drafts import Draft, DraftShard, DraftSpan
from deidrelease.formats.mending import CONTROLS, mend
from deidrelease.formats.offsets import MARK, counted_otherwise, same_text
from deidrelease.formats.patients import FileName, Finder, group_of, missing_patient
from deidrelease.formats.reading import Overlaps, ReadOptions
from deidrelease.notes import Located, Note, Span, longest, overlaps


@dataclass(frozen=True, slots=True)
class CheckedShard:
    """A shard whose drafts are mended, where that is asked for, and checked."""

    drafts: DraftShard
    options: ReadOptions
    find: Finder

    def read(self) -> Iterator[Located | Problem]:
        """Yields every note with its place, and a problem for each defect of those that cannot be one."""
        for items in self.by_note():
            yield from items

    def by_note(self) -> Iterator[tuple[Located | Problem, ...]]:
        """Yields what `read` does, what belongs to one draft together: one note, or all that is wrong with it."""
        try:
            for item in self.drafts.drafts():
                yield (_masked(item, self.find),) if isinstance(item, Problem) else tuple(self._check(item))
        except OSError as error:
            # A disk or a network drive that fails under a reader must not look like a bug of ours.
            what = f"cannot be read ({error.strerror or type(error).__name__})"
            where = str(error.filename or "the corpus")
            yield (_masked(Problem(where, what, "correct its permissions, or the disk", "unreadable"), self.find),)

    def _check(self, draft: Draft) -> Iterator[Located | Problem]:
        patient = self.find.find(draft)
        fixes = draft.fixes
        if self.options.mend:
            draft = mend(draft, self.options.overlaps)
            fixes = draft.fixes
        spans = tuple(Span(span.start, span.end, span.label) for span in draft.spans)
        problems = list(_problems(draft, spans, patient, self.find, self.options.overlaps))
        if problems:
            yield from (_masked(problem, self.find, draft.file) for problem in problems)
            return
        assert patient is not None  # noqa: S101  (its absence is a problem)
        if self.options.overlaps == "keep-longest" and (fewer := len(spans) - len(kept := longest(sorted(spans)))):
            # Chosen by the user, and still nothing to be silent about.
            fix = Problem(draft.where, f"{fewer} span(s) overlap longer ones", "kept the longest", "overlap")
            spans, fixes = kept, (*fixes, fix)
        note = Note(draft.note_id, patient, draft.text, spans, draft.meta)
        where = _masked_place(draft.where, self.find, draft.file)
        yield Located(where, note, tuple(_masked(fix, self.find, draft.file) for fix in fixes))


def advice(located: Located) -> Iterator[Problem]:
    """What does not stop a note from being used, and is worth knowing."""
    where, text = located.where, located.note.text
    if not text.strip():
        yield Problem(where, "has no text", "leave it out", "empty-note")
    if text.startswith(MARK):
        what = "begins with a byte order mark, which is kept as a character that offsets count"
        yield Problem(where, what, "nothing, or mend a copy without it", "mark-in-text")
    if "\r\n" in text:
        what = "has CR LF line ends, two code points each"
        yield Problem(where, what, "nothing, if its offsets count them so, as they seem to", "line-ends")
    if not unicodedata.is_normalized("NFC", text):
        what = "is not in Unicode normal form C: accents stand as characters of their own"
        yield Problem(where, what, "nothing: offsets count them; other tools may normalise", "not-nfc")


def _problems(
    draft: Draft, spans: Sequence[Span], patient: str | None, find: Finder, policy: Overlaps
) -> Iterator[Problem]:
    yield from draft.problems
    if not draft.note_id:
        yield Problem(
            draft.where, "note_id is missing, empty or not a string", "give every note an id of its own", "field"
        )
    if patient is None:
        yield missing_patient(draft.where, find)
    for name, content in (("note_id", draft.note_id), ("patient_id", patient or "")):
        if not _plain(content):
            yield Problem(draft.where, f"{name} holds control characters or half a surrogate pair", "mend it", "field")
    if draft.extras:
        yield from _extra_fields(draft, find)
    yield from _text_problems(draft)
    good = yield from _span_problems(draft, spans)
    if policy == "error":
        for a, b in overlaps(sorted(good)):
            what = f"spans {a.start}-{a.end} and {b.start}-{b.end} overlap"
            yield Problem(draft.where, what, "keep one of them, or say which: overlaps", "overlap")


def _extra_fields(draft: Draft, find: Finder) -> Iterator[Problem]:
    used = getattr(find, "name", "").split(".")[0]
    if unknown := len(draft.extras.keys() - {used}):
        what = f"has {unknown} field(s) that the format does not know"
        yield Problem(draft.where, what, "put them into meta", "field")


def _text_problems(draft: Draft) -> Iterator[Problem]:
    text = draft.text
    if match := CONTROLS.search(text):
        what = f"control character U+{ord(match[0]):04X} at {match.start()} of the text"
        yield Problem(draft.where, what, "replace it by a space, or look for a wrong encoding", "control-characters")
    if not text.isascii() and not _encodable(text):
        what = "text holds an unpaired surrogate, which UTF-8 cannot carry"
        yield Problem(draft.where, what, "save it anew from its source", "surrogate")


def _span_problems(draft: Draft, spans: Sequence[Span]) -> Generator[Problem, None, list[Span]]:
    """Yields what is wrong with the spans; returns those that nothing is wrong with."""
    good: list[Span] = []
    seen: set[tuple[int, int, str]] = set()
    otherwise = counted_otherwise(draft.text, draft.spans)
    for span, plain in zip(draft.spans, spans, strict=True):
        problem = _span_problem(span, draft.text, otherwise)
        # A tuple is hashed at once, a dataclass by a call: over millions of spans that shows.
        key = (span.start, span.end, span.label)
        if problem is None and key in seen:
            what = f"span {span.start}-{span.end} stands twice with the same label"
            problem = Problem(span.where, what, "remove one of the two", "duplicate-span")
        if problem is None:
            seen.add(key)
            good.append(plain)
        else:
            yield problem
    return good


def _span_problem(span: DraftSpan, text: str, otherwise: str | None) -> Problem | None:
    if not span.label or not _plain(span.label):
        what = f"a span at {span.start}-{span.end} has a label that is empty or holds what no label may"
        return Problem(span.where, what, "name its type", "label")
    remedy = "correct the offsets: they count Unicode code points of the text as it is, CR and LF one each"
    if otherwise:
        remedy = f"the offsets of this note fit if they count {otherwise}: `deidrelease corpus check --fix` converts"
    if not 0 <= span.start < span.end <= len(text):
        what = f"span {span.start}-{span.end} is empty or lies outside the text of {len(text)} code points"
        return Problem(span.where, what, remedy, "offsets")
    if span.covered is not None and not same_text(text[span.start : span.end], span.covered):
        if unicodedata.normalize("NFC", text[span.start : span.end]) == unicodedata.normalize("NFC", span.covered):
            return None
        what = f"its text is not what the note has at {span.start}-{span.end}"
        return Problem(span.where, what, remedy, "text-mismatch")
    return None


def _masked_place(where: str, find: Finder, file: str) -> str:
    return _masked(Problem(where, "", ""), find, file).where if isinstance(find, FileName) else where


def _masked(problem: Problem, find: Finder, file: str = "") -> Problem:
    """A file name that holds a patient id must not go into a message whole."""
    if not isinstance(find, FileName):
        return problem
    # A note's file may lie in folders of its corpus, whose names the pattern sees too.
    *folder, name = problem.where.rsplit("/", 1) if not file else _split(problem.where, file.count("/") + 1)
    match = next(filter(None, map(find.pattern.search, _alike(file, name))), None)
    if match is None or not (patient := match[group_of(find.pattern)]):
        return problem
    start, end = match.span(group_of(find.pattern))
    # The annotations beside a text share its name but for the ending.
    same = name[start:end] == patient
    masked = f"{name[:start]}<patient>{name[end:]}" if same else name.replace(patient, "<patient>")
    return replace(problem, where="/".join([*folder, masked]), what=problem.what.replace(name, masked))


def _split(where: str, names: int) -> tuple[str, ...]:
    parts = where.split("/")
    cut = max(len(parts) - names, 0)
    return ("/".join(parts[:cut]), "/".join(parts[cut:])) if cut else (where,)


def _alike(file: str, name: str) -> Iterator[str]:
    """The names in which a pattern made for the corpus's files may find the patient."""
    if file:
        yield file
    plain = re.sub(r":\d+$", "", name)
    yield plain
    yield f"{plain.rpartition('.')[0]}.txt"


def _plain(name: str) -> bool:
    """Whether an id or a label holds neither control characters nor half a surrogate pair."""
    return name.isprintable() or (CONTROLS.search(name) is None and _encodable(name))


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
