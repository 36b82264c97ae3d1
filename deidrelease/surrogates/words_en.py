"""English, with the forms of the United States and of Britain."""

from deidrelease.surrogates.lexicon import Lexicon, several

ENGLISH = Lexicon(
    code="en",
    locale="en_US",
    function_words=several(
        "the of and to in with was for is on that he she his her were at from by as not has had a an patient"
    ),
    months=(
        "january", "february", "march", "april", "may", "june",
        "july", "august", "september", "october", "november", "december",
    ),
    short_months=(
        ("jan",), ("feb",), ("mar",), ("apr",), (), ("jun",),
        ("jul",), ("aug",), ("sep", "sept"), ("oct",), ("nov",), ("dec",),
    ),
    weekdays=("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    short_weekdays=("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    day_first=False,
    plain_date="{month} {d}, {y}",
    titles={
        "mr": "m", "mrs": "f", "ms": "f", "miss": "f", "madam": "f", "sir": "m", "dr": None, "doctor": None,
        "prof": None, "professor": None, "nurse": None, "sister": "f", "rn": None, "md": None, "np": None, "pa": None,
        "phd": None, "do": None, "jr": None, "sr": None, "iii": None, "ii": None, "patient": None, "pt": None,
    },
    given_titles=frozenset({"sir"}),
    particles=several("de del la las los van von der den da di du le st al"),
    conjunctions=frozenset({"and"}),
    kin=several(
        "mother father parent parents mom mum dad son sons daughter daughters brother brothers sister sisters sibling "
        "siblings grandmother grandfather grandparents grandson granddaughter grandchild grandchildren wife husband "
        "spouse partner fiance fiancee aunt uncle cousin cousins niece nephew family relative relatives carer "
        "guardian child children widow widower twin stepmother stepfather her his in law"
    ),
    given_cues=("first name", "forename", "given name", "given names"),
    surname_cues=("last name", "surname", "family name"),
    sexes={
        "female": "f", "woman": "f", "girl": "f", "f": "f", "lady": "f",
        "male": "m", "man": "m", "boy": "m", "m": "m", "gentleman": "m",
    },
    street_prefixes=(),
    street_suffixes=(
        "street", "st", "road", "rd", "avenue", "ave", "lane", "ln", "drive", "dr", "court", "ct", "close", "terrace",
        "gardens", "way", "boulevard", "blvd", "place", "pl", "square", "sq", "crescent", "parkway", "highway", "hwy",
        "circle", "row", "hill", "park",
    ),
    street_tails=several(
        "apt apartment suite ste unit flat floor fl no n s e w ne nw se sw a b c d room"
    ),
    number_first=True,
    places=(
        "{surname}ville", "{surname}ton", "Port {surname}", "New {surname}", "{surname} Falls", "North {surname}",
        "Lake {surname}", "{surname}borough", "East {surname}ton", "{surname} Heights", "West {surname}bury",
    ),
    institutions=(
        (("clinic", "practice", "surgery"), ("{surname} Clinic", "{surname} & {surname} Clinic", "{place} Clinic")),
        (("university",), ("{surname} University", "University of {place}")),
        (("school", "college"), ("{surname} College", "{place} School")),
        (("pharmacy",), ("{surname} Pharmacy",)),
        (("nursing home", "care home", "residence", "hospice"), ("{surname} House Care Home", "{place} Care Home")),
        (("health center", "health centre", "medical center", "medical centre"), (
            "{surname} Medical Center", "{place} Medical Center", "{surname} {surname} Medical Center",
        )),
        (("infirmary",), ("{surname} Infirmary", "{place} Infirmary")),
        (("hospital", "memorial", "general"), (
            "{surname} Memorial Hospital", "{place} General Hospital", "{surname} {surname} Hospital",
            "St {saint_m}'s Hospital {place}",
        )),
    ),
    hospitals=("{surname} Memorial Hospital", "{place} General Hospital", "{surname} Medical Center"),
    professions=(),
    year_units=("years", "year", "yr", "yrs", "yo", "y", "old"),
    other_units=("month", "months", "mo", "week", "weeks", "wk", "day", "days", "hour", "hours"),
    tens={"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80},
    ninety=("ninet", "hundred", "centenarian", "nonagenarian"),
)  # fmt: skip
