"""Words for Presidio's context rules, without a language model and in bounded memory.

Presidio lifts the score of a match that follows a context word ("tarjeta", "personnummer"). Its spaCy engines load a
model for that, or keep every new word of a corpus in a vocabulary that only grows. Words are all that the rules need.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from spacy.util import get_lang_class

_WORD = re.compile(r"\w+|[^\w\s]")


class WordEngine(NlpEngine):
    """Splits text into words; finds no entities.

    Args:
        language: Code of the one language it serves; its stop words come from spaCy's tables.
    """

    def __init__(self, language: str) -> None:
        self._language = language
        self._stop_words: frozenset[str] | None = None

    def load(self) -> None:
        """Takes the stop words out of the installed package; no file is fetched."""
        self._stop_words = frozenset(get_lang_class(self._language).Defaults.stop_words)

    def is_loaded(self) -> bool:
        """Whether `load` was called."""
        return self._stop_words is not None

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """The words of `text` with their places, the lower-cased word in place of a lemma."""
        found = list(_WORD.finditer(text))
        return NlpArtifacts(
            entities=[],
            tokens=[match[0] for match in found],
            tokens_indices=[match.start() for match in found],
            lemmas=[match[0].lower() for match in found],
            nlp_engine=self,
            language=language,
        )

    def process_batch(
        self,
        texts: Iterable[str],
        language: str,
        **options: Any,  # noqa: ARG002
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        """Each text with its words; there is nothing to gain from a batch."""
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word: str, language: str) -> bool:  # noqa: ARG002
        """Whether `word` says nothing about its neighbours."""
        return word in (self._stop_words or ())

    def is_punct(self, word: str, language: str) -> bool:  # noqa: ARG002
        """Whether `word` is a mark; a mark is never a context word."""
        return not word[:1].isalnum()

    def get_supported_entities(self) -> list[str]:
        """None."""
        return []

    def get_supported_languages(self) -> list[str]:
        """The one language."""
        return [self._language]
