"""E-mail and web addresses: Presidio's recognizers without their download and without their slow start."""

from typing import Any

from presidio_analyzer import Pattern
from presidio_analyzer.predefined_recognizers import EmailRecognizer, UrlRecognizer
from tldextract import TLDExtract

# The beginning of a chain of letters, digits, dots and hyphens, up to the first letter or digit.
_HOST = r"(?<![a-z0-9.\-])[.\-]*+(?=[a-z0-9])"
_LONGEST = 2000


class OfflineEmailRecognizer(EmailRecognizer):
    """Presidio's recognizer without its download of the suffix list, and without its trust in that list.

    An address under an unknown suffix, as on a hospital's internal network, keeps its score instead of being dropped.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._suffixes = TLDExtract(cache_dir=None, suffix_list_urls=(), fallback_to_snapshot=True)

    def validate_result(self, pattern_text: str) -> bool | None:
        """True under a public suffix; never False."""
        return self._suffixes(pattern_text).fqdn != "" or None


def url_recognizer(language: str) -> UrlRecognizer:
    """Presidio's recognizer of web addresses, with a bare host looked for once in a chain and not at each character.

    Presidio tries every character, 253 characters far; a dotted line of a form then takes minutes. To lose nothing in
    a chain that is longer than a host may be, it is read 2,000 characters far.
    """
    anywhere = f"(?i){UrlRecognizer.BASE_URL_REGEX}"
    from_start = f"(?i){_HOST}{UrlRecognizer.BASE_URL_REGEX}".replace("{1,253}", f"{{1,{_LONGEST}}}")
    patterns = [
        Pattern(pattern.name, from_start if pattern.regex == anywhere else pattern.regex, pattern.score)
        for pattern in UrlRecognizer.PATTERNS
    ]
    return UrlRecognizer(patterns, supported_language=language)
