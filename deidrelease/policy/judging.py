"""Judges a result by the files that people name: a policy, signed waivers, and whose signatures count."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deidrelease.auditing.result import AuditResult
from deidrelease.errors import PolicyError, Problem
from deidrelease.policy.deciding import decide
from deidrelease.policy.rules import Policy
from deidrelease.policy.waivers import Waiver, open_waivers
from deidrelease.results import Verdict
from deidrelease.signing.strict_json import MOST_BYTES


@dataclass(frozen=True, slots=True)
class Waivers:
    """What a file of waivers holds.

    Attributes:
        good: Those that a trusted key signed and that have not expired.
        refused: Id to the reason why it counts for nothing.
    """

    good: Sequence[Waiver] = ()
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def justifications(self) -> dict[str, str]:
        """Id to what each says."""
        return {waiver.id: waiver.justification for waiver in self.good}


def read_waivers(path: Path | None, trust: Path | None, now: datetime.date) -> Waivers:
    """The waivers in the file `path`, none where there is none.

    Args:
        path: A list of envelopes, as `deidrelease waiver sign` writes it.
        trust: Trust policy whose keys may sign waivers.
        now: The day on which they have to hold.

    Raises:
        PolicyError: A file cannot be used, or nobody says whose signatures count.
    """
    if path is None:
        return Waivers()
    if trust is None:
        problem = Problem(str(path), "waivers count only when a trusted key signed them", "name a trust policy too")
        raise PolicyError("The waivers cannot be used.", [problem])
    from deidrelease.signing.trust import load_trust

    keys = load_trust(trust).keys
    try:
        with path.open("rb") as stream:
            good, refused = open_waivers(stream.read(MOST_BYTES + 1), keys, now)
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise _unusable(path, str(error)) from None
    return Waivers(tuple(good), dict(refused))


def judge(policy: Policy, result: AuditResult, waivers: Waivers, now: datetime.date) -> Verdict:
    """What `policy` says of `result` on the day `now`."""
    return decide(policy, result, waivers.good, now, waivers.refused)


def _unusable(path: Path, what: str) -> PolicyError:
    remedy = "name the file that `deidrelease waiver sign` wrote"
    return PolicyError("The waivers cannot be used.", [Problem(str(path), what, remedy)])
