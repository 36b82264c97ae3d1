"""Who is who in one note: every given name and every surname gets one new name, wherever it is mentioned.

New names go by word, not by person. So "Ana Ruiz Gil", "Ana" and "Dra. Ruiz" stay one person without anyone having to
decide that they are, and whoever shared a surname shares the new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from deidrelease.surrogates.forbidden import Forbidden, joined_names
from deidrelease.surrogates.lexicon import Gender
from deidrelease.surrogates.names import Known, Mention, Part, Role
from deidrelease.surrogates.normal import ascii_letters, in_case_of, normal
from deidrelease.surrogates.source import Pools, Source, pools

Key = tuple[Role, str]


@dataclass(slots=True)
class Cast:
    """The people of a note.

    Attributes:
        source: Draws names.
        mentions: Label and mention, in the order of the text.
        genders: Of given names that titles, lists or the note itself show.
        names: The new name of each word, once `recast` has been called.
    """

    source: Source
    mentions: Sequence[tuple[str, Mention]]
    genders: Mapping[str, Gender]
    names: dict[Key, str] = field(default_factory=dict)

    def recast(self, keys: Sequence[Key], attempt: int) -> None:
        """Draws new names for `keys`: none that the note had, none twice."""
        old = {part.key for _, mention in self.mentions for part in mention.parts}
        for key in keys:
            self.names.pop(key, None)
        for key in keys:
            if key[0] in ("given", "surname"):
                taken = old | {normal(name) for name in self.names.values()}
                self.names[key] = self._draw(key, taken, attempt)
        for key in keys:
            if key[0] == "initial":
                self.names[key] = self._initial(key[1])
            elif key[0] == "number":
                self.names[key] = self.source.digits(len(key[1]))

    def written(self, mention: Mention) -> str:
        """`mention` with new names; titles, dots, commas and spaces as they were."""
        pieces, at = [], 0
        for part in mention.parts:
            pieces += [mention.value[at : part.start], self._part(mention, part)]
            at = part.end
        return "".join([*pieces, mention.value[at:]])

    def free(self, forbidden: Forbidden, attempts: int) -> str | None:
        """Draws until no mention, and no two neighbouring ones together, is a private value.

        Returns:
            The label of a mention for which no free name was found; None where all are free.
        """
        self.recast(self._keys(self.mentions), 0)
        for attempt in range(1, attempts + 1):
            bad = self._colliding(forbidden)
            if not bad:
                return None
            self.recast(self._keys(bad), attempt)
        return bad[0][0] if (bad := self._colliding(forbidden)) else None

    def renamed(self) -> dict[str, str]:
        """Old given names and surnames in ASCII small letters, with the new ones, as mailboxes are named."""
        words = ((old, new) for (role, old), new in self.names.items() if role in ("given", "surname"))
        return {ascii_letters(old): ascii_letters(new) for old, new in words}

    def _keys(self, mentions: Sequence[tuple[str, Mention]]) -> list[Key]:
        """Of their own words, then of the names that their initials stand for: those decide the letter."""
        parts = [(mention, part) for _, mention in mentions for part in mention.parts]
        own = [(part.role, part.key) for _, part in parts]
        return list(dict.fromkeys([*own, *(self._stands_for(*each) for each in parts if each[1].role == "initial")]))

    def _draw(self, key: Key, taken: set[str], attempt: int) -> str:
        role, old = key
        # Names are many and a note's are few; should they run out, compounds do not.
        for extra in range(100):
            count = attempt + extra // 5
            name = self.source.given(self.genders.get(old), count) if role == "given" else self.source.surname(count)
            if normal(name) not in taken:
                break
        return name

    def _initial(self, letter: str) -> str:
        return self.source.rng.choice([c for c in "ABCDEFGHIJLMNPRSTV" if c.casefold() != letter])

    def _part(self, mention: Mention, part: Part) -> str:
        old = mention.value[part.start : part.end]
        if part.role == "initial":
            letter = self.names[self._stands_for(mention, part)][0]
            return letter.lower() if old.islower() else letter
        return in_case_of(old, self.names[part.role, part.key])

    def _stands_for(self, mention: Mention, part: Part) -> Key:
        """The name that the initial `part` abbreviates, if the note writes it out beside the same other names."""
        is_last = part == mention.parts[-1] and len(mention.parts) > 1
        role: Role = "surname" if is_last else "given"
        other: Role = "given" if is_last else "surname"
        for _, full in self.mentions:
            shares = set(full.keys(other)) & set(mention.keys(other))
            for key in full.keys(role):
                if key.startswith(part.key) and (shares or not mention.keys(other)):
                    return role, key
        return "initial", part.key

    def _colliding(self, forbidden: Forbidden) -> list[tuple[str, Mention]]:
        new = [(label, self.written(mention)) for label, mention in self.mentions]
        bad = [
            (label, mention)
            for (label, mention), (_, text) in zip(self.mentions, new, strict=True)
            if mention.parts and (forbidden.hit(text, "person") or normal(text) == normal(mention.value))
        ]
        for index, (this, after) in enumerate(pairwise(new)):
            if any(forbidden.hit(joined, "person") for joined in joined_names([this, after])):
                bad += [self.mentions[index], self.mentions[index + 1]]
        return bad


def known_names(mentions: Sequence[Mention]) -> Known:
    """What mentions of several words show about the roles of names, for those of one word."""
    several = [mention for mention in mentions if len(mention.parts) > 1]
    return Known(
        frozenset(key for mention in several for key in mention.keys("given")),
        frozenset(key for mention in several for key in mention.keys("surname")),
    )


def genders_of(
    mentions: Sequence[Mention], language: Pools, patient: Gender | None, patients: Sequence[bool]
) -> dict[str, Gender]:
    """The gender of each given name: from a title, else from Faker's lists, else from the patient's sex.

    Args:
        mentions: Of the note.
        language: The language's names; other locales' are asked next.
        patient: The sex that the note states for its patient.
        patients: For each mention whether it is the patient's.
    """
    genders: dict[str, Gender] = {}
    for mention, is_patient in zip(mentions, patients, strict=True):
        given = mention.keys("given")
        listed = [gender for key in given[:1] if (gender := listed_gender(key, language)) is not None]
        gender = mention.gender or (listed[0] if listed else None) or (patient if is_patient else None)
        if gender is not None:
            for key in given:
                genders.setdefault(key, gender)
    return genders


def listed_gender(name: str, language: Pools) -> Gender | None:
    """The gender of a given name by the language's list, then by the other languages', then by a Romance ending."""
    for names in (language, *(pools(locale) for locale in ("es_ES", "sv_SE", "en_US"))):
        if (gender := names.gender(name)) is not None:
            return gender
    if language is pools("es_ES"):
        return "f" if name.endswith("a") else "m" if name.endswith("o") else None
    return None
