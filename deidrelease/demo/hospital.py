"""The fictitious hospital's notes, in Spanish, Swedish and English, with gold spans.

Everything here is made up. The sentences are our own; names and streets come from Faker; identity numbers cannot be
issued (`ids.py`), e-mail addresses stand in the domains reserved for examples (RFC 2606), and no hospital of these
names is meant. Any likeness to a person is chance. So the notes can be shown, published and leaked on purpose.

Every patient has a random stream of its own: asking for more patients leaves the earlier ones as they were.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from deidrelease.demo.en import ENGLISH
from deidrelease.demo.es import SPANISH
from deidrelease.demo.language import Condition, Language
from deidrelease.demo.people import Name, Person, Place, make_person, make_places
from deidrelease.demo.sv import SWEDISH
from deidrelease.demo.templates import render
from deidrelease.demo.visits import Visit, scope_of
from deidrelease.notes import Note

LANGUAGES = {language.code: language for language in (SPANISH, SWEDISH, ENGLISH)}
LABELS = (
    "PATIENT_NAME", "RELATIVE_NAME", "CLINICIAN_NAME", "AGE", "DATE", "PHONE", "EMAIL", "STREET", "CITY", "POSTCODE",
    "HOSPITAL", "RECORD_ID", "NATIONAL_ID", "OCCUPATION",
)  # fmt: skip

# A course that makes sense from wherever a patient enters it.
_STORY = ("admission", "nursing", "round", "discharge", "progress", "referral")
_STAY = frozenset({"nursing", "round", "discharge"})
_NOTES_PER_PATIENT, _WEIGHTS = (1, 2, 3, 4, 5), (60, 16, 12, 8, 4)


def notes(patients_per_language: int, languages: Sequence[str] = ("es", "sv", "en"), seed: int = 0) -> Iterator[Note]:
    """Yields the notes of `patients_per_language` patients for each language, patient by patient.

    The same arguments yield the same notes (with the same Faker data); a greater `patients_per_language` only adds.

    Raises:
        ValueError: A language is not one of `LANGUAGES`.
    """
    from faker import Faker

    if unknown := set(languages) - set(LANGUAGES):
        raise ValueError(f"no such language: {', '.join(sorted(unknown))}; there are {', '.join(LANGUAGES)}")
    for code in languages:
        language = LANGUAGES[code]
        fake = Faker(language.locale)
        places = make_places(language, fake, f"{seed}/{code}/places")
        for index in range(1, patients_per_language + 1):
            stream = f"{seed}/{code}/{index}"
            person = make_person(language, fake, places, f"{stream}/person")
            yield from _patient_notes(language, person, f"{code}-{index:06}", random.Random(f"{stream}/notes"))


def _patient_notes(language: Language, person: Person, patient_id: str, rng: random.Random) -> Iterator[Note]:
    for number, visit in enumerate(_visits(language, person, rng), 1):
        template = rng.choice(language.kinds[visit.kind])
        text, spans = render(template, scope_of(language, person, visit, rng))
        meta = {"language": language.code, "kind": visit.kind}
        yield Note(f"{patient_id}-{number}", patient_id, text, spans, meta)


def _visits(language: Language, person: Person, rng: random.Random) -> Iterator[Visit]:
    count = rng.choices(_NOTES_PER_PATIENT, _WEIGHTS)[0]
    start = rng.randrange(len(_STORY))
    condition = _condition(language, person, rng)
    doctor, other, nurse = _staff(person.place, person.other_place, rng)
    day = person.first_seen
    admitted = day - timedelta(days=rng.randint(2, 9))
    for kind in (_STORY[(start + step) % len(_STORY)] for step in range(count)):
        if kind == "admission":
            admitted = day
        yield Visit(kind, day, admitted, condition, doctor, other, nurse)
        day = _next_day(day, kind, rng)


def _next_day(day: date, kind: str, rng: random.Random) -> date:
    following = _STORY[(_STORY.index(kind) + 1) % len(_STORY)]
    return day + timedelta(days=rng.randint(1, 3) if following in _STAY else rng.randint(14, 120))


def _condition(language: Language, person: Person, rng: random.Random) -> Condition:
    age = person.age(person.first_seen)
    return rng.choice([condition for condition in language.conditions if condition.youngest <= age])


def _staff(place: Place, other_place: Place, rng: random.Random) -> tuple[Name, Name, Name]:
    doctor, colleague = rng.sample(place.doctors, 2)
    other = rng.choice((colleague, rng.choice(other_place.doctors)))
    return doctor, other, rng.choice(place.nurses)
