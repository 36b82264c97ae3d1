"""Waivers: a signed, dated, narrow permission to release although one rule is broken.

Each is a DSSE envelope around a claim. Who approved it is whoever holds the key, by the name that the *verifier's*
trust store gives that key: a claim cannot name its own approver.
"""

import datetime
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from deidrelease.policy.rules import Policy, Sha256, Slug, Strict, Text

if TYPE_CHECKING:
    from deidrelease.signing.trust import TrustedKey

WAIVER_FORMAT: Literal["deidrelease.waiver/1"] = "deidrelease.waiver/1"
PAYLOAD_TYPE = "application/vnd.deidrelease.waiver+json"
MOST_WAIVERS = 1000
_ALIKE = str.maketrans("авсԁеѕіјкмнорԛтуԝхӏαβεζηικμνορτυχ", "abcdesijkmhopqtywxlabezhikmnoptyx")
"""Small letters of Cyrillic and Greek of which the small or the capital one looks like a Latin one."""


def _shown(name: str) -> str:
    if not name.isprintable():
        raise ValueError("holds marks that nobody sees: write it in letters")
    return name


# What no terminal shows could make two names of one.
Person = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_shown)]


class WaiverClaim(Strict):
    """What a waiver says, before anybody signs it.

    Attributes:
        format: Of the document.
        id: Its own name, by which a verdict refers to it.
        policy: Name of the policy whose rule it is.
        rule: Name of the rule; there are no wildcards.
        data_digest: Digest of the synthetic corpus, as in the audit's result; None where it speaks of a finding alone.
        finding: Keyed id of the finding that it is about; None for the rule as a whole. It is carried and shown, and
            narrows nothing: the rule is waived only where `data_digest` is there and matches.
        justification: Why this is acceptable.
        requester: Who asks for it; somebody else has to sign.
        issued: First day, UTC.
        expires: Last day, UTC.
    """

    format: Literal["deidrelease.waiver/1"] = WAIVER_FORMAT
    id: Slug
    policy: Slug
    rule: Slug
    data_digest: Sha256 | None = None
    finding: Sha256 | None = None
    justification: Text
    requester: Person
    issued: datetime.date
    expires: datetime.date

    @model_validator(mode="after")
    def _about_something(self) -> Self:
        if self.data_digest is None and self.finding is None:
            raise ValueError("is about nothing: give data_digest")
        if self.expires < self.issued:
            raise ValueError("expires before it is issued")
        return self

    @property
    def days(self) -> int:
        """How long it lives, both ends counted."""
        return (self.expires - self.issued).days + 1


class Waiver(WaiverClaim):
    """A claim whose signature was checked.

    Attributes:
        approver: Who signed, by the trust store's name of the key.
    """

    approver: Person


def refusal(waiver: Waiver, policy: Policy, data_digest: str, now: datetime.date) -> str:
    """Why `waiver` counts for nothing on `now` for this corpus under this policy; empty where it counts."""
    rule, most = policy.rules.get(waiver.rule), policy.waivers.max_days
    reasons = (
        (waiver.policy != policy.name, f"is for the policy {waiver.policy}"),
        (rule is None, f"is for a rule {waiver.rule}, which the policy does not have"),
        (rule is not None and not rule.waivable, f"is for the rule {waiver.rule}, which no waiver covers"),
        (waiver.data_digest is None, "names a finding and no data digest, so it covers no rule"),
        (waiver.data_digest not in (None, data_digest), "is for another corpus"),
        (most == 0, "is one too many: the policy lets no waiver count"),
        (0 < most < waiver.days, f"lives {waiver.days} days, and the policy allows {most}"),
        (now < waiver.issued, f"begins on {waiver.issued} only"),
        (now > waiver.expires, f"expired on {waiver.expires}"),
        (_same(waiver.requester, waiver.approver), "was approved by the one who asked for it"),
    )
    return next((reason for applies, reason in reasons if applies), "")


