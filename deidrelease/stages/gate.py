"""gate: what the policy says of the audits' result."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease.artifacts import atomic_writer, sha256_file
from deidrelease.auditing.result import read_result
from deidrelease.errors import PolicyError, Problem
from deidrelease.policy import Policy, load_policy, verdict_bytes
from deidrelease.policy.judging import judge, read_waivers
from deidrelease.settings import GateSettings

VERDICT = "verdict.json"


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides, and sees nothing but the result, the policy and the waivers.

    Attributes:
        gate: The section.
        today: The day of the run, in UTC; a waiver may have expired by then.
    """

    gate: GateSettings
    today: datetime.date

    name: ClassVar[str] = "gate"
    version: ClassVar[int] = 1
    after: ClassVar[tuple[str, ...]] = ("audit/result.json",)
    releasable: ClassVar[frozenset[str]] = frozenset({VERDICT})

    def settings(self) -> Mapping[str, object]:
        """The policy's content, and of waivers theirs, that of the trust policy, and the day.

        Raises:
            PolicyError: A file cannot be used.
        """
        return {"policy": self._policy().sha256(), "waivers": self._waived()}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:  # noqa: ARG002
        """Writes `verdict.json`."""
        policy, result = self._policy(), read_result(inputs["audit/result.json"])
        waivers = read_waivers(self.gate.waivers, self.gate.trust, self.today)
        with atomic_writer(out / VERDICT) as stream:
            stream.write(verdict_bytes(judge(policy, result, waivers, self.today)))

    def _policy(self) -> Policy:
        try:
            return load_policy(self.gate.policy)
        except PolicyError as error:
            # `status` reads the run's own record of its configuration, which nobody has open: it has to say which file.
            summary = f"The gate's policy cannot be used: gate.policy is {self.gate.policy}."
            raise PolicyError(summary, error.problems) from None

    def _waived(self) -> Mapping[str, str] | None:
        if self.gate.waivers is None or self.gate.trust is None:
            return None
        return {
            "sha256": _digest(self.gate.waivers),
            "trust": _digest(self.gate.trust),
            "on": self.today.isoformat(),
        }


def _digest(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        problem = Problem(str(path), f"cannot be read ({error.strerror})", "correct gate.waivers and gate.trust")
        raise PolicyError("The waivers cannot be used.", [problem]) from None
