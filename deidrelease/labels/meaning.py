"""A label map: for every label of a corpus what it stands for, so that nothing downstream has to guess.

The classes are those of HIPAA's Safe Harbor, 45 CFR 164.514(b)(2)(i)(A) to (R). They are used as names for sorts of
identifiers, wherever the notes come from: a map says nothing about whether HIPAA applies, or is met.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deidrelease.errors import CorpusError, Problem

HipaaClass = Literal["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R"]
Identifies = Literal["direct", "quasi", "alone-not"]
Whose = Literal["patient", "relative", "provider", "institution", "unknown"]
Kind = Literal[
    "person", "kinship", "street", "place", "country", "postcode", "hospital", "organisation", "phone", "email", "url",
    "ip", "id", "date", "age", "profession", "other", "keep",
]  # fmt: skip

HIPAA_CLASSES: Mapping[str, str] = {
    "A": "names",
    "B": "geographic subdivisions smaller than a state",
    "C": "dates but for the year, and ages over 89",
    "D": "telephone numbers",
    "E": "fax numbers",
    "F": "e-mail addresses",
    "G": "social security numbers",
    "H": "medical record numbers",
    "I": "health plan beneficiary numbers",
    "J": "account numbers",
    "K": "certificate and licence numbers",
    "L": "vehicle identifiers and serial numbers",
    "M": "device identifiers and serial numbers",
    "N": "web addresses",
    "O": "IP addresses",
    "P": "biometric identifiers",
    "Q": "full-face photographs and the like",
    "R": "any other unique identifying number, characteristic or code",
}
IDENTIFIES: Mapping[str, str] = {
    "direct": "direct identifier: points to one person or household by itself, or with one list beside it",
    "quasi": "quasi-identifier: narrows down who it is, together with others of its sort",
    "alone-not": "not identifying alone: says next to nothing about who it is, unless very rare",
}
WHOSE: tuple[str, ...] = get_args(Whose)
KINDS: tuple[str, ...] = get_args(Kind)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Label(_Strict):
    """What one label stands for.

    Attributes:
        hipaa: Class of Safe Harbor, `A` to `R`; None where it lists no such thing.
        identifies: How far a value identifies, see `IDENTIFIES`.
        whose: Whose value it is.
        surrogate: The kind of value that takes its place; `keep` leaves it as it is.
    """

    hipaa: HipaaClass | None
    identifies: Identifies
    whose: Whose
    surrogate: Kind

    @model_validator(mode="after")
    def _nothing_direct_is_kept(self) -> "Label":
        if self.identifies == "direct" and self.surrogate == "keep":
            raise ValueError("a direct identifier cannot be kept: name the kind of its surrogate")
        return self


class LabelMap(_Strict):
    """The labels of one annotation scheme.

    Attributes:
        name: As configs spell it.
        version: Raised when the meaning of a label changes.
        source: Where the label set comes from.
        licence: Of the label set's source.
        description: A sentence or two.
        labels: Every label of the scheme, those that a corpus happens to lack included.
    """

    name: str = Field(min_length=1)
    version: int = Field(ge=1)
    source: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    description: str = Field(min_length=1)
    labels: dict[str, Label] = Field(min_length=1)

    def __getitem__(self, label: str) -> Label:
        """What `label` stands for; KeyError where the map does not know it."""
        return self.labels[label]

    def unmapped(self, labels: Iterable[str]) -> list[str]:
        """Those of `labels` that the map does not know, sorted, each once."""
        return sorted(set(labels) - set(self.labels))

    def problems(self, labels: Iterable[str] | Mapping[str, int], where: str = "corpus.labels") -> list[Problem]:
        """A problem for each label that the map does not know, with its count where `labels` holds counts."""
        counts = labels if isinstance(labels, Mapping) else {}
        remedy = f"give it an entry in a label map of your own: copy '{self.name}' and name the file in corpus.labels"
        return [
            Problem(where, f"'{label}'{_times(counts.get(label))} is not in the label map '{self.name}'", remedy)
            for label in self.unmapped(labels)
        ]

    def require(self, labels: Iterable[str] | Mapping[str, int], where: str = "corpus.labels") -> None:
        """Checks that the map knows every one of `labels`.

        Args:
            labels: Names, or names with how often each occurs.
            where: What the message names as the place.

        Raises:
            CorpusError: Lists all labels that are not mapped.
        """
        if problems := self.problems(labels, where):
            raise CorpusError(f"{len(problems)} label(s) have no meaning in the label map '{self.name}'.", problems)


def _times(count: int | None) -> str:
    return "" if count is None else f" ({count} span{'' if count == 1 else 's'})"
