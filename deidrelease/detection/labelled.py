"""Numbers that are known by the label before them, such as `NHC: 1234567`, whatever their check digits say.

A hospital's own numbers have no public form, and typing errors break those that have one: the label is the evidence.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from presidio_analyzer import Pattern, PatternRecognizer

_SCORE = 0.6
# Cheap, and rules out nearly every place before a label is looked for behind it.
_START = r"(?<!\w)(?=[A-Z]{0,4}[-/.+(]{0,2}\s?\d)"
_NUMBER_WORD = r"n[º°ro]\.?|n\.º|n[uú]m(?:ero)?\.?|number|nummer|#"
# Digits with at most one mark between two, and letters in front as in `HC-1234` or behind as in `1234-HC`.
_ID = r"(?:[A-Z]{1,4}[-/.]?)?\d(?:[-/.]?\d){3,16}(?:[-/.]?[A-Z]{1,4})?\b"
_SPACED = r"\d(?:[-/. ]?\d){4,16}\b"
_PHONE = r"(?:\+\s?)?\(?\d(?:[-/.() ]{0,2}\d){6,14}\b(?:\s?(?:ext|x)\.?\s?\d{1,5}\b)?"
_SPANISH_PROVINCE = r"(?:0[1-9]|[1-4]\d|5[0-2])"


@dataclass(frozen=True, slots=True)
class Label:
    """What an entity is called in notes.

    Attributes:
        entity: Presidio's or, where it has none, a name made like Presidio's.
        words: Regular expression of the labels, without the number word ("nº") that may follow.
        value: Regular expression of what may stand behind.
    """

    entity: str
    words: str
    value: str = _ID


_EN_NUMBER = r"\s+(?:id|no\.?|number|#|identifier)"

_LABELS: Mapping[str, tuple[Label, ...]] = {
    "es": (
        Label(
            "ES_NHC", r"n\.?h\.?c\.?|h\.?\s?c\.?|historia\s+cl[ií]nica|n[º°o]\.?\s+(?:de\s+)?historia|id\.?\s+paciente"
        ),
        Label("ES_EPISODIO", r"episodio|id\.?\s+episodio|n[º°]\s+(?:de\s+)?episodio"),
        Label("ES_NASS", r"nass|nuss|naf|n\.?\s?s\.?\s?s\.?|seguridad\s+social|afiliaci[oó]n|cipa?|tsi", _SPACED),
        Label(
            "ES_NIF",
            r"d\.?n\.?i\.?|n\.?i\.?f\.?|n\.?i\.?e\.?|pasaporte",
            r"(?:[A-Z]{1,3}-?)?\d(?:[-. ]?\d){5,8}(?:-?[A-Z])?\b",
        ),
        Label(
            "ES_COLEGIADO",
            r"n[º°]?\.?\s*(?:de\s+)?col(?:egiad[oa])?\.?|colegiad[oa]|col\.?",
            r"\d(?:\s?[-/. ]?\s?\d){3,9}\b",
        ),
        Label("PHONE_NUMBER", r"tel(?:[eé]fono)?s?\.?|t[fl]n?[fo]?\.?|m[oó]vil|fax", _PHONE),
        Label("ES_CODIGO_POSTAL", r"c\.?\s?p\.?|c[oó]digo\s+postal", _SPANISH_PROVINCE + r"\d{3}\b"),
    ),
    "sv": (
        Label(
            "SE_PERSONNUMMER",
            r"person-?(?:nummer|nr)|pers\.?\s?nr|p-?nr|(?:samordnings|reserv)-?(?:nummer|nr)",
            r"\d{6,8}\s?[-+ ]?\s?(?-i:[\dA-Z]){4}\b",
        ),
        Label("MEDICAL_RECORD_NUMBER", r"journal-?(?:nummer|nr|id)|patient-?(?:nummer|nr|id)|remiss-?(?:nummer|nr|id)"),
        Label("PHONE_NUMBER", r"tel(?:efon)?\.?|tfn\.?|mobil(?:telefon)?\.?|fax", _PHONE),
        Label("SE_POSTNUMMER", r"postnummer|post-?nr|postadress", r"\d{3}\s?\d{2}\b"),
    ),
    "en": (
        Label(
            "MEDICAL_RECORD_NUMBER",
            r"m\.?r\.?n\.?|id|medical\s+records?|(?:patient|chart|encounter|visit|hospital|record)" + _EN_NUMBER,
        ),
        Label("US_SSN", r"s\.?s\.?n\.?|ss#|social\s+security", r"\d{3}[-. ]?\d{2}[-. ]?\d{4}\b"),
        Label(
            "PHONE_NUMBER",
            r"tel(?:ephone)?\.?|(?:tele)?phone|cell(?:phone)?|mobile|fax|ph\.?|call(?:ed)?|contact",
            _PHONE,
        ),
        Label("ACCOUNT_NUMBER", r"account|acct\.?"),
        Label(
            "US_HEALTH_INSURANCE_MEMBER_ID",
            r"(?:member|subscriber|policy|insurance|beneficiary|plan|medicare|medicaid)" + _EN_NUMBER,
        ),
    ),
}


def labelled_recognizers(language: str) -> Iterator[PatternRecognizer]:
    """A recognizer for each label of `language`, with a score above the usual threshold and no validation."""
    for label in _LABELS[language]:
        behind = rf"(?<=(?<!\w)(?:{label.words})\s{{0,3}}(?:{_NUMBER_WORD})?\s{{0,3}}[:=#.\-]?\s{{0,3}})"
        yield PatternRecognizer(
            supported_entity=label.entity,
            name=f"{label.entity} behind its label",
            supported_language=language,
            patterns=[Pattern(f"{label.entity} (labelled)", _START + behind + label.value, _SCORE)],
        )
