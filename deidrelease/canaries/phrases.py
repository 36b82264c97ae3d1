"""What stands before a canary's secret: phrases of the corpus's form, or public ones.

A phrase of one patient's note in a canary would make two units of one: whoever takes the patient away changes the
canary too, and the epsilon no longer speaks of one unit. So with differential privacy only public phrases are allowed,
and without it only what many patients' notes share.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from deidrelease.notes import Note

FEWEST = 3
"""With fewer shared phrases all canaries would begin alike, so public ones take over."""
_LONGEST, _SHORTEST = 60, 4
_MOST = 40
PUBLIC: Mapping[str, tuple[str, ...]] = {
    "es": (
        "Nombre del paciente:", "Número de historia:", "Motivo de consulta:", "Antecedentes personales:",
        "Exploración física:", "Pruebas complementarias:", "Evolución y comentarios:", "Médico responsable:",
        "Fecha de ingreso:", "Tratamiento al alta:",
    ),
    "sv": (
        "Patientens namn:", "Journalnummer:", "Kontaktorsak:", "Tidigare sjukdomar:", "Status vid ankomst:",
        "Provtagning och undersökningar:", "Bedömning och åtgärd:", "Ansvarig läkare:", "Inskrivningsdatum:",
        "Läkemedel vid utskrivning:",
    ),
    "en": (
        "Name of patient:", "Record number:", "Reason for visit:", "Past medical history:", "Physical examination:",
        "Further investigations:", "Assessment and plan:", "Physician in charge:", "Date of admission:",
        "Medication at discharge:",
    ),
}  # fmt: skip


def public_forms(language: str | None) -> tuple[tuple[str, ...], ...]:
    """Phrases of this module, by language: of one, or of all."""
    return (PUBLIC[language],) if language else tuple(PUBLIC.values())


def form_phrases(notes: Iterable[Note], patients: int) -> tuple[str, ...]:
    """The beginnings of lines that at least `patients` patients have, commonest first; the rest of a line is cut off.

    What is annotated never enters, nor a digit: a beginning ends before the first of either.
    """
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for note in notes:
        for phrase in _beginnings(note):
            seen[phrase].add(note.patient_id)
    shared = [(len(who), phrase) for phrase, who in seen.items() if len(who) >= patients]
    return tuple(phrase for _, phrase in sorted(shared, key=lambda pair: (-pair[0], pair[1]))[:_MOST])


def forms_for(notes: Iterable[Note], public: bool, patients: int, language: str | None) -> tuple[tuple[str, ...], ...]:
    """What canaries begin with: phrases that belong together, one or several sets of them.

    Args:
        notes: Of train; not looked at for public phrases.
        public: Whether no private note may decide them.
        patients: As `form_phrases` takes them.
        language: Of public phrases; None for all.
    """
    form = () if public else form_phrases(notes, patients)
    return (form,) if len(form) >= FEWEST else public_forms(language)


def _beginnings(note: Note) -> set[str]:
    found, at = set(), 0
    starts = [span.start for span in note.spans]
    for line in note.text.splitlines(keepends=True):
        cut = min([len(line), *(start - at for start in starts if at <= start < at + len(line))])
        inside = any(span.start < at < span.end for span in note.spans)
        digit = re.search(r"\d", line[:cut])
        phrase = line[: digit.start() if digit else cut].strip()
        phrase = phrase[: phrase.find(":") + 1] if ":" in phrase else phrase
        if not inside and _SHORTEST <= len(phrase) <= _LONGEST:
            found.add(phrase)
        at += len(line)
    return found
