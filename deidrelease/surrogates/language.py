"""Tells the language of a note by its little words; enough to choose between three."""

import re

from deidrelease.errors import CorpusError, Problem
from deidrelease.surrogates.lexicon import LANGUAGES, lexicon

AUTO = "auto"
_WORD = re.compile(r"[^\W\d_]+")
_LEAST = 3


def detect_language(text: str) -> str | None:
    """The language whose function words are most frequent in `text`; None where two tie or hardly any is there."""
    words = _WORD.findall(text.casefold())
    counts = sorted(
        ((sum(word in lexicon(code).function_words for word in words), code) for code in LANGUAGES), reverse=True
    )
    (best, language), (second, _) = counts[:2]
    return language if best >= _LEAST and best > second else None


def language_of(text: str, language: str, fallback: str | None = None, where: str = "the note") -> str:
    """`language` itself, or the one that `text` shows where it is `auto`.

    Args:
        text: Of a note.
        language: One of `LANGUAGES`, or `auto`.
        fallback: What to take where the text does not show it.
        where: What the message names as the place.

    Raises:
        CorpusError: The text does not show it and there is no fallback, or there is no such language.
    """
    if language == AUTO:
        if found := detect_language(text) or fallback:
            return found
        remedy = "set substitute.language, or substitute.fallback_language for such notes"
        raise CorpusError("A note's language is not clear.", [Problem(where, "shows no language", remedy)])
    if language not in LANGUAGES:
        remedy = f"one of {', '.join(LANGUAGES)}, {AUTO}"
        raise CorpusError("No such language.", [Problem("language", f"'{language}' is not known", remedy)])
    return language
