"""Each language's recognizers on made-up values: what is found, what is left, and what no check digit may hide."""

from collections.abc import Callable

import pytest

from deidrelease.labels import load_label_map

Find = Callable[[str, str], set[tuple[str, str]]]


@pytest.mark.parametrize(
    ("language", "text", "entity", "value"),
    [
        # Right check digits need no label.
        ("es", "consta 28 12345678 40 en la tarjeta", "ES_NASS", "28 12345678 40"),
        ("es", "consta 281234567840", "ES_NASS", "281234567840"),
        ("es", "consta 08/01234567/74", "ES_NASS", "08/01234567/74"),
        ("es", "vive aquí, 12345678Z", "ES_NIF", "12345678Z"),
        ("es", "vive aquí, X1234567L", "ES_NIE", "X1234567L"),
        # Behind a label wrong ones are found too: typing errors make nobody less identifiable.
        ("es", "NASS: 28 12345678 41", "ES_NASS", "28 12345678 41"),
        ("es", "nº de afiliación 28 1234567 4", "ES_NASS", "28 1234567 4"),
        ("es", "DNI: 12345678A", "ES_NIF", "12345678A"),
        ("es", "Pasaporte AAB123456", "ES_NIF", "AAB123456"),
        ("es", "firma 28/28/12345", "ES_COLEGIADO", "28/28/12345"),
        ("es", "NºCol: 28 28 35489.", "ES_COLEGIADO", "28 28 35489"),
        ("es", "colegiada nº 08-43-123456", "ES_COLEGIADO", "08-43-123456"),
        ("es", "el colegiado de guardia, 28 28 35489", "ES_COLEGIADO", "28 28 35489"),
        ("es", "NHC: 1234567", "ES_NHC", "1234567"),
        ("es", "Historia clínica nº 12/3456", "ES_NHC", "12/3456"),
        ("es", "NHC: hc-123456", "ES_NHC", "hc-123456"),
        ("es", "Episodio: 98765432", "ES_EPISODIO", "98765432"),
        ("es", "CP: 28046", "ES_CODIGO_POSTAL", "28046"),
        ("es", "código postal 08001", "ES_CODIGO_POSTAL", "08001"),
        ("es", "ingresó el 12 de marzo de 2016", "DATE_TIME", "12 de marzo de 2016"),
        ("es", "desde enero de 2009", "DATE_TIME", "enero de 2009"),
        ("es", "el 3/11/2014", "DATE_TIME", "3/11/2014"),
        ("es", "llamar al 912 34 56 78", "PHONE_NUMBER", "912 34 56 78"),
        ("es", "pago con 4111 1111 1111 1111", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("es", "cuenta ES9121000418450200051332", "IBAN_CODE", "ES9121000418450200051332"),
        ("sv", "patient 19121212-1212 inkom", "SE_PERSONNUMMER", "19121212-1212"),
        ("sv", "personnummer 191212121213", "SE_PERSONNUMMER", "191212121213"),
        ("sv", "reservnummer: 19121212-AB12", "SE_PERSONNUMMER", "19121212-AB12"),
        ("sv", "faktura till 556016-0680", "SE_ORGANISATIONSNUMMER", "556016-0680"),
        ("sv", "betalt med 4111111111111111", "CREDIT_CARD", "4111111111111111"),
        ("sv", "den 3 mars 2019", "DATE_TIME", "3 mars 2019"),
        ("sv", "sedan 3:e okt. 2019", "DATE_TIME", "3:e okt. 2019"),
        ("sv", "2019-03-05 kl 8", "DATE_TIME", "2019-03-05"),
        ("sv", "ring 08-465 004 00", "PHONE_NUMBER", "08-465 004 00"),
        ("sv", "journalnr 123456", "MEDICAL_RECORD_NUMBER", "123456"),
        ("sv", "postnr 123 45", "SE_POSTNUMMER", "123 45"),
        ("en", "MRN: 123456", "MEDICAL_RECORD_NUMBER", "123456"),
        ("en", "MRN 12345-ABC", "MEDICAL_RECORD_NUMBER", "12345-ABC"),
        ("en", "(ID: 987654321)", "MEDICAL_RECORD_NUMBER", "987654321"),
        ("en", "MRN# A-12345", "MEDICAL_RECORD_NUMBER", "A-12345"),
        ("en", "patient ID 8812345", "MEDICAL_RECORD_NUMBER", "8812345"),
        ("en", "member number: ABC123456", "US_HEALTH_INSURANCE_MEMBER_ID", "ABC123456"),
        # Presidio drops this one as a sample number.
        ("en", "SSN 123-45-6789", "US_SSN", "123-45-6789"),
        # And these, as no such numbers are given out.
        ("en", "call (555) 012-3456", "PHONE_NUMBER", "(555) 012-3456"),
        ("en", "seen March 5th, 2021", "DATE_TIME", "March 5th, 2021"),
        ("en", "seen 5th of May 2021", "DATE_TIME", "5th of May 2021"),
        ("en", "since June 2021", "DATE_TIME", "June 2021"),
        ("en", "from 10.20.30.40", "IP_ADDRESS", "10.20.30.40"),
        ("en", "see www.example.org/a?b=1 for", "URL", "www.example.org/a?b=1"),
    ],
)
def test_what_is_found(find: Find, language: str, text: str, entity: str, value: str) -> None:
    assert (entity, value) in find(language, text)


@pytest.mark.parametrize("language", ["es", "sv", "en"])
@pytest.mark.parametrize(
    "address", ["ana@example.org", "a.b+c@mail.example.co.uk", "ana@nt-server.intern", "x@ward.local"]
)
def test_addresses_on_internal_networks_are_found_too(find: Find, language: str, address: str) -> None:
    assert ("EMAIL_ADDRESS", address) in find(language, f"({address})")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        # Wrong check digits and no label: any long number looks so.
        ("es", "consta 28 12345678 41 en la hoja"),
        ("es", "vive aquí, 12345678A"),
        # There are 52 provinces; this is no collegiate number, and too long for a date.
        ("es", "firma 53/53/12345"),
        ("es", "leucocitos 12000, plaquetas 250000"),
        ("es", "TA 120/80, FC 72, SatO2 98%"),
        ("es", "CP: 61046"),
        ("es", "hcg 1234"),
        ("es", "a los 65 años de edad"),
        ("sv", "värdet 191212121213 är fel"),
        ("sv", "puls 72, blodtryck 120/80"),
        ("sv", "maj var varm"),
        ("en", "the policy 2021 was signed"),
        ("en", "patients may 5 times march on"),
        ("en", "BP 120/80, HR 72, 98.6 F"),
        ("en", "WBC 12000 and platelets 250000"),
    ],
)
def test_what_is_left(find: Find, language: str, text: str) -> None:
    assert find(language, text) == set()


def test_no_language_finds_names(find: Find) -> None:
    # Not a wish but a limit that the help and the documents state: names take the tagger.
    for language in ("es", "sv", "en"):
        assert find(language, "Ana Ruiz, Anna Svensson, Mary Jones") == set()


@pytest.mark.parametrize("language", ["es", "sv", "en"])
def test_the_shipped_label_map_knows_every_entity(language: str) -> None:
    from deidrelease.detection.analyzer import PatternDetector

    assert load_label_map("presidio").unmapped(PatternDetector(language, 0.0).labels) == []


def test_patterns_are_not_shared_with_presidio() -> None:
    from presidio_analyzer.predefined_recognizers import IpRecognizer

    from deidrelease.detection.analyzer import offline_engine

    offline_engine("en")
    assert all(pattern.compiled_regex is None for pattern in IpRecognizer.PATTERNS)
