"""One note: consistent within itself, exact in its spans, and apart from every other note."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from deidrelease.errors import CorpusError
from deidrelease.labels import Label, LabelMap, load_label_map
from deidrelease.notes import Note, Span
from deidrelease.settings import SubstituteSettings
from deidrelease.surrogates import Forbidden, detect_language, substitute
from deidrelease.surrogates.normal import normal
from deidrelease.surrogates.source import pools

NOTHING = Forbidden([])
DEMO = load_label_map("demo")
SLOT = re.compile(r"\[(\w+)\|([^\]]*)\]")
LABELS = {
    "P": "PATIENT_NAME", "R": "RELATIVE_NAME", "D": "CLINICIAN_NAME", "E": "EMAIL", "T": "DATE", "C": "CITY",
    "H": "HOSPITAL", "F": "PHONE", "I": "NATIONAL_ID", "A": "AGE", "O": "OCCUPATION", "S": "STREET", "M": "RECORD_ID",
}  # fmt: skip


def marked(text: str, note_id: str = "n1") -> Note:
    """A note from `[P|Ana]`, with spans where the brackets were."""
    plain, spans, at = "", [], 0
    for match in SLOT.finditer(text):
        plain += text[at : match.start()]
        spans.append(Span(len(plain), len(plain) + len(match[2]), LABELS[match[1]]))
        plain += match[2]
        at = match.end()
    return Note(note_id, "p1", plain + text[at:], tuple(spans))


def surrogates(text: str, language: str, seed: int = 0, forbidden: Forbidden = NOTHING) -> list[str]:
    note = marked(text)
    new = substitute(note, DEMO, forbidden, seed, SubstituteSettings(language=language))
    return [new.value(span) for span in new.spans]


def is_female(name: str, locale: str) -> bool:
    return normal(name) in pools(locale).known_female and normal(name) not in pools(locale).known_male


def is_male(name: str, locale: str) -> bool:
    return normal(name) in pools(locale).known_male and normal(name) not in pools(locale).known_female


Check = Callable[[list[str]], bool]

# Text, and what must hold of the surrogates of its slots, in order.
CONSISTENT: list[tuple[str, str, Check]] = [
    ("es", "[P|Ana Ruiz Gil] vino. [P|Ana] duerme.", lambda v: v[0].split()[0] == v[1]),
    ("es", "[P|Ana Ruiz Gil], la Sra. [P|Ruiz]", lambda v: v[0].split()[1] == v[1]),
    ("es", "Nombre: [P|Ana]\nApellidos: [P|Ruiz Gil]\n[P|Ana Ruiz]", lambda v: v[2] == f"{v[0]} {v[1].split()[0]}"),
    ("es", "[P|Ruiz Gil, Ana] y [P|Ana Ruiz Gil]", lambda v: " ".join(reversed(v[0].split(", "))) == v[1]),
    ("es", "[P|Ana Ruiz Gil] y su hermano [R|Luis Ruiz Soto]", lambda v: v[0].split()[1] == v[1].split()[1]),
    ("es", "[P|ANA RUIZ GIL] es [P|Ana Ruiz Gil]", lambda v: v[0] == v[1].upper() != v[1]),
    ("es", "[D|A. Ruiz] firma por [D|Ana Ruiz]", lambda v: v[0] == f"{v[1][0]}. {v[1].split()[1]}"),
    ("es", "[P|Ana Ruiz Gil], [E|ana.ruiz@h.es]", lambda v: v[1].partition("@")[0] == ascii_(v[0], 0, 1)),
    ("es", "Dra. [D|Martín] y [D|Dr. Soto]", lambda v: v[1].startswith("Dr. ") and " " not in v[0]),
    ("es", "[D|María de la Fuente Gil] y [D|Fuente]", lambda v: len(v[0].split()) == 3),
    ("es", "[C|Madrid] [C|MADRID] [C|madrid]", lambda v: v[1] == v[0].upper() and v[2] == v[0].lower()),
    ("es", "[F|612 345 678] o [F|612345678]", lambda v: v[0].replace(" ", "") == v[1]),
    ("es", "[I|12345678Z] y [I|12345678-Z]", lambda v: v[0] == v[1].replace("-", "")),
    ("es", "[H|Hospital La Paz] y [H|Hospital La Paz]", lambda v: v[0] == v[1]),
    ("sv", "[P|Anna Lind] kom. [P|Anna] mår bra, säger fru [P|Lind].", lambda v: f"{v[1]} {v[2]}" == v[0]),
    ("sv", "Efternamn: [P|Lind]\nFörnamn: [P|Anna]\n[P|Anna Lind]", lambda v: v[2] == f"{v[1]} {v[0]}"),
    ("sv", "[P|Anna Lind] och maken [R|Erik Lind]", lambda v: v[0].split()[1] == v[1].split()[1]),
    ("sv", "[D|E. Berg] och [D|Eva Berg]", lambda v: v[0] == f"{v[1][0]}. {v[1].split()[1]}"),
    ("sv", "[P|Anna-Karin Lind]", lambda v: bool(re.fullmatch(r"[\w-]+-[\w-]+ [\w-]+", v[0]))),
    ("en", "[P|Anna Smith] came. Mrs [P|Smith] left.", lambda v: v[0].split()[1] == v[1]),
    ("en", "[P|Anna S.] is [P|Anna Smith]", lambda v: v[0] == f"{v[1].split()[0]} {v[1].split()[1][0]}."),
    ("en", "[P|John Paul Smith], son [R|Tim Smith]", lambda v: v[0].split()[2] == v[1].split()[1]),
    ("en", "[P|Anna Smith] [E|asmith@x.com]", lambda v: v[1].partition("@")[0] == initial_and_surname(v[0])),
]  # fmt: skip


def ascii_(name: str, *parts: int) -> str:
    return ".".join(normal(name.split()[part]) for part in parts)


def initial_and_surname(name: str) -> str:
    given, surname = normal(name).split()
    return given[0] + surname


@pytest.mark.parametrize(("language", "text", "holds"), CONSISTENT, ids=[text for _, text, _ in CONSISTENT])
def test_a_note_is_consistent(language: str, text: str, holds: Check) -> None:
    for seed in range(12):
        old = [match[2] for match in SLOT.finditer(text)]
        new = surrogates(text, language, seed)
        assert holds(new), new
        assert not {normal(value) for value in old} & {normal(value) for value in new}


def test_an_initial_that_stands_alone_never_stops_a_run() -> None:
    """The letter follows the new name; where it would be the old letter, the name is drawn again."""
    for seed in range(100):
        name, letter = surrogates("[P|Samuel Ruiz Gil] con su hermano [R|S]", "es", seed)
        assert letter == name[0] != "S"


@pytest.mark.parametrize(
    ("language", "text", "gender"),
    [
        ("es", "[P|Ana Ruiz Gil]", "f"),
        ("es", "[P|Luis Ruiz Gil]", "m"),
        ("es", "Sra. [P|Xyxy Ruiz Gil]", "f"),
        ("es", "D. [P|Xyxy Ruiz Gil]", "m"),
        ("es", "[P|Dña. Xyxy Ruiz Gil]", "f"),
        ("sv", "[P|Anna Lind]", "f"),
        ("sv", "herr [P|Xyxy Lind]", "m"),
        ("en", "[P|Mary Smith]", "f"),
        ("en", "Mr [P|Xyxy Smith]", "m"),
    ],
)
def test_gender_stays_where_the_text_shows_it(language: str, text: str, gender: str) -> None:
    locale = {"es": "es_ES", "sv": "sv_SE", "en": "en_US"}[language]
    for seed in range(12):
        given = surrogates(text, language, seed)[0].removeprefix("Dña. ").split()[0]
        pool = pools(locale).female if gender == "f" else pools(locale).male
        assert given in pool


def test_the_patients_sex_decides_where_no_name_does() -> None:
    sex = {"hipaa": None, "identifies": "alone-not", "whose": "patient", "surrogate": "keep"}
    label_map = DEMO.model_copy(update={"labels": {**DEMO.labels, "SEX": Label.model_validate(sex)}})
    note = Note("n", "p", "Xyxy Qwqw, mujer", (Span(0, 9, "PATIENT_NAME"), Span(11, 16, "SEX")))
    for seed in range(12):
        new = substitute(note, label_map, NOTHING, seed, SubstituteSettings(language="es"))
        assert new.text.split()[0] in pools("es_ES").female
        assert new.text.endswith("mujer")


LONG = (
    "Paciente [P|Ana Ruiz Gil], de [A|93 años], ingresa el [T|12/03/2016] en el [H|Hospital La Paz] de [C|Madrid]. "
    "Domicilio: [S|Calle Mayor, 12]. NHC [M|368503]. Alta el [T|19 de marzo de 2016] por la Dra. [D|Soto]."
)


def test_text_outside_spans_stays_and_spans_are_exact() -> None:
    note = marked(LONG)
    new = substitute(note, DEMO, NOTHING, 1)
    assert outside(new) == outside(note)
    assert [span.label for span in new.spans] == [span.label for span in note.spans]
    assert (new.note_id, new.patient_id, new.meta) == (note.note_id, note.patient_id, note.meta)
    assert "90+ años" in new.text
    assert "Ana" not in new.text


def outside(note: Note) -> list[str]:
    edges = [0, *(edge for span in note.spans for edge in (span.start, span.end)), len(note.text)]
    return [note.text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]


def test_seed_and_note_decide_and_nothing_else() -> None:
    note, other = marked(LONG), marked(LONG, "n2")
    assert substitute(note, DEMO, NOTHING, 1) == substitute(note, DEMO, NOTHING, 1)
    assert substitute(note, DEMO, NOTHING, 1).text != substitute(note, DEMO, NOTHING, 2).text
    first = substitute(note, DEMO, NOTHING, 1)
    second = substitute(other, DEMO, NOTHING, 1)
    for one, two in zip(first.spans, second.spans, strict=True):
        assert one.label == "AGE" or first.value(one) != second.value(two)


def test_no_private_value_comes_out_and_none_is_missed_for_lack_of_names() -> None:
    every_single_name = [*pools("es_ES").male, *pools("es_ES").female, *pools("es_ES").surnames]
    forbidden = Forbidden([*every_single_name, "Madrid"])
    for seed in range(5):
        given, surname = surrogates("[P|Ana], la Sra. [P|Ruiz]", "es", seed, forbidden)
        assert len(normal(given).split()) == len(normal(surname).split()) == 2  # compounds
        assert not forbidden.hit(given, "person")


def test_when_nothing_is_free_it_stops_and_says_what_to_do() -> None:
    countries = {"hipaa": None, "identifies": "quasi", "whose": "unknown", "surrogate": "country"}
    label_map = DEMO.model_copy(update={"labels": {"COUNTRY": Label.model_validate(countries)}})
    from faker.providers.address.es import Provider

    note = Note("n", "p", "Vive en Francia", (Span(8, 15, "COUNTRY"),))
    with pytest.raises(CorpusError) as caught:
        substitute(
            note, label_map, Forbidden(Provider.countries), 1, SubstituteSettings(language="es"), "notes.jsonl:7"
        )
    (problem,) = caught.value.problems
    assert problem.where == "notes.jsonl:7"
    assert "country for COUNTRY" in problem.what
    assert "`keep`" in problem.remedy
    assert "Francia" not in str(caught.value)


def test_dates_that_cannot_be_free_stop_it_unless_allowed() -> None:
    from datetime import date, timedelta

    days = Forbidden(f"{date(2011, 3, 1) + timedelta(days=n):%Y-%m-%d}" for n in range(3700))
    note = marked("Ingresa el [T|12/03/2016]")
    with pytest.raises(CorpusError, match="private_dates: allow"):
        substitute(note, DEMO, days, 1, SubstituteSettings(language="es"))
    allowed = SubstituteSettings(language="es", private_dates="allow")
    assert substitute(note, DEMO, days, 1, allowed).text != note.text


def test_a_date_that_cannot_be_read_gives_way_to_a_fresh_one() -> None:
    assert re.fullmatch(r"\d\d/\d\d/\d{4}", surrogates("[T|0/10/2017]", "es")[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", surrogates("[T|vecka 12]", "sv")[0])
    assert re.fullmatch(r"[A-Z][a-z]+ \d{1,2}, \d{4}", surrogates("[T|Easter 12]", "en")[0])


def test_overlaps_and_unmapped_labels_are_refused() -> None:
    both = (Span(0, 8, "PATIENT_NAME"), Span(4, 8, "CITY"))
    with pytest.raises(CorpusError, match="Overlapping spans"):
        substitute(Note("n", "p", "Ana Ruiz", both), DEMO, NOTHING, 1)
    with pytest.raises(CorpusError, match="'ALIAS'"):
        substitute(Note("n", "p", "Ana Ruiz", (Span(0, 3, "ALIAS"),)), DEMO, NOTHING, 1)


def test_languages_are_told_apart() -> None:
    assert detect_language("El paciente ingresa en el servicio por dolor y fiebre desde el lunes") == "es"
    assert detect_language("Patienten kommer till mottagningen på grund av feber och hosta") == "sv"
    assert detect_language("The patient was admitted to the ward with fever and a cough") == "en"
    assert detect_language("HbA1c 72, CRP 80") is None


def test_a_note_without_a_language_is_an_error_or_falls_back() -> None:
    note = marked("[P|Ana Ruiz]: CRP 80")
    with pytest.raises(CorpusError, match="fallback_language"):
        substitute(note, DEMO, NOTHING, 1)
    assert substitute(note, DEMO, NOTHING, 1, SubstituteSettings(fallback_language="sv")).text != note.text
    assert substitute(replace(note, spans=()), DEMO, NOTHING, 1).text == note.text


def test_words_of_kinship_stay_and_names_among_them_go() -> None:
    label_map = load_label_map("meddocan")
    label = "FAMILIARES_SUJETO_ASISTENCIA"
    for value, stays in (("madre", True), ("Padre", True), ("hermano mayor", True), ("hermana Lucía", False)):
        note = Note("n", "p", f"Acude con su {value}.", (Span(13, 13 + len(value), label),))
        new = substitute(note, label_map, NOTHING, 1, SubstituteSettings(language="es"))
        assert (new.text == note.text) is stays
    assert isinstance(label_map, LabelMap)