def open_waivers(data: bytes, keys: Sequence["TrustedKey"], now: datetime.date) -> tuple[list[Waiver], dict[str, str]]:
    """Opens a `waivers.json` with the keys of a trust policy.

    Args:
        data: A JSON list of DSSE envelopes.
        keys: The trust store; only keys with the role `waiver` count.
        now: The day of the decision, UTC.

    Returns:
        The waivers that a trusted key signed, and for all others their id, or place in the list, and why not.

    Raises:
        PolicyError: The file is no such list.
    """
    signers = [key for key in keys if "waiver" in key.roles]
    opened: list[Waiver] = []
    refused: dict[str, str] = {}
    for number, record in enumerate(_records(data)):
        waiver = _opened(record, signers, now)
        if isinstance(waiver, Waiver) and waiver.id not in {each.id for each in opened} | refused.keys():
            opened.append(waiver)
        else:
            refused[f"number {number + 1}"] = waiver if isinstance(waiver, str) else "has the id of another waiver"
    return opened, refused


def claim_bytes(claim: WaiverClaim) -> bytes:
    """The canonical JSON that is signed."""
    from deidrelease.signing.strict_json import canonical

    return canonical(claim.model_dump(mode="json"))


def _records(data: bytes) -> list[Any]:
    from deidrelease.errors import PolicyError, Problem
    from deidrelease.signing.strict_json import StrictJsonError, parse_strict

    try:
        records = parse_strict(data, "the waivers")
        if not isinstance(records, list) or len(records) > MOST_WAIVERS:
            raise StrictJsonError(f"is no list of at most {MOST_WAIVERS} envelopes")
    except StrictJsonError as error:
        problem = Problem("waivers.json", str(error), "take the file that `deidrelease waiver sign` wrote")
        raise PolicyError("The waivers cannot be used.", [problem]) from None
    return records


def _opened(record: Any, keys: Sequence["TrustedKey"], now: datetime.date) -> Waiver | str:
    """The waiver, or why there is none."""
    from deidrelease.signing.envelopes import Envelope
    from deidrelease.signing.strict_json import canonical, parse_strict

    try:
        envelope = Envelope.parse(canonical(record))
        if envelope.payload_type != PAYLOAD_TYPE:
            return "is no waiver but something else that was signed"
        parse_strict(envelope.payload, "the waiver")
        claim = WaiverClaim.model_validate_json(envelope.payload)
        if claim_bytes(claim) != envelope.payload:  # such as a date in seconds, which another reader takes otherwise
            return "is no waiver in its one canonical form"
    except (ValueError, RecursionError):
        return "is no waiver that can be understood"
    if claim.issued > now:
        return f"({claim.id}) begins on {claim.issued} only"
    # A claim tells its own day of issue: a key that has ended since could sign for a day when it was still good.
    signed = [key for key in envelope.signed_by(keys) if key.valid_on(claim.issued) and key.valid_on(now)]
    if not signed:
        return f"({claim.id}) is signed by no key that is trusted with waivers, on the day of its issue and today"
    # Whoever asked may have signed as well; what counts is that somebody else did.
    others = [key.name for key in signed if not _same(key.name, claim.requester)]
    return Waiver(**dict(claim), approver=(others or [signed[0].name])[0])


def _same(one: str, other: str) -> bool:
    """Whether two names may be one person's; a name without any letter may be anybody's."""
    persons = _person(one), _person(other)
    return persons[0] == persons[1] or [] in persons


def _person(name: str) -> list[str]:
    """The words of `name` in any order, without case, accents, punctuation, and what only looks like another letter."""
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold()).translate(_ALIKE)
    plain = "".join(c if c.isalnum() else " " for c in letters if unicodedata.category(c) not in ("Mn", "Cf"))
    return sorted(plain.split())


def without_doubles(waivers: Sequence[Waiver]) -> tuple[list[Waiver], Mapping[str, str]]:
    """`waivers` by id; of an id that stands twice with different content none counts."""
    by_id: dict[str, Waiver] = {}
    doubled: dict[str, str] = {}
    for waiver in waivers:
        if by_id.setdefault(waiver.id, waiver) != waiver:
            doubled[waiver.id] = "stands twice, with different content"
    return [by_id[name] for name in sorted(by_id) if name not in doubled], doubled
