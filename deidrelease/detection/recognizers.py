"""The pattern recognizers of each language: Presidio's own, named one by one, and those added here.

Presidio's own table switches many off and ties others to languages (no credit cards in Swedish), so it is not used.
"""

from collections.abc import Iterator, Mapping

from presidio_analyzer import EntityRecognizer, PatternRecognizer, predefined_recognizers

from deidrelease.detection.addresses import OfflineEmailRecognizer, url_recognizer
from deidrelease.detection.labelled import labelled_recognizers
from deidrelease.detection.spanish import NassRecognizer, collegiate_recognizer
from deidrelease.detection.written_dates import written_date_recognizer

_GENERIC = ("Crypto", "Iban", "Ip", "MacAddress", "Uuid")
_NATIONAL: Mapping[str, tuple[str, ...]] = {
    "es": ("EsNie", "EsNif", "EsPassport"),
    "sv": ("SePersonnummer", "SeOrganisationsnummer"),
    "en": (
        "MedicalLicense",
        "Nhs",
        "UkDrivingLicence",
        "UkNino",
        "UkPassport",
        "UkPostcode",
        "UkVehicleRegistration",
        "UsBank",
        "UsClaimNumber",
        "UsHealthInsuranceMemberId",
        "UsItin",
        "UsLicense",
        "UsMbi",
        "UsNpi",
        "UsPassport",
        "UsPrescriptionNumber",
        "UsPriorAuthorizationNumber",
        "UsProviderTaxId",
        "UsReferralNumber",
        "UsSsn",
    ),
}
_REGIONS = {"es": ("ES",), "sv": ("SE",), "en": ("US", "GB")}
_PHONE = {
    "es": ["teléfono", "telefono", "tel", "tfno", "tlf", "móvil", "movil", "fax", "llamar"],
    "sv": ["telefon", "tel", "mobil", "fax", "ring"],
    "en": ["phone", "telephone", "tel", "cell", "mobile", "fax", "call"],
}
_CARD = {
    "es": ["tarjeta", "crédito", "credito", "débito", "visa", "mastercard", "amex"],
    "sv": ["kort", "kreditkort", "betalkort", "visa", "mastercard", "amex"],
    "en": None,
}
_DATE = {
    "es": ["fecha", "nacimiento", "ingreso", "alta"],
    "sv": ["datum", "född", "födelsedatum", "inskriven", "utskriven"],
    "en": ["date", "birthday", "dob", "born", "admitted", "discharged"],
}


def recognizers(language: str) -> list[EntityRecognizer]:
    """All pattern recognizers of `language` (`es`, `sv` or `en`); none of them opens a socket or loads a model."""
    made = list(_presidios(language))
    made += [OfflineEmailRecognizer(supported_language=language), url_recognizer(language)]
    made.append(written_date_recognizer(language))
    made += labelled_recognizers(language)
    if language == "es":
        made += [NassRecognizer(), collegiate_recognizer()]
    for recognizer in made:
        _own_patterns(recognizer)
    return made


def _presidios(language: str) -> Iterator[EntityRecognizer]:
    for name in (*_GENERIC, *_NATIONAL[language]):
        yield getattr(predefined_recognizers, f"{name}Recognizer")(supported_language=language)
    for name, context in (("CreditCard", _CARD), ("Date", _DATE)):
        make = getattr(predefined_recognizers, f"{name}Recognizer")
        yield make(supported_language=language, context=context[language])
    yield predefined_recognizers.PhoneRecognizer(
        supported_language=language, supported_regions=_REGIONS[language], context=_PHONE[language]
    )


def _own_patterns(recognizer: EntityRecognizer) -> None:
    # Presidio's patterns belong to its classes; what the analyzer does to them must stay with this one.
    if isinstance(recognizer, PatternRecognizer):
        copies = [type(pattern)(pattern.name, pattern.regex, pattern.score) for pattern in recognizer.patterns]
        recognizer.patterns = copies
