"""Telephones, mailboxes, web and IP addresses that lead to nobody, in the form of the old ones."""

import ipaddress
import random
import re

import pytest

from deidrelease.surrogates.addresses import new_email, new_ip, new_url
from deidrelease.surrogates.phones import new_phone
from deidrelease.surrogates.source import source


def digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


SWEDISH = r"03139006\d\d|04062804\d\d|08465004\d\d|09803192\d\d|07017406(0[5-9]|[1-9]\d)"


@pytest.mark.parametrize(
    ("language", "old", "format_", "range_"),
    [
        ("sv", "070-123 45 67", r"\d{3}-\d{3} \d\d \d\d", SWEDISH),
        ("sv", "08-123 456 78", r"\d\d-\d{3} \d{3} \d\d", SWEDISH),
        ("sv", "0911-12 34 56", r"\d{4}-\d\d \d\d \d\d", SWEDISH),
        ("sv", "031-12 34 56", r"\d{3,4}-\d+", SWEDISH),  # too short for the series: written plainly
        ("sv", "+46 70 123 45 67", r"\+46 70 \d{3} \d\d \d\d", None),
        ("en", "(212) 867-5309", r"\(\d{3}\) 555-01\d\d", None),
        ("en", "212.867.5309", r"\d{3}\.555\.01\d\d", None),
        ("en", "867-5309", r"555-01\d\d", None),
        ("en", "1-212-867-5309", r"1-\d{3}-555-01\d\d", None),
        ("en", "212-867-5309 ext. 12", r"\d{3}-555-01\d\d ext\. \d\d", None),
        ("en", "07911 123456", r"07700 900\d{3}", None),
        ("en", "020 7123 4567", r"020 7946 0\d{3}", None),
        ("en", "(0161) 123 4567", r"\(01[1-4][1-8]\) 496 0\d{3}", None),
        ("en", "01223 456789", r"01632 960\d{3}", None),
        ("en", "+44 7911 123456", r"\+44 7700 900\d{3}", None),
        ("es", "612 345 678", r"6\d\d \d{3} \d{3}", None),
        ("es", "+34 91 234 56 78", r"\+34 9\d \d{3} \d\d \d\d", None),
        ("es", "91-234-56-78", r"9\d-\d{3}-\d\d-\d\d", None),
    ],
)
def test_a_number_keeps_its_format_within_the_free_range(
    language: str, old: str, format_: str, range_: str | None
) -> None:
    seen = set()
    for seed in range(40):
        new = new_phone(old, source(language, random.Random(seed)))
        assert re.fullmatch(format_, new), new
        assert range_ is None or re.fullmatch(range_, digits(new)), new
        seen.add(new)
    assert len(seen) > 10


RENAMED = {"ana": "lucia", "ruiz": "torres", "gil": "soto", "maria": "elena"}


@pytest.mark.parametrize(
    ("old", "local"),
    [
        ("ana.ruiz@hospital.es", "lucia.torres"),
        ("RUIZ_ANA@h.es", "torres_lucia"),
        ("aruiz@h.es", "ltorres"),  # an initial glued to a surname
        ("ruiza@h.es", "torresl"),
        ("anaruiz@h.es", "luciatorres"),
        ("ana77@h.es", r"lucia[1-9]\d"),
        ("xy.z@h.es", "(ltorres|lucia.torres|torresl)"),  # nothing known: the nearest person's
        ("xq99@h.es", r"(ltorres|lucia.torres|torresl)[1-9]\d"),
    ],
)
def test_a_mailbox_follows_the_new_name(old: str, local: str) -> None:
    new = new_email(old, source("es", random.Random(3)), RENAMED, ("Lucía", "Torres"))
    assert re.fullmatch(rf"{local}@example\.(com|org|net)", new), new


def test_a_mailbox_of_nobody_known_is_somebody_elses() -> None:
    new = new_email("xy@h.es", source("sv", random.Random(3)), {}, ())
    assert re.fullmatch(r"[a-z.]{3,}@example\.(com|org|net)", new)


@pytest.mark.parametrize("old", ["https://www.klinik.se/lars/12?x=abc", "hospital.es", "http://a.b/c.html"])
def test_a_web_address_stands_at_an_example_domain(old: str) -> None:
    new = new_url(old, source("es", random.Random(1)))
    assert re.fullmatch(r"(https?://)?(www\.)?[a-z]+\.example\.(com|org|net)(/[\w.?=/]*)?", new), new
    assert "lars" not in new
    assert new.count("/") == old.count("/")


def test_ip_addresses_are_those_of_documentation() -> None:
    four = ipaddress.ip_address(new_ip("10.0.3.7", source("en", random.Random(1))))
    six = ipaddress.ip_address(new_ip("fe80::1", source("en", random.Random(1))))
    documentation = [ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
    assert any(four in network for network in documentation)
    assert six in ipaddress.ip_network("2001:db8::/32")
