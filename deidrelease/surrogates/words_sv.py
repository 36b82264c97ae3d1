"""Swedish."""

from deidrelease.surrogates.lexicon import Lexicon, several

SWEDISH = Lexicon(
    code="sv",
    locale="sv_SE",
    function_words=several(
        "och att det som på är av för med till inte har om ett men var från vid efter utan hon han sedan"
    ),
    months=(
        "januari", "februari", "mars", "april", "maj", "juni",
        "juli", "augusti", "september", "oktober", "november", "december",
    ),
    short_months=(
        ("jan",), ("feb", "febr"), ("mar",), ("apr",), (), ("jun",),
        ("jul",), ("aug",), ("sep", "sept"), ("okt",), ("nov",), ("dec",),
    ),
    weekdays=("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"),
    short_weekdays=("mån", "tis", "ons", "tors", "fre", "lör", "sön"),
    day_first=True,
    plain_date="{y}-{mm}-{dd}",
    titles={
        "herr": "m", "hr": "m", "fru": "f", "froken": "f", "frk": "f", "dr": None, "doktor": None, "prof": None,
        "professor": None, "overlakare": None, "ol": None, "st": None, "lakare": None, "leg": None, "ssk": None,
        "sjukskoterska": None, "usk": None, "underskoterska": None, "syster": "f", "broder": "m", "bitr": None,
        "kurator": None, "barnmorska": None, "patienten": None, "pat": None,
    },
    given_titles=frozenset({"syster", "broder"}),
    particles=frozenset({"von", "van", "af", "av", "de", "der", "la", "den", "ten", "al", "el"}),
    conjunctions=frozenset({"och", "o"}),
    kin=several(
        "mamma pappa mor far moder fader foralder foraldrar make maka hustru man fru sambo sarbo partner son soner "
        "dotter dottrar barn bror broder brorsa syster systrar syskon mormor morfar farmor farfar moster faster "
        "morbror farbror kusin kusiner barnbarn sonson dotterson sondotter dotterdotter svarson svardotter svarmor "
        "svarfar svager svagerska anhorig anhoriga narstaende god vn sonen dottern makan maken frun brodern system "
        "modern fadern hennes hans"
    ),
    given_cues=("förnamn", "tilltalsnamn"),
    surname_cues=("efternamn", "släktnamn"),
    sexes={
        "kvinna": "f", "kvinnlig": "f", "flicka": "f", "k": "f", "f": "f",
        "man": "m", "manlig": "m", "pojke": "m", "m": "m",
    },
    street_prefixes=(),
    street_suffixes=(
        "gatan", "gata", "vägen", "väg", "stigen", "stig", "gränd", "gränden", "torget", "torg", "allén", "allé",
        "backen", "platsen", "plan", "leden", "stråket", "kajen", "esplanaden",
    ),
    street_tails=several(
        "lgh tr nb bv a b c d e f g h uppg vån port og"
    ),
    number_first=False,
    places=(
        "{surname}sby", "{surname}storp", "{surname}sta", "{surname}svik", "{surname}slund", "{surname}sund",
        "Norra {surname}storp", "Södra {surname}svik", "Västra {surname}sby", "Östra {surname}sund", "{surname}shamn",
    ),
    institutions=(
        (("universitetssjukhus", "universitetssjukhuset"), ("{place}s universitetssjukhus",)),
        (("vardcentral", "vardcentralen", "halsocentral", "primarvard"), (
            "{place}s vårdcentral", "Vårdcentralen {place}", "Vårdcentralen {surname}",
        )),
        (("aldreboende", "boende", "sarskilt boende", "hospice", "vardhem"), (
            "{place}s äldreboende", "Äldreboendet {given}sgården", "{surname}sgården",
        )),
        (("universitet", "hogskola", "hogskolan", "skola", "skolan", "gymnasium"), (
            "{place}s högskola", "{given}skolan", "{place}s universitet",
        )),
        (("apotek", "apoteket"), ("Apoteket {given}", "Apoteket {surname}")),
        (("lasarett", "lasarettet"), ("{place}s lasarett",)),
        (("sjukhus", "sjukhuset", "klinik", "kliniken", "mottagning", "mottagningen"), (
            "{place}s sjukhus", "{given}sjukhuset", "{surname}s sjukhus",
        )),
    ),
    hospitals=("{place}s sjukhus", "{place}s lasarett", "{given}sjukhuset"),
    professions=(
        "arkitekt", "bagare", "barnskötare", "bibliotekarie", "bilmekaniker", "brandman", "brevbärare", "butikssäljare",
        "byggnadsarbetare", "civilingenjör", "fastighetsskötare", "fiskare", "flygtekniker", "fotograf", "glasmästare",
        "grafiker", "gruvarbetare", "gymnasielärare", "hamnarbetare", "hovslagare", "idrottsledare", "inredare",
        "journalist", "jurist", "kakelugnsmakare", "kock", "konditor", "kontorist", "kranförare", "kyrkvaktmästare",
        "köksbiträde", "lagerarbetare", "lokförare", "lokalvårdare", "läkarsekreterare", "matros", "metallarbetare",
        "montör", "murare", "målare", "optiker", "orgelbyggare", "parkarbetare", "plåtslagare", "programmerare",
        "psykolog", "receptionist", "redovisningsekonom", "renskötare", "rörmokare", "servitris", "sjökapten",
        "skogsarbetare", "skräddare", "smed", "socionom", "spårvagnsförare", "svetsare", "säljare", "taxiförare",
        "tandtekniker", "tolk", "trädgårdsmästare", "truckförare", "tulltjänsteman", "urmakare", "översättare",
    ),
    year_units=("år", "åring", "årig", "åriga", "årige"),
    other_units=("månad", "månader", "mån", "vecka", "veckor", "dag", "dagar", "dygn", "timmar"),
    tens={
        "tjugo": 20, "trettio": 30, "fyrtio": 40, "femtio": 50, "sextio": 60, "sjuttio": 70, "åttio": 80,
    },
    ninety=("nittio", "hundra"),
)  # fmt: skip
