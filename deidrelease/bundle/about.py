"""What a publisher says of a release: its title, who it is for, whom to ask. Nothing here is guessed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deidrelease.errors import BundleError, Problem
from deidrelease.yaml_lines import Wanted, read_document

NOT_STATED = "not stated"
SECTION = "release"
_EXAMPLE = "see docs/how-to/bundle.md"
_WANTED = Wanted(BundleError, "Nothing says what the release is.", "what it says of the release is unusable.", _EXAMPLE)
_SLUG = r"[a-z0-9]+(-[a-z0-9]+)*"
_LICENCE = r"[A-Za-z0-9][A-Za-z0-9.+-]*"
_LANGUAGE = r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"

_LINE, _TEXT = 300, 20_000
"""Characters, at most."""
_Line = Annotated[str, Field(min_length=1, max_length=_LINE)]
_Text = Annotated[str, Field(min_length=1, max_length=_TEXT)]


@dataclass(frozen=True, slots=True)
class About:
    """What is said of a release.

    Attributes:
        dataset: Its name as a slug; releases of one data set count on from one another under it.
        title: A line.
        description: A paragraph or some.
        recipient: Who it is for; a verifier may insist on it.
        publisher: Who answers for it.
        contact: Where to write to, above all when something private is found in it.
        licence: SPDX identifier, or `proprietary`.
        languages: BCP 47 tags of the notes' languages.
    """

    dataset: str = ""
    title: str = ""
    description: str = ""
    recipient: str = ""
    publisher: str = ""
    contact: str = ""
    licence: str = ""
    languages: tuple[str, ...] = ()

    def over(self, other: "About") -> "About":
        """This, with what it does not say taken from `other`."""
        said = {field.name: getattr(self, field.name) or getattr(other, field.name) for field in fields(self)}
        return replace(self, **said)

    def complete(self, *, draft: bool) -> "About":
        """This, with nothing missing.

        Raises:
            BundleError: Something is missing, and this is no draft; or something cannot be what it says it is.
        """
        missing = [field.name for field in fields(self) if not getattr(self, field.name)]
        if missing and not draft:
            problems = [Problem(f"--{_OPTIONS.get(name, name)}", "is not said", _remedy(name)) for name in missing]
            raise BundleError("A recipient has to know what this is.", problems)
        whole = replace(self, **{name: _UNSAID[name] for name in missing})
        if problems := whole.problems():
            raise BundleError("What is said of the release cannot be used.", problems)
        return whole

    def problems(self) -> list[Problem]:
        """What cannot be what it says it is."""
        found = [
            ("dataset", re.fullmatch(_SLUG, self.dataset), "write small letters, digits and single hyphens"),
            ("licence", re.fullmatch(_LICENCE, self.licence), "write an SPDX identifier, or proprietary"),
            ("languages", all(re.fullmatch(_LANGUAGE, one) for one in self.languages), "write tags such as es or sv"),
        ]
        for name in ("title", "recipient", "publisher", "contact"):
            said = getattr(self, name)
            found.append(
                (name, said.isprintable() and len(said) <= _LINE, f"write one line of at most {_LINE} characters")
            )
        plain = "".join(self.description.splitlines()).isprintable() and len(self.description) <= _TEXT
        found.append(("description", plain, f"write plain lines of at most {_TEXT} characters together"))
        return [
            Problem(f"--{_OPTIONS.get(name, name)}", "cannot be used", remedy)
            for name, good, remedy in found
            if not good
        ]


_OPTIONS = {"languages": "language"}
_UNSAID: Mapping[str, Any] = {
    **{field.name: NOT_STATED for field in fields(About)},
    "dataset": "not-stated",
    "licence": "proprietary",
    "languages": ("und",),
}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    dataset: _Line = ""
    title: _Line = ""
    description: _Text = ""
    recipient: _Line = ""
    publisher: _Line = ""
    contact: _Line = ""
    licence: _Line = ""
    languages: list[_Line] = Field(default_factory=list)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    release: _Section


def load_about(path: Path) -> About:
    """Reads the section `release` of the YAML file at `path`.

    Raises:
        BundleError: Everything that is wrong with it, each with its line.
    """
    document = read_document(path, _WANTED)
    try:
        section = _File.model_validate(document.values).release
    except ValidationError as error:
        problems = [
            Problem(document.where(tuple(detail["loc"])), _plainly(detail["type"], detail["msg"]), _EXAMPLE)
            for detail in error.errors(include_input=False, include_url=False)
        ]
        raise BundleError(f"{path}: what it says of the release is unusable.", problems) from None
    said = section.model_dump()
    return About(**{**said, "languages": tuple(said["languages"])})


def _plainly(kind: str, message: str) -> str:
    return {"extra_forbidden": "is no key of a release", "missing": "is missing"}.get(kind, message)


def _remedy(name: str) -> str:
    return f"say it there, or as {SECTION}.{name} in the file of --about"
