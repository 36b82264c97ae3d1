"""Fresh values in the place of tagged ones: of their kind and language, and new to the private corpus.

The audits take from here how dates and names are read, and must not pay for the settings that substitution needs: its
names are imported when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deidrelease.surrogates.forbidden import Forbidden
    from deidrelease.surrogates.language import detect_language
    from deidrelease.surrogates.substitution import substitute

__all__ = ["Forbidden", "detect_language", "substitute"]
_PLACES = {"Forbidden": "forbidden", "detect_language": "language", "substitute": "substitution"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
