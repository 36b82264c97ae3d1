"""The tokeniser against one that reads character by character."""

import subprocess
import sys
import unicodedata

import pytest

from deidrelease_audits.text.tokens import Normal, folded, tokenise, tokenise_all

NORMALS: tuple[Normal, ...] = ("raw", "words")


def covered(text: str, normal: Normal) -> list[str]:
    tokens = tokenise(text, normal)
    return [text[s:e] for s, e in zip(tokens.starts.tolist(), tokens.ends.tolist(), strict=True)]


def test_raw_keeps_punctuation_and_words_drop_it() -> None:
    text = "NHC: 12-34_a, Pérez\n(fin)"
    assert covered(text, "raw") == ["NHC", ":", "12", "-", "34_a", ",", "Pérez", "(", "fin", ")"]
    assert covered(text, "words") == ["NHC", "12", "34", "a", "Pérez", "fin"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pérez", "PE\u0301REZ"),
        ("oficina", "o\ufb01cina"),  # a ligature
        ("12", "\uff11\uff12"),  # full width
        ("STRASSE", "straße"),
        ("n.º 3", "N O 3"),
        ("\uac00\uac01", "\u1100\u1161\u1100\u1161\u11a8"),  # Hangul, composed and not
        ("\u30ac", "\uff76\uff9e"),  # half-width katakana with its mark apart
    ],
)
def test_words_do_not_see_how_a_text_is_written(one: str, other: str) -> None:
    assert tokenise(one, "words").codes.tolist() == tokenise(other, "words").codes.tolist()
    assert tokenise(one, "raw").codes.tolist() != tokenise(other, "raw").codes.tolist()


def test_offsets_point_into_the_text_as_it_was_read() -> None:
    assert covered("o\ufb01cina e\u0301l ½… fin", "words") == ["o\ufb01cina", "e\u0301l", "½", "½", "fin"]


def test_a_mark_at_the_very_start_is_a_token() -> None:
    assert covered("\u0301 a", "words") == ["\u0301", "a"]


def test_all_texts_at_once_are_as_one_by_one() -> None:
    texts = ["uno dos", "", "½", "\u0301 x", " ", "tres " * 60_000, "e\u0301"]
    for normal in NORMALS:
        tokens, firsts = tokenise_all(texts, normal)
        for text, first, last in zip(texts, firsts[:-1], firsts[1:], strict=True):
            alone = tokenise(text, normal)
            assert alone.codes.tolist() == tokens.codes[first:last].tolist()
            assert alone.starts.tolist() == tokens.starts[first:last].tolist()
            assert alone.ends.tolist() == tokens.ends[first:last].tolist()


def test_nothing_gives_nothing() -> None:
    tokens, firsts = tokenise_all([], "words")
    assert len(tokens) == 0
    assert firsts.tolist() == [0]


def test_equal_tokens_have_equal_codes_and_others_do_not() -> None:
    words = [f"w{number}" for number in range(20_000)] + ["ab", "ba", "a", "b", "aa", "aaa"]
    codes = tokenise(" ".join(words), "raw").codes
    assert len(set(codes.tolist())) == len(words)
    assert tokenise("x ab", "raw").codes[1] == tokenise("ab", "raw").codes[0]


def test_codes_are_the_same_in_another_process() -> None:
    program = "from deidrelease_audits.text.tokens import tokenise; print(tokenise('Uno dos', 'words').codes.tolist())"
    lines = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert lines == {str(tokenise("Uno dos", "words").codes.tolist())}


def test_folding_is_that_of_the_whole_text_where_no_form_is_odd() -> None:
    text = "El Niño, de 3 años: ÁRBOL e\u0301l n.º 5 ﬁn"
    whole = folded(text)
    words = "".join(c if c.isalnum() or unicodedata.category(c).startswith("M") else " " for c in whole).split()
    assert tokenise(text, "words").codes.tolist() == tokenise(" ".join(words), "raw").codes.tolist()


def test_a_rare_script_does_not_make_what_is_known_forgotten() -> None:
    program = (
        "from deidrelease_audits.text.tokens import tokenise\n"
        "before = tokenise('PE\u0301REZ', 'words').codes[0]\n"
        "mixed = tokenise('PÉREZ \U0001d400\uff76\uff9e P\u00c9REZ ABC', 'words').codes\n"
        "print(before == mixed[0] == mixed[2], mixed[3] == tokenise('abc', 'raw').codes[0])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert found.stdout.split() == ["True", "True"]
