"""Public word lists, in the forms that a note may show them in."""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from importlib.util import find_spec

from deidrelease.errors import ModelError, Problem
from deidrelease.settings import PublicVocabulary


def problem_with(vocabulary: PublicVocabulary, key: str) -> Problem | None:
    """Why the lists cannot be had; None where nothing speaks against it."""
    if find_spec("wordfreq") is None:
        return Problem(key, "needs the package wordfreq", "pip install 'deidrelease[starters]'")
    from wordfreq import available_languages

    if unknown := sorted(set(vocabulary.languages) - set(available_languages("best"))):
        return Problem(f"{key}.languages", f"has no word list for {', '.join(unknown)}", "use codes such as es, sv, en")
    return None


def source_of_words() -> str:
    """The name and version of the lists."""
    return f"wordfreq {version('wordfreq')}"


def public_words(vocabulary: PublicVocabulary) -> list[str]:
    """The most frequent words of each language, each word once.

    Raises:
        ModelError: The package with the lists, or a list, is missing.
    """
    if problem := problem_with(vocabulary, "vocabulary"):
        raise ModelError("A vocabulary cannot be cut.", [problem])
    from wordfreq import top_n_list

    lists = (top_n_list(language, vocabulary.words) for language in vocabulary.languages)
    return list(dict.fromkeys(word for words in lists for word in words))


def forms(words: Iterable[str]) -> Iterator[str]:
    """Each word in lower case, capitalised and in capitals; alone, behind a space, and behind a bracket."""
    for word in words:
        for written in dict.fromkeys((word, word.capitalize(), word.upper())):
            yield from (written, f" {written}", f"({written}")
