"""What a publisher wants of a bundle."""

from dataclasses import dataclass
from datetime import datetime

from deidrelease.bundle.about import About
from deidrelease.bundle.previous import Previous
from deidrelease.bundle.shards import Copy
from deidrelease.policy import Policy
from deidrelease.policy.judging import Waivers
from deidrelease.results import Verdict

DEFAULT_DAYS = 365


@dataclass(frozen=True, slots=True)
class Request:
    """What the publisher wants.

    Attributes:
        about: What they say of it, complete.
        policy: Resolved.
        policy_file: The policy's own file, as it was used.
        waivers: Opened by the keys of a trust policy.
        waivers_file: Their envelopes, a JSON list.
        now: When the bundle is made; knows its zone.
        release_id: 32 hexadecimal digits that no other release has.
        valid_days: For how long; None for as long as the policy lets.
        previous: The release before, of the same data set.
        copies: Formats besides JSON lines.
        draft: Unsigned, watermarked, refused by `verify`, whatever the verdict.
    """

    about: About
    policy: Policy
    policy_file: bytes
    waivers: Waivers
    waivers_file: bytes
    now: datetime
    release_id: str
    valid_days: int | None = None
    previous: Previous | None = None
    copies: frozenset[Copy] = frozenset()
    draft: bool = False

    def most_days(self, verdict: Verdict) -> int:
        """For how long a release may be valid."""
        return verdict.valid_days or DEFAULT_DAYS
