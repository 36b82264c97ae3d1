"""Which sampled texts are kept as notes, and what became of the others."""

import hashlib
from dataclasses import dataclass

from deidrelease.formats.mending import CONTROLS
from deidrelease.models.causal.finished_texts import FinishedTexts
from deidrelease.models.causal.structure import Structure
from deidrelease.settings import GenerateSettings


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the samples.

    Attributes:
        wanted: Notes asked for.
        sampled: Texts looked at, in the order of their indices, until enough were kept.
        kept: Notes in the result.
        looped: Dropped as repeating themselves.
        duplicates: Dropped as equal to an earlier one.
        truncated: Reached the cap unfinished, whether kept or dropped.
        empty: Dropped as blank.
        mended: Held control characters, which no corpus may; each gave way to a space.
        unstructured: Dropped as lacking the training notes' structure.
        cap: Most tokens a note could have.
        tokens: Of the texts looked at, prompts included.
    """

    wanted: int
    sampled: int
    kept: int
    looped: int
    duplicates: int
    truncated: int
    empty: int
    mended: int
    unstructured: int
    cap: int
    tokens: int


class Sieve:
    """Judges finished texts in the order of their indices, up to `limit` of them, whichever finished first."""

    def __init__(
        self, settings: GenerateSettings, finished: FinishedTexts, limit: int, structure: Structure | None
    ) -> None:
        self._settings, self._finished, self._limit, self._structure = settings, finished, limit, structure
        self._seen: set[bytes] = set()
        self._tokens = 0
        self._fates = {"looped": 0, "duplicates": 0, "truncated": 0, "empty": 0, "mended": 0, "unstructured": 0}
        self.kept: list[int] = []
        self.sampled = 0

    @property
    def exhausted(self) -> bool:
        """Whether as many texts were judged as may be."""
        return self.sampled >= self._limit

    def take_up(self, wanted: int) -> None:
        """Judges all texts that are next in line."""
        while len(self.kept) < wanted and not self.exhausted and self.sampled in self._finished:
            text, ending, tokens = self._finished.read(self.sampled)
            self._tokens += tokens
            if self._passes(text, ending):
                self.kept.append(self.sampled)
            self.sampled += 1

    def counts(self, wanted: int, cap: int) -> Counts:
        """What became of the texts so far."""
        return Counts(
            wanted=wanted,
            sampled=self.sampled,
            kept=len(self.kept),
            cap=cap,
            tokens=self._tokens,
            **self._fates,
        )

    def _passes(self, raw: str, ending: str) -> bool:
        text = CONTROLS.sub(" ", raw)
        self._fates["mended"] += text != raw
        if not text.strip():
            self._fates["empty"] += 1
            return False
        self._fates["truncated"] += ending == "truncated"
        if ending == "truncated" and self._settings.truncated == "drop":
            return False
        if ending == "looped" and self._settings.loops == "drop":
            self._fates["looped"] += 1
            return False
        if self._structure is not None and self._structure.share(text) < self._settings.structure:
            self._fates["unstructured"] += 1
            return False
        digest = hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
        if digest in self._seen and self._settings.duplicates == "drop":
            self._fates["duplicates"] += 1
            return False
        self._seen.add(digest)
        return True
