"""Spanish numbers with a form of their own that Presidio has no recognizer for."""

from presidio_analyzer import Pattern, PatternRecognizer

from deidrelease.detection.check_digits import is_nass

_PROVINCE = r"(?:0[1-9]|[1-4]\d|5[0-2])"


class NassRecognizer(PatternRecognizer):
    """Social security numbers: certain with right check digits; with wrong ones only behind a context word."""

    def __init__(self) -> None:
        super().__init__(
            supported_entity="ES_NASS",
            supported_language="es",
            patterns=[Pattern("NASS", r"(?<!\d)\d{2}[-/. ]?\d{7,8}[-/. ]?\d{2}(?!\d)", 0.1)],
            context=["nass", "nuss", "naf", "nss", "seguridad", "afiliación", "afiliacion"],
        )

    def validate_result(self, pattern_text: str) -> bool | None:
        """True with right check digits. Never False: a typing error makes nobody less identifiable."""
        return is_nass("".join(character for character in pattern_text if character.isdigit())) or None


def collegiate_recognizer() -> PatternRecognizer:
    """Collegiate numbers: province of the college, province of work, five or six digits, as in 28/28/12345.

    The form with slashes or hyphens stands for itself; with spaces between, a context word must stand before it.
    """
    return PatternRecognizer(
        supported_entity="ES_COLEGIADO",
        supported_language="es",
        name="ES_COLEGIADO",
        patterns=[
            Pattern("nº colegiado, slashes", rf"(?<![\d/-]){_PROVINCE}([/-]){_PROVINCE}\1\d{{5,6}}(?![\d/-])", 0.5),
            Pattern("nº colegiado, spaces", rf"(?<!\d){_PROVINCE} {_PROVINCE} \d{{4,6}}(?!\d)", 0.1),
        ],
        context=["colegiado", "colegiada", "col", "nºcol", "médico", "doctor", "doctora"],
    )
