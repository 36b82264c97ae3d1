"""Spanish, as written in Spain."""

from deidrelease.surrogates.lexicon import Lexicon, several

SPANISH = Lexicon(
    code="es",
    locale="es_ES",
    function_words=several(
        "el la los las del de que y en con por para se una un es fue su sin al como ha presenta años desde tras"
    ),
    months=(
        "enero", "febrero", "marzo", "abril", "mayo", "junio",
        "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
    ),
    short_months=(
        ("ene",), ("feb",), ("mar",), ("abr",), ("may",), ("jun",),
        ("jul",), ("ago",), ("sep", "sept", "set", "setiembre"), ("oct",), ("nov",), ("dic",),
    ),
    weekdays=("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    short_weekdays=("lun", "mié", "jue", "vie", "sáb", "dom"),
    day_first=True,
    plain_date="{dd}/{mm}/{y}",
    titles={
        "dr": "m", "dra": "f", "doctor": "m", "doctora": "f", "sr": "m", "sra": "f", "srta": "f", "señor": "m",
        "señora": "f", "senor": "m", "senora": "f", "d": "m", "da": "f", "dª": "f", "dna": "f", "don": "m", "dona": "f",
        "prof": None, "profesor": "m", "profesora": "f", "enf": None, "enfermera": "f", "enfermero": "m", "due": None,
        "lic": None, "fdo": None, "dres": None, "drs": None, "paciente": None, "nuhsa": None,
    },
    given_titles=frozenset({"d", "da", "dna", "don", "dona"}),
    particles=frozenset({"de", "del", "la", "las", "los", "el", "do", "dos", "da", "das", "van", "von", "der", "di"}),
    conjunctions=frozenset({"y", "e", "i"}),
    kin=several(
        "padre padres madre madres hijo hijos hija hijas hermano hermanos hermana hermanas abuelo abuelos abuela "
        "abuelas tio tios tia tias primo primos prima primas sobrino sobrinos sobrina sobrinas nieto nietos nieta "
        "nietas marido mujer esposa esposo conyuge pareja novio novia suegro suegra cunado cunada yerno nuera "
        "familia familiar familiares progenitores progenitor tutor tutora cuidador cuidadora bisabuelo bisabuela "
        "gemelo gemela mellizo melliza padrastro madrastra hermanastro hermanastra viudo viuda papa mama"
    ),
    given_cues=("nombre", "nombre de pila"),
    surname_cues=("apellido", "apellidos", "primer apellido", "segundo apellido"),
    sexes={
        "mujer": "f", "femenino": "f", "femenina": "f", "nina": "f", "m": "f", "f": "f", "hembra": "f",
        "varon": "m", "hombre": "m", "masculino": "m", "nino": "m", "h": "m", "v": "m",
    },
    street_prefixes=(
        "calle", "c", "cl", "avenida", "avda", "avd", "av", "plaza", "pza", "pl", "paseo", "po", "ronda", "camino",
        "cno", "carretera", "ctra", "travesia", "rambla", "glorieta", "via", "callejon", "cuesta", "pasaje", "alameda",
        "urbanizacion", "urb", "poligono", "barrio", "bulevar", "autovia", "rua", "carrer", "canada",
    ),
    street_suffixes=(),
    street_tails=several(
        "n no num numero s sn km piso pta puerta portal esc escalera bajo bj atico izq izda izquierda dcha der derecha "
        "dch a b c d e f g h i j k º ª o bloque blq local planta apt apto letra y bis int interior"
    ),
    number_first=False,
    places=(
        "Villanueva de {surname}", "Torre de {surname}", "Puebla de {surname}", "San {saint_m} de {surname}",
        "Santa {saint_f} de {surname}", "{surname} de la Sierra", "{surname} del Monte", "Castillo de {surname}",
        "Valle de {surname}", "{surname} de la Ribera", "Molinos de {surname}", "Arroyo de {surname}",
    ),
    institutions=(
        (("centro de salud", "centro medico", "ambulatorio", "consultorio", "cap"), (
            "Centro de Salud {surname}", "Centro de Salud San {saint_m}", "Centro de Salud {surname} {surname}",
        )),
        (("residencia",), ("Residencia {surname}", "Residencia Santa {saint_f}", "Residencia Doctor {surname}")),
        (("facultad", "universidad", "universitat", "university", "escuela"), (
            "Universidad {given} {surname}", "Universidad San {saint_m} {surname}", "Facultad {surname} {surname}",
        )),
        (("instituto", "institut", "centro"), ("Instituto {surname}", "Instituto {given} {surname} {surname}")),
        (("fundacion", "fundacio"), ("Fundación {surname}", "Fundación {given} {surname}")),
        (("farmacia",), ("Farmacia {surname}", "Farmacia {surname} {surname}")),
        (("clinica",), ("Clínica {surname}", "Clínica Santa {saint_f} {surname}", "Clínica {given} {surname}")),
        (("hospital", "complejo", "policlinica", "sanatorio", "hospitalario"), (
            "Hospital {surname} {surname}", "Hospital Universitario Doctor {surname}", "Hospital Comarcal de {surname}",
            "Hospital General {given} {surname}", "Hospital San {saint_m} de {surname}",
            "Hospital Universitario {given} {surname}",
        )),
    ),
    hospitals=("Hospital {surname} {surname}", "Hospital Doctor {surname}", "Hospital Comarcal de {surname}"),
    professions=(),
    year_units=("años", "año", "a", "añitos"),
    other_units=("mes", "meses", "semana", "semanas", "día", "días", "dia", "dias", "hora", "horas", "m", "d"),
    tens={
        "veint": 20, "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80,
    },
    ninety=("noventa", "nonagenari", "cien", "centenari"),
)  # fmt: skip
