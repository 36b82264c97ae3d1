"""When two values count as the same: case, accents, spaces and punctuation decide nothing."""

import re
import unicodedata
from functools import lru_cache

_BETWEEN = re.compile(r"[\W_]+")


@lru_cache(maxsize=65536)
def normal(value: str) -> str:
    """`value` in NFKC, without case and accents, with one space for every run of spaces and punctuation."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", value).casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    return _BETWEEN.sub(" ", plain).strip()


def squeezed(value: str) -> str:
    """`normal(value)` without its spaces: `12-34 AB` and `1234ab` are one."""
    return normal(value).replace(" ", "")


def in_any_order(value: str) -> str:
    """The words of `value`, sorted: `Ruiz Gil, Ana` and `Ana Ruiz Gil` are one."""
    return " ".join(sorted(normal(value).split()))


def ascii_letters(text: str) -> str:
    """What is left of `text` for an e-mail address: lower-case ASCII letters and digits."""
    return "".join(c for c in normal(text) if c.isascii() and c.isalnum())


def in_case_of(model: str, text: str) -> str:
    """`text` in capitals or small letters where `model` is all that; else as it stands."""
    letters = sum(c.isalpha() for c in model)
    if letters > 1 and model.isupper():
        return text.upper()
    return text.lower() if model.islower() else text
