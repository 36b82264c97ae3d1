"""Any text whatever: the vectorised tokeniser agrees with one that goes character by character."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from deidrelease_audits.text.tokens import Normal, tokenise, tokenise_all

NASTY = (
    "aAbz09_ .,\n\t\u00a0\u00e9\u00c9\u00df\u0130\u0149\u01f0\u00bd\u2026\ufb01\u00b4\u00aa\u00ba\u0301\u0327\u0345"
    "\u1100\u1161\u11a8\uac00\uff76\uff9e\uff21\u0915\u093f\u09c7\u09be\u200d\ud800\U0001f600\U0001d400\x00"
)
texts = st.lists(st.text(st.sampled_from(NASTY), max_size=20) | st.text(max_size=20), max_size=6)


def is_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def clusters(text: str) -> list[tuple[int, str]]:
    """A character with all that may compose with it, and where it begins."""
    found: list[tuple[int, str]] = []
    for place, character in enumerate(text):
        head = unicodedata.normalize("NFKD", character)[0]
        if found and (unicodedata.category(head)[0] == "M" or 0x1160 <= ord(head) <= 0x11FF):
            found[-1] = (found[-1][0], found[-1][1] + character)
        else:
            found.append((place, character))
    return found


def slow(text: str, normal: Normal) -> list[tuple[str, int, int]]:
    """Token, start and end, one character after the other."""
    characters: list[tuple[str, int, int]] = []
    for place, cluster in clusters(text):
        if normal == "raw":
            characters += [(c, place + i, place + i + 1) for i, c in enumerate(cluster)]
        else:
            form = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", cluster).casefold())
            characters += [(c, place, place + len(cluster)) for c in form]
    tokens: list[tuple[str, int, int]] = []
    inside = False
    for character, start, end in characters:
        word = is_word(character) or (normal == "raw" and character == "_")
        if word and inside:
            tokens[-1] = (tokens[-1][0] + character, tokens[-1][1], end)
        elif word or (normal == "raw" and not character.isspace()):
            tokens.append((character, start, end))
        inside = word
    return tokens


@given(texts, st.sampled_from(("raw", "words")))
def test_tokens_are_those_of_the_slow_way(texts: list[str], normal: Normal) -> None:
    tokens, firsts = tokenise_all(texts, normal)
    names: dict[int, str] = {}
    for text, first, last in zip(texts, firsts[:-1], firsts[1:], strict=True):
        expected = slow(text, normal)
        assert tokens.starts[first:last].tolist() == [start for _, start, _ in expected]
        assert tokens.ends[first:last].tolist() == [end for _, _, end in expected]
        for code, (form, _, _) in zip(tokens.codes[first:last].tolist(), expected, strict=True):
            assert names.setdefault(code, form) == form
    assert len(set(names.values())) == len(names)


@given(st.text(max_size=40))
def test_words_are_those_of_the_whole_text_normalised_at_once(text: str) -> None:
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    assert tokenise(text, "words").codes.tolist() == tokenise(whole, "words").codes.tolist()
