"""One visit of a patient, and what every slot of its note resolves to."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from deidrelease.demo.language import Condition, Language
from deidrelease.demo.people import RETIREMENT, Name, Person, fill
from deidrelease.demo.templates import Scope

_Values = dict[str, Callable[[], str]]
_STAY = frozenset({"nursing", "round", "discharge"})
_INPATIENT = frozenset({"admission", "nursing", "round"})


@dataclass(frozen=True, slots=True)
class Visit:
    """What one note is about.

    Attributes:
        kind: The kind of note, a key of `Language.kinds`.
        day: When it is written.
        admitted: When the stay began, for the kinds that know one.
        condition: The reason.
        doctor: Who signs.
        other: A colleague who is mentioned or written to.
        nurse: Who is on duty.
    """

    kind: str
    day: date
    admitted: date
    condition: Condition
    doctor: Name
    other: Name
    nurse: Name


def scope_of(language: Language, person: Person, visit: Visit, rng: random.Random) -> Scope:
    """Binds every slot for one note; `rng` draws phrases, forms and the dates around the visit."""
    values = {**_names(person, visit), **_dates(language, person, visit, rng), **_own(language, person, visit, rng)}
    condition = visit.condition
    phrases = {
        **language.phrases,
        "condition": (condition.name,),
        "complaint": condition.complaints,
        "finding": condition.findings,
        "test": condition.tests,
        "treatment": condition.treatments,
        "relation": (person.relation.word,),
        "unit": (condition.service,),
        "service": [service for service in language.phrases["service"] if service != condition.service],
        "height": (str(person.height),),
        "weight": (str(person.weight + rng.randint(-2, 2)),),
        "stay": (str((visit.day - visit.admitted).days + 1),),
    }
    return Scope(rng, values, phrases, _agreement(person, visit))


def _names(person: Person, visit: Visit) -> _Values:
    patient = person.name
    values: _Values = {
        "PATIENT_NAME:full": lambda: patient.full,
        "PATIENT_NAME:first": lambda: patient.first,
        "PATIENT_NAME:surname": lambda: patient.surname,
        "PATIENT_NAME:inverted": lambda: f"{patient.last}, {patient.first}",
        "RELATIVE_NAME:full": lambda: person.relative.full,
        "RELATIVE_NAME:first": lambda: person.relative.first,
    }
    for role, name in (("doctor", visit.doctor), ("other", visit.other), ("nurse", visit.nurse)):
        values |= _clinician(role, name)
    return values


def _clinician(role: str, name: Name) -> _Values:
    return {
        f"CLINICIAN_NAME:{role}": lambda: name.surname,
        f"CLINICIAN_NAME:{role}_full": lambda: name.full,
        f"CLINICIAN_NAME:{role}_initial": lambda: name.initial,
    }


def _dates(language: Language, person: Person, visit: Visit, rng: random.Random) -> _Values:
    header = rng.choice(language.header_dates)
    days = {
        "note": visit.day,
        "admission": visit.admitted,
        "birth": person.born,
        "recent": _recent(visit, rng),
        "next": visit.day + timedelta(days=rng.randint(1, 3) if visit.kind in _INPATIENT else rng.randint(7, 90)),
    }
    # Far from the visit, a date without its year would read as a mistake.
    dated = [pattern for pattern in language.dates if "y" in pattern.replace("{month}", "")]
    values: _Values = {}
    for name, day in days.items():
        values |= _date(language, name, day, header, dated if name == "birth" else list(language.dates), rng)
    month = "{month} de {y}" if language.code == "es" else "{month} {y}"
    # Each mention is another event, so it draws another day.
    values["DATE:past"] = lambda: format_date(rng.choice(dated), _before(visit, 20, 900, rng), language)
    values["DATE:month"] = lambda: format_date(month, _before(visit, 100, 4000, rng), language)
    return values


def _before(visit: Visit, least: int, most: int, rng: random.Random) -> date:
    return visit.day - timedelta(days=rng.randint(least, most))


def _recent(visit: Visit, rng: random.Random) -> date:
    day = visit.day - timedelta(days=rng.randint(1, 6))
    return max(day, visit.admitted) if visit.kind in _STAY else day


def _date(language: Language, name: str, day: date, header: str, prose: list[str], rng: random.Random) -> _Values:
    return {
        f"DATE:{name}": lambda: format_date(rng.choice(prose), day, language),
        f"DATE:h_{name}": lambda: format_date(header, day, language),
    }


def format_date(pattern: str, day: date, language: Language) -> str:
    """Writes `day` as `pattern` says; the pattern's names are those of `Language`."""
    return pattern.format(
        d=day.day,
        dd=f"{day.day:02}",
        m=day.month,
        mm=f"{day.month:02}",
        y=day.year,
        yy=f"{day.year % 100:02}",
        month=language.months[day.month - 1],
    )


def _own(language: Language, person: Person, visit: Visit, rng: random.Random) -> _Values:
    age = person.age(visit.day)
    fixed = {
        "PHONE:own": person.phone,
        "PHONE:kin": person.relative_phone,
        "PHONE:ward": person.place.phone,
        "EMAIL:own": person.email,
        "EMAIL:ward": person.place.email,
        "STREET:own": person.street,
        "CITY:own": person.city,
        "CITY:other": person.other_city,
        "POSTCODE:own": person.postcode,
        "HOSPITAL:own": person.place.name,
        "HOSPITAL:other": person.other_place.name,
        "RECORD_ID:own": person.record,
        "RECORD_ID:sample": fill(rng.choice(language.samples), rng),
        "NATIONAL_ID:own": person.national_id,
        "OCCUPATION:own": person.occupation,
    }
    values: _Values = {slot: _always(value) for slot, value in fixed.items()}
    for form, patterns in language.ages.items():
        values[f"AGE:{form}"] = _always(rng.choice(patterns).format(n=age))
    return values


def _always(value: str) -> Callable[[], str]:
    return lambda: value


def _agreement(person: Person, visit: Visit) -> dict[str, int]:
    age = person.age(visit.day)
    return {
        "patient": person.name.sex,
        "doctor": visit.doctor.sex,
        "other": visit.other.sex,
        "nurse": visit.nurse.sex,
        "kin": person.relation.sex,
        "retired": int(age >= RETIREMENT),
        # English says "an 82-year-old"; nobody here is younger than 21.
        "article": int(80 <= age <= 89),
        "job": int(person.occupation[0] in "aeiou"),
    }
