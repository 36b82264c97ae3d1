"""Plain frozen values that every layer reports in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SMALLEST_CELL = 10
"""Counts below this are not told one by one in a breakdown."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number that never travels without its interval, its sample size and how it came about.

    Attributes:
        value: The point estimate.
        low: Lower end of the interval.
        high: Upper end of the interval.
        confidence: Coverage the interval aims at, such as 0.95.
        n: Sample size, in units of what was resampled (patients, unless `method` says otherwise).
        method: How the interval was computed, with its source.

    Raises:
        ValueError: Not `low <= value <= high`, which also refuses NaN.
    """

    value: float
    low: float
    high: float
    confidence: float
    n: int
    method: str

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"an estimate needs low <= value <= high, not {self.low}, {self.value}, {self.high}")

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


Status = Literal["measured", "inconclusive", "failed"]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What one audit may tell: aggregates, each with its interval, and no word of any note.

    Attributes:
        audit: Its name.
        version: Of the audit's code and statistics.
        status: `measured`; `inconclusive` where the data cannot carry the statistic; `failed` where the audit crashed.
        reason: Why it is not `measured`, and what would help; empty otherwise. Holds no private text.
        threat_model: Who is assumed to try what.
        metrics: Name to estimate; the names are fixed, policies refer to them.
        control: The same measured on the hold-out, where that has a meaning.
        p_value: Of the audit's own test of no learning, before correction over the run; None where it has none.
        null: The null of `decisive` and of the test as fitted: names to numbers or plain sentences.
        breakdown: Table to cell to count, as text: cells under ten are bucketed.
        settings: Those that decide the result.
        seed: Of whatever is random in it.
        says: What a reader may conclude.
        does_not_say: What a reader may not conclude.
    """

    audit: str
    version: int
    status: Status
    reason: str
    threat_model: str
    metrics: Mapping[str, Estimate]
    control: Mapping[str, Estimate]
    p_value: float | None
    null: Mapping[str, object]
    breakdown: Mapping[str, Mapping[str, str]]
    settings: Mapping[str, object]
    seed: int
    says: str
    does_not_say: str


def bucketed(count: int) -> str:
    """A count as a breakdown cell shows it: `0`, `1-9`, or the number from ten on."""
    if count < 0:
        raise ValueError(f"a count cannot be {count}")
    return str(count) if count == 0 or count >= SMALLEST_CELL else f"1-{SMALLEST_CELL - 1}"


PrivacyUnit = Literal["patient", "note"]


@dataclass(frozen=True, slots=True)
class DpGuarantee:
    """What one training promises by differential privacy, and what it does not.

    Attributes:
        epsilon: What was spent, by PLD, from what the loop counted; never what the configuration asked for.
        delta: For which `epsilon` holds.
        unit: Who is protected: whole patients, or single notes.
        units: How many there were in training; taken for public.
        neighbouring: Which two corpora cannot be told apart.
        sampler: How each step chose its units.
        accountant: Which one `epsilon` is from, with its version.
        epsilon_rdp: By Renyi DP, an upper bound that is computed in another way.
        epsilon_opacus: Opacus's own number.
        events: What ran, as documents of `deidrelease.privacy.events`.
        clip: Norm that each unit's gradient was cut to; `automatic` scales every gradient to the norm 1.
        group_factor: Most notes of one patient where the unit is the note; None where it is the patient.
        outside: One sentence for each access to private notes that `epsilon` does not cover.
    """

    epsilon: float
    delta: float
    unit: PrivacyUnit
    units: int
    neighbouring: str
    sampler: str
    accountant: str
    epsilon_rdp: float
    epsilon_opacus: float
    events: tuple[Mapping[str, object], ...]
    clip: float | Literal["automatic"]
    group_factor: int | None
    outside: tuple[str, ...]


Severity = Literal["warn", "block"]
Standing = Literal["kept", "broken", "unjudged"]
Outcome = Literal["pass", "pass-with-waivers", "blocked"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One demand of a policy, held against a result.

    Attributes:
        rule: The rule's name in the policy; `result.*` and `audit.*` for demands that every policy makes.
        metric: As `audit.metric`; empty where the demand is not about one number.
        standing: `kept`; `broken`; or `unjudged`, where the number is missing, failed, inconclusive or partial. What
            is unjudged blocks, whatever the severity.
        severity: `block` stops the release; `warn` is only told.
        judged: Which end of the estimate is held against the limit: `low`, `value` or `high`; empty without a number.
        estimate: The number with its interval; None where there is none.
        limit: In words, such as `at most 0.05`; empty where the demand is not about a number.
        what: What was found, in one sentence.
        because: Why there is such a demand, with its source.
        remedy: What can be done about it.
        waiver: Id of the waiver that covers it; empty where none does.
    """

    rule: str
    metric: str
    standing: Standing
    severity: Severity
    judged: str
    estimate: Estimate | None
    limit: str
    what: str
    because: str
    remedy: str
    waiver: str = ""

    @property
    def blocks(self) -> bool:
        """Whether the release stops here."""
        if self.standing == "kept" or self.waiver:
            return False
        return self.standing == "unjudged" or self.severity == "block"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy says of a result; `decide` makes it, and nothing else does.

    Attributes:
        outcome: `pass` only where every number that the policy names is there, and kept where it can block.
        policy: Name of the policy.
        policy_version: Its version, SemVer.
        policy_sha256: Of the resolved policy's canonical JSON.
        signable: Whether the policy may release at all; a smoke test for CI may not.
        data_digest: Of the synthetic corpus that the result speaks of.
        judgements: One for every demand, in the policy's order.
        refused_waivers: Waiver id to the reason why it counts for nothing; any of them blocks.
        approvals: How many distinct people have to sign.
        statements: What a human has to state when signing, such as `no-actual-knowledge`.
        valid_days: The longest a release under this policy may be valid.
    """

    outcome: Outcome
    policy: str
    policy_version: str
    policy_sha256: str
    signable: bool
    data_digest: str
    judgements: tuple[Judgement, ...]
    refused_waivers: Mapping[str, str] = field(default_factory=dict)
    approvals: int = 0
    statements: tuple[str, ...] = ()
    valid_days: int = 0

    @property
    def passed(self) -> bool:
        """Whether the release may go on, with waivers or without."""
        return self.outcome != "blocked"

    @property
    def blocking(self) -> tuple[Judgement, ...]:
        """Every demand that stops the release."""
        return tuple(judgement for judgement in self.judgements if judgement.blocks)

    @property
    def warnings(self) -> tuple[Judgement, ...]:
        """Broken rules that are only told."""
        return tuple(j for j in self.judgements if j.standing == "broken" and j.severity == "warn" and not j.waiver)

    @property
    def waived(self) -> tuple[Judgement, ...]:
        """Broken rules that a waiver covers."""
        return tuple(judgement for judgement in self.judgements if judgement.waiver)
