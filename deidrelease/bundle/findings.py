"""What verifying found: every failure with its code, and of every check whether it was made.

A check that another failure made impossible is a failure of its own. Nothing passes for not having been looked at.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from deidrelease.bundle.names import shown

MOST_OF_A_CODE = 50
"""Failures of one code that are listed; the rest is counted."""

_SENDER = "ask the publisher for the bundle again, by another way; do not use this one"
_MADE = "ask the publisher: the bundle was not made by `deidrelease bundle`, or was changed since"
_TRUST = "compare the key's fingerprint with the publisher by another way; only then add it to the trust policy"
REMEDIES: Mapping[str, str] = {
    "unreadable": "name a bundle's folder or its .zip, readable to you",
    "draft": "ask for the signed release: a draft was made to be looked at, not to be used",
    "unsigned": "ask for the signed release; there is no unsigned way to success",
    "path-forbidden": _SENDER,
    "path-collision": _SENDER,
    "file-type": _SENDER,
    "hard-link": "copy the bundle afresh, with every file of its own",
    "empty-folder": "remove the folder; it is no part of the bundle",
    "too-large": _SENDER,
    "too-many": _SENDER,
    "archive-damaged": _SENDER,
    "archive-prefix": _SENDER,
    "archive-comment": _SENDER,
    "archive-compressed": "unpack it and verify the folder; bundles are stored, not compressed",
    "archive-encrypted": "decrypt it and verify the folder",
    "archive-extra": _SENDER,
    "archive-headers": _SENDER,
    "archive-gap": _SENDER,
    "archive-duplicate": _SENDER,
    "file-missing": _SENDER,
    "file-added": "remove it if you put it there; otherwise " + _SENDER,
    "file-size": _SENDER,
    "file-digest": _SENDER,
    "file-changed": "see to it that nothing writes there, then verify again",
    "file-role": _MADE,
    "manifest": _MADE,
    "document": _MADE,
    "statement-missing": "ask the publisher for the statements that your trust policy asks for",
    "statement-malformed": _MADE,
    "statement-unknown": "ask the publisher what it is for; verify refuses what it does not know",
    "statement-duplicate": _MADE,
    "statement-subject": _SENDER,
    "statement-differs": _SENDER,
    "envelope": _SENDER,
    "signature-untrusted": _TRUST,
    "signature-role": "ask the publisher which key this is; the trust policy does not believe it for that",
    "key-validity": "ask for a release signed with a key that is valid today, and was when it signed",
    "approvals-too-few": "ask the publisher for the approvals that are missing (`deidrelease approve`)",
    "approval-same-key": "ask for an approval by a person who does not hold the release key",
    "approval-statement": "ask the approver to state it, or not to approve",
    "policy-not-allowed": "read the policy; only if it asks for enough, add its digest to your trust policy",
    "data-mismatch": _SENDER,
    "data-partial": "ask for a release of which every note was scanned",
    "data-count": _MADE,
    "copy-differs": "use the JSON lines, and tell the publisher",
    "verdict-differs": _SENDER,
    "verdict-blocked": "do not use it; ask the publisher what changed",
    "not-signable": "ask for a release under a policy that may release",
    "report-differs": "do not believe the report; ask the publisher, and see whether your deidrelease is too old",
    "metadata-differs": _MADE,
    "promise": _MADE,
    "promise-refuted": "do not use it: less is promised than was told; ask the publisher for the run's privacy.json",
    "not-yet-valid": "check this machine's clock; otherwise wait, or ask the publisher",
    "expired": "ask the publisher for a newer release; this one is not to be used any more",
    "too-old": "ask for a newer release, or raise max_age_days in your trust policy",
    "validity-too-long": _MADE,
    "recipient": "ask the publisher for a release made for you; its terms may not cover you",
    "replayed": "use the newer release that you verified before, and ask why an older one was sent",
    "forked": "ask the publisher which of the two is theirs: one number stands for two releases",
    "previous-differs": "ask the publisher: this release does not follow the one that you verified before",
    "state": "mend or remove the file, which forgets what was verified before; or give --stateless",
    "not-checked": "mend what failed first; what was not checked is not known to be good",
}
"""Every code that verifying knows, with what can be done."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One reason why a bundle is not verified.

    Attributes:
        code: One of `REMEDIES`.
        where: The file, statement or document.
        what: What is wrong.
        remedy: What can be done.
    """

    code: str
    where: str
    what: str
    remedy: str


@dataclass(slots=True)
class Findings:
    """Failures as they are found, by the check that found them."""

    failures: list[Failure] = field(default_factory=list)
    _codes: Counter[str] = field(default_factory=Counter)

    def fail(self, code: str, where: str, what: str) -> None:
        """Notes a failure; of those beyond `MOST_OF_A_CODE` of one code only how many there are."""
        self._codes[code] += 1
        if self._codes[code] <= MOST_OF_A_CODE:
            self.failures.append(Failure(code, shown(where), what, REMEDIES[code]))

    def not_checked(self, what: str, for_lack_of: str) -> None:
        """Notes that something could not be looked at."""
        self.fail("not-checked", what, f"was not checked, for lack of {for_lack_of}")

    @property
    def count(self) -> int:
        """How many there are so far, listed or not."""
        return self._codes.total()

    def all(self) -> tuple[Failure, ...]:
        """Every failure, and how many of each code were not listed."""
        more = [(code, count - MOST_OF_A_CODE) for code, count in self._codes.items() if count > MOST_OF_A_CODE]
        rest = [Failure(code, "the bundle", f"and {count:,} more of this kind", REMEDIES[code]) for code, count in more]
        return (*self.failures, *rest)
