"""Notes about invented patients, written as lists of marked values, and linkage counted the slow way."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from deidrelease.contracts import Conclusion, Corpora, Shard
from deidrelease.labels import Label, LabelMap
from deidrelease.notes import Note, Span
from deidrelease_audits.linkage.audit import Linkage, LinkageIndex
from deidrelease_audits.linkage.tally import LinkageTally
from made.notes_of import KEY, corpus_of

MEANINGS = LabelMap(
    name="made",
    version=1,
    source="this test",
    licence="ours",
    description="Labels of invented notes.",
    labels={
        "NAME": Label(hipaa="A", identifies="direct", whose="patient", surrogate="person"),
        "NUMBER": Label(hipaa="H", identifies="direct", whose="patient", surrogate="id"),
        "DATE": Label(hipaa="C", identifies="quasi", whose="patient", surrogate="date"),
        "AGE": Label(hipaa="C", identifies="quasi", whose="patient", surrogate="age"),
        "TOWN": Label(hipaa="B", identifies="quasi", whose="unknown", surrogate="place"),
        "STREET": Label(hipaa="B", identifies="direct", whose="unknown", surrogate="street"),
        "EMAIL": Label(hipaa="F", identifies="direct", whose="unknown", surrogate="email"),
        "DOCTOR": Label(hipaa="A", identifies="direct", whose="provider", surrogate="person"),
        "LICENCE": Label(hipaa="K", identifies="direct", whose="provider", surrogate="id"),
        "CLINIC": Label(hipaa="B", identifies="quasi", whose="institution", surrogate="hospital"),
        "SEX": Label(hipaa=None, identifies="alone-not", whose="patient", surrogate="keep"),
    },
)


def marked(name: str, *parts: str | tuple[str, str], patient: str = "") -> Note:
    """A note of text and of values `(label, value)`, one blank between them."""
    text, spans = "", []
    for part in parts:
        text += " " if text else ""
        if isinstance(part, tuple):
            spans.append(Span(len(text), len(text) + len(part[1]), part[0]))
            text += part[1]
        else:
            text += part
    return Note(name, patient or f"patient of {name}", text, tuple(spans))


def plain(name: str, text: str) -> Note:
    """A synthetic note: nobody says where its values are."""
    return Note(name, f"patient of {name}", text)


def corpora(synthetic: Sequence[Note], train: Sequence[Note], holdout: Sequence[Note] | None = None) -> Corpora:
    arms = corpus_of(*synthetic), corpus_of(*train), None if holdout is None else corpus_of(*holdout)
    return Corpora(*arms, label_map=MEANINGS, language="en", tagger=None, key=KEY)


def tally_of(audit: Linkage, index: LinkageIndex, train: Iterable[Note], holdout: Iterable[Note] = ()) -> LinkageTally:
    return audit.scan(index, Shard("train", tuple(train))) + audit.scan(index, Shard("holdout", tuple(holdout)))


def linked(
    synthetic: Sequence[Note], train: Sequence[Note], holdout: Sequence[Note] = (), audit: Linkage | None = None
) -> Conclusion:
    """The conclusion about notes in memory."""
    audit = audit or Linkage()
    index = audit.index(corpora(synthetic, train, holdout))
    return audit.conclude(index, tally_of(audit, index, train, holdout))


def people(prefix: str, many: int, seed: int) -> list[Note]:
    """Notes of `many` invented patients, each with a name, a number of eleven digits and a date of birth."""
    rng = np.random.default_rng(seed)
    return [_person(f"{prefix}{at}", rng) for at in range(many)]


def slowly_linked(synthetic: Sequence[Note], private: Sequence[Note], rare: int) -> set[tuple[str, str]]:
    """Synthetic note and patient for every two rare values that stand apart, for values of single letters and digits.

    Every patient, every note, every two values and every two places; words of one character, so none holds another.
    """
    held = {(note.patient_id, note.value(span)) for note in private for span in note.spans}
    values = {value for _, value in held if sum(v == value for _, v in held) <= rare}
    incidents = set()
    for note in synthetic:
        words = note.text.split()
        for patient in {patient for patient, _ in held}:
            mine = [v for v in values if (patient, v) in held and v in words]
            if any(first != second for first, second in combinations(mine, 2)):
                incidents.add((note.note_id, patient))
    return incidents


def renamed(note: Note, patient: str) -> Note:
    return replace(note, patient_id=patient)


def _person(name: str, rng: np.random.Generator) -> Note:
    letters = rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 14)
    first, last = "".join(letters[:6]).title(), "".join(letters[6:]).title()
    number = "".join(rng.choice(list("0123456789"), 11))
    born = f"{rng.integers(1, 29):02}/{rng.integers(1, 13):02}/{rng.integers(1930, 2010)}"
    return marked(name, "Name:", ("NAME", f"{first} {last}"), "number:", ("NUMBER", number), "born", ("DATE", born))
