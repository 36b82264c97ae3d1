"""Dates with the month in words, which Presidio's date recognizer does not look for."""

from collections.abc import Mapping

from presidio_analyzer import Pattern, PatternRecognizer

_SCORE = 0.6
_YEAR = r"(?:1[89]|20)\d{2}"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTHS = {
    "es": r"(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre)",
    "sv": r"(?:januari|februari|mars|april|maj|juni|juli|augusti|september|oktober|november|december"
    r"|(?:jan|febr?|apr|jun|jul|aug|sept?|okt|nov|dec)\.?)",
    # Case counts: "may" and "march" are verbs.
    "en": r"(?-i:(?:Jan(?:uary)?|JANUARY|JAN|Feb(?:ruary)?|FEBRUARY|FEB|Mar(?:ch)?|MARCH|MAR|Apr(?:il)?|APRIL|APR"
    r"|May|MAY|June?|JUNE|JUN|July?|JULY|JUL|Aug(?:ust)?|AUGUST|AUG|Sept?(?:ember)?|SEPTEMBER|SEPT?|Oct(?:ober)?"
    r"|OCTOBER|OCT|Nov(?:ember)?|NOVEMBER|NOV|Dec(?:ember)?|DECEMBER|DEC)\b\.?)",
}
_FORMS: Mapping[str, tuple[str, ...]] = {
    "es": (
        rf"\b{_DAY}(?:\s+de)?\s+{{month}}(?:,?\s+(?:del?\s+)?(?:año\s+)?{_YEAR})?\b",
        rf"\b{{month}}(?:\s+del?)?(?:\s+año)?\s+{_YEAR}\b",
    ),
    "sv": (
        rf"\b{_DAY}(?::?[ea])?\s+{{month}}(?:\s+(?:år\s+)?{_YEAR})?(?!\w)",
        rf"\b{{month}}\s+(?:år\s+)?{_YEAR}\b",
    ),
    "en": (
        rf"\b{{month}}\s+{_DAY}(?:st|nd|rd|th)?\b(?:,?\s+{_YEAR}\b)?",
        rf"\b{_DAY}(?:st|nd|rd|th)?(?:\s+of)?\s+{{month}}(?:,?\s+{_YEAR}\b)?(?!\w)",
        rf"\b{{month}},?\s+(?:of\s+)?{_YEAR}\b",
    ),
}


def written_date_recognizer(language: str) -> PatternRecognizer:
    """Days with a written month, with or without a year, and months with a year."""
    forms = [form.replace("{month}", _MONTHS[language]) for form in _FORMS[language]]
    return PatternRecognizer(
        supported_entity="DATE_TIME",
        name="DATE_TIME with a written month",
        supported_language=language,
        patterns=[Pattern(f"written date {number}", form, _SCORE) for number, form in enumerate(forms, 1)],
    )
