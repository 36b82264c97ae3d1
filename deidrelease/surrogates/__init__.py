"""Fresh values in the place of tagged ones: of their kind and language, and new to the private corpus."""

from deidrelease.surrogates.forbidden import Forbidden
from deidrelease.surrogates.language import detect_language
from deidrelease.surrogates.substitution import substitute

__all__ = ["Forbidden", "detect_language", "substitute"]
