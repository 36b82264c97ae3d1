"""What a user can act on, each kind with its exit code.

Everything the command line catches is a `DeidReleaseError`; anything else is a bug and keeps its traceback. A message
names the place, what was wrong there and the remedy. It never holds note text, a PII value or a patient id, because
messages end up in terminals, logs and tickets.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One defect in one place.

    Attributes:
        where: The file, and the line or key where there is one, as `path:line` or `path: key`.
        what: What is wrong, without quoting private text.
        remedy: What the user can do about it.
        kind: The name under which defects of one sort are counted; those of corpora stand in
            `deidrelease.formats.defects`.
    """

    where: str
    what: str
    remedy: str
    kind: str = "other"

    def __str__(self) -> str:
        return f"{self.where}: {self.what} — {self.remedy}"


class DeidReleaseError(Exception):
    """Something the user can mend.

    Args:
        summary: One sentence that says what could not be done.
        problems: Every defect found, not only the first.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, summary: str, problems: Iterable[Problem] = ()) -> None:
        self.summary = summary
        self.problems = tuple(problems)
        super().__init__("\n".join([summary, *(f"  {problem}" for problem in self.problems)]))


class ConfigError(DeidReleaseError):
    """A configuration file, or a `--set` override, cannot be used."""


class CorpusError(DeidReleaseError):
    """A corpus cannot be read or written as asked."""


class ArtifactError(DeidReleaseError):
    """A run folder is locked, damaged, or lacks something."""


class ModelError(DeidReleaseError):
    """A model or tokenizer cannot be loaded or used."""


class AuditError(DeidReleaseError):
    """An audit cannot be done as asked."""


class PolicyError(DeidReleaseError):
    """A policy cannot be used."""


class BundleError(DeidReleaseError):
    """A bundle cannot be made, or a key or a trust policy cannot be used; that one is not verified is no error."""


class PrivacyError(DeidReleaseError):
    """A promise of differential privacy cannot be made or kept: what cannot be accounted for is not stated."""
