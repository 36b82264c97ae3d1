"""Puts a surrogate in the place of every tagged value of a note, consistently within it and exactly where it stood.

A note is a world of its own: its random stream comes from the seed and its id, so other notes, and their order, change
nothing; and the same person in two notes gets two names.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from deidrelease.errors import CorpusError, Problem
from deidrelease.labels import LabelMap
from deidrelease.notes import Note, Span, overlaps
from deidrelease.settings import SubstituteSettings
from deidrelease.surrogates.addresses import new_email, new_ip, new_url
from deidrelease.surrogates.ages import new_age
from deidrelease.surrogates.cast import Cast, genders_of, known_names
from deidrelease.surrogates.dates import Reading
from deidrelease.surrogates.forbidden import Forbidden, digits_key
from deidrelease.surrogates.identifiers import new_identifier, pour
from deidrelease.surrogates.language import language_of
from deidrelease.surrogates.lexicon import Gender
from deidrelease.surrogates.names import Mention, is_kin_only, take_apart
from deidrelease.surrogates.normal import in_case_of, normal, squeezed
from deidrelease.surrogates.phones import new_phone
from deidrelease.surrogates.places import new_institution, new_place, new_postcode, new_street
from deidrelease.surrogates.shifting import Dates, fresh_date, reading_for, shift_dates
from deidrelease.surrogates.source import Source, pools, source

ATTEMPTS = 200
_NEAREST_REACH = 250
_NUMBERS = frozenset({"phone", "postcode", "id", "ip"})
_DEFAULTS = SubstituteSettings()


def substitute(
    note: Note,
    label_map: LabelMap,
    forbidden: Forbidden,
    seed: int,
    settings: SubstituteSettings = _DEFAULTS,
    where: str = "the note",
) -> Note:
    """The note with every span's value replaced; pure: equal arguments, equal note.

    Args:
        note: Spans may not overlap.
        label_map: Says for each label what kind of surrogate its values get.
        forbidden: What no surrogate may be, or nearly be.
        seed: Together with the note's id it decides every draw.
        settings: Language, ages, dates.
        where: What messages name as the place.

    Returns:
        The same note but for the covered text: labels, and all text outside spans, stay as they were.

    Raises:
        CorpusError: Spans overlap, a label is not mapped, the language is not clear, or no free value was found.
    """
    label_map.require((span.label for span in note.spans), where)
    if overlaps(note.spans):
        problem = Problem(where, "holds overlapping spans", "resolve them (deidrelease corpus check)", "overlap")
        raise CorpusError("Overlapping spans cannot be replaced.", [problem])
    if not note.spans:
        return note
    language = language_of(note.text, settings.language, settings.fallback_language, where)
    return _rebuilt(note, _NoteWork(note, label_map, forbidden, _stream(seed, note.note_id, language), settings, where))


def _stream(seed: int, note_id: str, language: str) -> Source:
    digest = hashlib.blake2b(note_id.encode("utf-8"), key=seed.to_bytes(16, "big"), digest_size=16).digest()
    return source(language, random.Random(int.from_bytes(digest, "big")))


def _rebuilt(note: Note, work: "_NoteWork") -> Note:
    values = work.values()
    pieces: list[str] = []
    spans: list[Span] = []
    at = length = 0
    for span, value in zip(note.spans, values, strict=True):
        outside = note.text[at : span.start]
        length += len(outside)
        spans.append(Span(length, length + len(value), span.label))
        pieces += [outside, value]
        length += len(value)
        at = span.end
    return replace(note, text="".join([*pieces, note.text[at:]]), spans=tuple(spans))


@dataclass(slots=True)
class _NoteWork:
    note: Note
    label_map: LabelMap
    forbidden: Forbidden
    source: Source
    settings: SubstituteSettings
    where: str
    drawn: dict[tuple[str, str], str] = field(default_factory=dict)
    dates: Dates = field(default_factory=lambda: Dates({}, 0))

    def values(self) -> list[str]:
        """The new value of each span, in order."""
        self.dates = self._shifted()
        cast, mentions = self._people()
        return [self._value(index, span, cast, mentions) for index, span in enumerate(self.note.spans)]

    def _kind(self, span: Span) -> str:
        return self.label_map[span.label].surrogate

    def _value(self, index: int, span: Span, cast: Cast, mentions: dict[int, Mention]) -> str:
        old, kind = self.note.value(span), self._kind(span)
        if not any(c.isalnum() for c in old):
            return old  # punctuation alone says nothing
        if index in mentions:
            return cast.written(mentions[index])
        if kind in ("kinship", "keep"):
            return old
        if kind == "age":
            return new_age(old, self.source.words, self.settings.ages)
        if kind == "date" and old in self.dates.written:
            return self.dates.written[old]
        return self._once(span, old, kind, lambda attempt: self._draw(index, old, kind, cast, mentions, attempt))

    def _once(self, span: Span, old: str, kind: str, draw: Callable[[int], str]) -> str:
        """The surrogate of this value, drawn where it is met first, in the shape and case of this mention."""
        key = (kind, squeezed(old))
        if key not in self.drawn:
            self.drawn[key] = self._free(span, old, kind, draw)
        new = self.drawn[key]
        if kind in ("id", "phone", "postcode"):
            return pour("".join(c for c in new if c.isalnum()), old) if _same_shape(new, old) else new
        return new if kind in ("email", "url", "ip") else in_case_of(old, new)

    def _free(self, span: Span, old: str, kind: str, draw: Callable[[int], str]) -> str:
        taken = {squeezed(value) for value in self.drawn.values()}
        for attempt in range(ATTEMPTS):
            new = draw(attempt)
            if not new or self.forbidden.hit(new, kind) or squeezed(new) == squeezed(old):
                continue
            if squeezed(new) not in taken or kind == "phone":
                return new
        raise _exhausted(span.label, kind, self.where)

    def _draw(self, index: int, old: str, kind: str, cast: Cast, mentions: dict[int, Mention], attempt: int) -> str:
        words = self.source
        if kind in _NUMBERS and not any(c.isdigit() for c in old):
            kind = "other"  # a word that was tagged as a number
        makers: dict[str, Callable[[], str]] = {
            "street": lambda: new_street(old, words, attempt),
            "place": lambda: new_place(old, words, attempt),
            "country": words.country,
            "postcode": lambda: new_postcode(old, words),
            "hospital": lambda: new_institution(old, words, attempt),
            "organisation": lambda: new_institution(old, words, attempt, hospital=False),
            "phone": lambda: new_phone(old, words),
            "email": lambda: new_email(old, words, cast.renamed(), self._nearest(index, cast, mentions), attempt),
            "url": lambda: new_url(old, words),
            "ip": lambda: new_ip(old, words),
            "id": lambda: new_identifier(old, words, self.dates.days, attempt),
            "profession": lambda: words.profession(attempt),
            "other": lambda: self._other(old, attempt),
            "date": self._fresh_date,
        }
        return makers[kind]()

    def _other(self, old: str, attempt: int) -> str:
        """As many words and numbers as there were, and more of them where those were turned down too often."""
        count = len(normal(old).split()) + attempt // 20
        words = [self.source.word() for _ in range(count)]
        digits = digits_key(old) or "".join(c for c in old if c.isdigit())
        if digits:
            words[-1] = self.source.digits(len(digits))
        text = " ".join(words)
        return text.capitalize() if old[:1].isupper() else text

    def _fresh_date(self) -> str:
        day, text = fresh_date(self.source.words.code, self._reading(), self.source.rng)
        return "" if self.settings.private_dates == "avoid" and self.forbidden.has_day(day) else text

    def _date_values(self) -> list[str]:
        return [self.note.value(span) for span in self.note.spans if self._kind(span) == "date"]

    def _reading(self) -> Reading:
        return reading_for(self._date_values(), self.source.words.code)

    def _shifted(self) -> Dates:
        dates = shift_dates(
            self._date_values(), self.source.words.code, self.forbidden, self.source.rng, self.settings.private_dates
        )
        if dates is None:
            label = next(span.label for span in self.note.spans if self._kind(span) == "date")
            raise _no_date(label, self.where)
        return dates

    def _people(self) -> tuple[Cast, dict[int, Mention]]:
        """Takes the names apart, twice: what all show about roles decides those that stand alone."""
        language = pools(self.source.words.locale)
        indices = [index for index, span in enumerate(self.note.spans) if self._is_person(span)]
        known = None
        mentions: list[Mention] = []
        for _ in range(2):
            mentions = [
                take_apart(self.note.value(span), self.note.text[: span.start], self.source.words, language, known)
                for span in (self.note.spans[index] for index in indices)
            ]
            known = known_names(mentions)
        labels = [self.note.spans[index].label for index in indices]
        patients = [self.label_map[label].whose == "patient" for label in labels]
        genders = genders_of(mentions, language, self._sex(), patients)
        cast = Cast(self.source, list(zip(labels, mentions, strict=True)), genders)
        if (label := cast.free(self.forbidden, ATTEMPTS)) is not None:
            raise _exhausted(label, "person", self.where)
        return cast, dict(zip(indices, mentions, strict=True))

    def _is_person(self, span: Span) -> bool:
        kind, old = self._kind(span), self.note.value(span)
        if kind == "kinship":
            return not is_kin_only(old, self.source.words, pools(self.source.words.locale))
        return kind == "person" and any(c.isalnum() for c in old)

    def _sex(self) -> Gender | None:
        """The patient's sex, where a span that is kept says it in one word."""
        for span in self.note.spans:
            meaning = self.label_map[span.label]
            if meaning.surrogate == "keep" and meaning.whose == "patient":
                sex = self.source.words.sexes.get(normal(self.note.value(span)))
                if sex is not None:
                    return sex
        return None

    def _nearest(self, index: int, cast: Cast, mentions: dict[int, Mention]) -> tuple[str, str]:
        """New given name and surname of the person mentioned last before span `index`; empty where that is far away."""
        start = self.note.spans[index].start
        for earlier in range(index - 1, -1, -1):
            if start - self.note.spans[earlier].end > _NEAREST_REACH:
                break
            if earlier in mentions:
                given, surname = mentions[earlier].keys("given"), mentions[earlier].keys("surname")
                return (
                    cast.names["given", given[0]] if given else "",
                    cast.names["surname", surname[0]] if surname else "",
                )
        return "", ""


def _same_shape(new: str, old: str) -> bool:
    return sum(c.isalnum() for c in new) == sum(c.isalnum() for c in old)


def _exhausted(label: str, kind: str, where: str) -> CorpusError:
    remedy = (
        f"let the label map give {label} another kind of surrogate, or `keep` it if a value of it identifies nobody by "
        "itself; or use a smaller set of private values"
    )
    what = f"no value of the kind {kind} for {label} is free of the private corpus after {ATTEMPTS} draws"
    return CorpusError("A surrogate could not be found.", [Problem(where, what, remedy, "no-surrogate")])


def _no_date(label: str, where: str) -> CorpusError:
    what = f"every shift of its {label} dates by up to five years meets a date of the private corpus"
    remedy = "set substitute.private_dates: allow, if a day by itself identifies nobody in so large a corpus"
    return CorpusError("A surrogate could not be found.", [Problem(where, what, remedy, "no-surrogate")])
