"""Makes canaries up, out of the operating system's randomness, so that no seed tells which ones were planted.

A canary is equal to nothing real. Its words and identifiers are looked for in all notes at hand, and drawn anew where
one is found; and they are so long that a note which is not at hand, such as one of the hold-out, has them with a chance
of less than one in a million. The audit, which has the hold-out, looks there.
"""

import secrets
from collections.abc import Iterable, Sequence
from itertools import chain

from deidrelease.canaries.canary import Canary
from deidrelease.notes import Note

_CONSONANTS, _VOWELS = "bdfgjkptvwxz", "aeiou"
"""Without c, h, l, m, n, r, s hardly a word of a European language can be spelt."""
_SYLLABLES = 3
_PREFIX_PHRASES = 3
_CODE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_GROUPS, _GROUP = 4, 4


def craft(
    count: int, words: int, forms: Sequence[Sequence[str]], known: Sequence[Iterable[Note]]
) -> tuple[Canary, ...]:
    """Makes `count` canaries up and tosses a fair coin for each of them.

    Args:
        count: How many.
        words: Made-up words of a secret.
        forms: A canary begins with some phrases of one of them.
        known: Private notes, read once or a few times; no word and no identifier of a canary stands in them.

    Returns:
        In random order, of which the coin is independent.
    """
    canaries = [_made(words, forms) for _ in range(count)]
    while taken := met_in(chain.from_iterable(known), canaries):
        canaries = [_made(words, forms) if place in taken else canary for place, canary in enumerate(canaries)]
    return tuple(canaries)


def squeezed(text: str) -> str:
    """Letters and digits alone, case folded: how an identifier is compared, however it is written."""
    return "".join(character for character in text.casefold() if character.isalnum())


def met_in(notes: Iterable[Note], canaries: Sequence[Canary]) -> set[int]:
    """The places of those canaries of which a word or an identifier, however it is written, stands in a note."""
    from ahocorasick_rs import AhoCorasick

    secrets_of = [(place, squeezed(part)) for place, c in enumerate(canaries) for part in (*c.words, *c.identifiers)]
    automaton = AhoCorasick([part for _, part in secrets_of])
    found: set[int] = set()
    for note in notes:
        hits = automaton.find_matches_as_indexes(squeezed(note.text), overlapping=True)
        found.update(secrets_of[number][0] for number, _, _ in hits)
    return found


def _made(words: int, forms: Sequence[Sequence[str]]) -> Canary:
    random = secrets.SystemRandom()
    form = secrets.choice(forms)
    chosen = random.sample(form, min(_PREFIX_PHRASES, len(form)))
    made = tuple(_word() for _ in range(words))
    identifiers = (_grouped(_CODE, "-"), _grouped("0123456789", " "))
    return Canary(
        name=secrets.token_hex(16),
        prefix="\n".join(chosen) + " ",
        secret=f"{' '.join(made)}, {identifiers[0]}, {identifiers[1]}.",
        words=made,
        identifiers=identifiers,
        inserted=bool(secrets.randbits(1)),
    )


def _word() -> str:
    syllables = (
        secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) + secrets.choice(_CONSONANTS) for _ in range(_SYLLABLES)
    )
    return "".join(syllables).capitalize()


def _grouped(characters: str, between: str) -> str:
    return between.join("".join(secrets.choice(characters) for _ in range(_GROUP)) for _ in range(_GROUPS))
