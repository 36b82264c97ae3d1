"""What a language must supply before the hospital can write in it: words, forms and sentences, no code."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """A reason to be ill, with what goes with it.

    Attributes:
        name: A noun phrase without article.
        youngest: The age in years from which it is plausible.
        service: Who looks after it, one of the phrases `service`.
        complaints: Noun phrases.
        findings: Sentences of an examination.
        tests: Sentences of a result.
        treatments: Noun phrases with a dose.
    """

    name: str
    youngest: int
    service: str
    complaints: tuple[str, ...]
    findings: tuple[str, ...]
    tests: tuple[str, ...]
    treatments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A kind of relative.

    Attributes:
        word: As the language's templates use it.
        sex: 0 male, 1 female.
        youngest: The patient's least age in years.
        oldest: The patient's greatest age in years.
        spouse: Whether the two are a couple.
    """

    word: str
    sex: int
    youngest: int
    oldest: int
    spouse: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """One language of the hospital.

    In patterns, `#` stands for a digit and `@` for a capital letter. Dates know `d dd m mm y yy month`, ages `n`,
    streets `street surname n`.

    Attributes:
        code: As in `meta["language"]` and the note ids.
        locale: Faker's.
        surnames: How many a person has.
        months: January to December, as dates write them.
        dates: Formats in prose.
        header_dates: Formats in a block of fields.
        ages: Formats by form.
        phones: Patterns of private numbers.
        ward_phones: Patterns of a hospital's numbers.
        records: Patterns of a hospital's record numbers.
        samples: Patterns of a laboratory's or a referral's number.
        streets: Formats of a street line.
        cities: Names with patterns of a postcode there.
        hospitals: Invented names.
        occupations: For a man and for a woman.
        relations: Every kind of relative.
        conditions: Every reason to be ill.
        phrases: Alternatives by slot.
        kinds: Alternatives of the whole note by kind.
    """

    code: str
    locale: str
    surnames: int
    months: tuple[str, ...]
    dates: tuple[str, ...]
    header_dates: tuple[str, ...]
    ages: Mapping[str, tuple[str, ...]]
    phones: tuple[str, ...]
    ward_phones: tuple[str, ...]
    records: tuple[str, ...]
    samples: tuple[str, ...]
    streets: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]
    hospitals: tuple[str, ...]
    occupations: tuple[tuple[str, str], ...]
    relations: tuple[Relation, ...]
    conditions: tuple[Condition, ...]
    phrases: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, tuple[str, ...]]
