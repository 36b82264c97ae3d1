"""Who lives in and works at the fictitious hospital: patients, their relatives, and a small staff."""

import random
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from deidrelease.demo.ids import national_id
from deidrelease.demo.language import Language, Relation

FIRST_DAY, LAST_DAY = date(2015, 1, 1), date(2023, 6, 30)
RETIREMENT = 66
_DOCTORS, _NURSES = 20, 10
_DOMAINS = ("example.org", "example.com", "example.net")


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name; `sex` is 0 for male, 1 for female."""

    first: str
    last: str
    sex: int

    @property
    def full(self) -> str:
        """First name and surnames."""
        return f"{self.first} {self.last}"

    @property
    def initial(self) -> str:
        """Initials of the first name, then the first surname."""
        return " ".join([*(f"{part[0]}." for part in self.first.split()), self.surname])

    @property
    def surname(self) -> str:
        """The first surname."""
        return self.last.split()[0]


@dataclass(frozen=True, slots=True)
class Place:
    """A hospital with its telephone, its e-mail, its form of record numbers and its staff."""

    name: str
    phone: str
    email: str
    record: str
    doctors: tuple[Name, ...]
    nurses: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """A patient; every value stays the same over all of the patient's notes. Height is in cm, weight in kg."""

    name: Name
    born: date
    height: int
    weight: int
    first_seen: date
    national_id: str
    record: str
    phone: str
    email: str
    street: str
    city: str
    postcode: str
    other_city: str
    occupation: str
    relation: Relation
    relative: Name
    relative_phone: str
    place: Place
    other_place: Place

    def age(self, day: date) -> int:
        """Completed years on `day`."""
        return years_between(self.born, day)


def years_between(born: date, day: date) -> int:
    """Completed years from `born` to `day`."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def fill(pattern: str, rng: random.Random) -> str:
    """Replaces each `#` by a digit and each `@` by a capital letter."""
    letters = "ABCDEFGHJKLMNPRSTUWXYZ"
    return "".join(rng.choice("0123456789") if c == "#" else rng.choice(letters) if c == "@" else c for c in pattern)


def make_places(language: Language, fake: Any, seed: str) -> tuple[Place, ...]:
    """The hospitals of a language, with some thirty clinicians between them."""
    rng = random.Random(seed)
    fake.seed_instance(seed)
    doctors = [_name(fake, rng.randrange(2), surnames=1) for _ in range(_DOCTORS)]
    nurses = [_name(fake, int(rng.random() < 0.8), surnames=1) for _ in range(_NURSES)]
    count = len(language.hospitals)
    return tuple(
        Place(
            name,
            fill(rng.choice(language.ward_phones), rng),
            f"{_ascii(name.split()[-1 if language.code == 'es' else 0])}.{index + 1}@{_DOMAINS[index % 3]}",
            language.records[index % len(language.records)],
            tuple(doctors[index::count]),
            # Fewer nurses than two a hospital: neighbours share one, as on loan.
            tuple(nurses[(index + shift) % _NURSES] for shift in (0, 3, 6)),
        )
        for index, name in enumerate(language.hospitals)
    )


def make_person(language: Language, fake: Any, places: tuple[Place, ...], seed: str) -> Person:
    """A patient, determined by `seed` and the hospitals."""
    rng = random.Random(seed)
    fake.seed_instance(seed)
    name = _name(fake, rng.randrange(2), language.surnames)
    first_seen = FIRST_DAY + timedelta(days=rng.randint(0, (LAST_DAY - FIRST_DAY).days))
    born = first_seen - timedelta(days=round(rng.triangular(21.2, 95, 72) * 365.25))
    place, other_place = rng.sample(places, 2)
    relation = _relation(language, rng, name.sex, years_between(born, first_seen))
    (city, postcode), (other_city, _) = rng.sample(language.cities, 2)
    return Person(
        name=name,
        born=born,
        height=rng.randint(164, 192) - 12 * name.sex,
        weight=rng.randint(60, 102) - 8 * name.sex,
        first_seen=first_seen,
        national_id=national_id(language.code, rng, born, name.sex),
        record=fill(place.record, rng),
        phone=fill(rng.choice(language.phones), rng),
        email=_email(name, born, rng),
        street=_street(language, fake, rng),
        city=city,
        postcode=fill(postcode, rng),
        other_city=other_city,
        occupation=rng.choice(language.occupations)[name.sex],
        relation=relation,
        relative=_relative(language, fake, rng, relation.sex, name),
        relative_phone=fill(rng.choice(language.phones), rng),
        place=place,
        other_place=other_place,
    )


def _name(fake: Any, sex: int, surnames: int) -> Name:
    first = fake.first_name_female() if sex else fake.first_name_male()
    return Name(first, " ".join(fake.last_name() for _ in range(surnames)), sex)


def _relative(language: Language, fake: Any, rng: random.Random, sex: int, patient: Name) -> Name:
    name = _name(fake, sex, language.surnames)
    if rng.random() < 0.5:
        return name
    return Name(name.first, " ".join([patient.surname, *name.last.split()[1:]]), sex)


def _relation(language: Language, rng: random.Random, sex: int, age: int) -> Relation:
    return rng.choice(
        [r for r in language.relations if r.youngest <= age <= r.oldest and not (r.spouse and r.sex == sex)]
    )


def _street(language: Language, fake: Any, rng: random.Random) -> str:
    pattern = rng.choice(language.streets)
    return pattern.format(street=fake.street_name(), surname=fake.last_name(), n=rng.randint(1, 140))


def _email(name: Name, born: date, rng: random.Random) -> str:
    first, last = _ascii(name.first), _ascii(name.surname)
    year = f"{born:%y}"
    local = rng.choice(
        (f"{first}.{last}", f"{first}{year}", f"{first[0]}{last}{year}", f"{last}.{first}", f"{first}_{last}")
    )
    return f"{local}@{rng.choice(_DOMAINS)}"


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in plain if c.isascii() and c.isalnum())
