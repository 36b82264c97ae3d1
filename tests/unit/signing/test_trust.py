from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from made.bundles import trust_of, trusted

from deidrelease.errors import BundleError
from deidrelease.signing.trust import load_trust, trust_document

TEXT = trust_document(trust_of(), "For a test.")


def test_a_trust_policy_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    for trust in (trust_of(), trust_of(recipient=None), trust_of(recipient='"é\\: # {\U0001f600}')):
        (tmp_path / "trust.yaml").write_text(trust_document(trust, "Made for\n\na test"), encoding="utf-8")
        assert load_trust(tmp_path / "trust.yaml") == trust


def _without(line: str) -> Callable[[str], str]:
    return lambda text: "\n".join(each for each in text.splitlines() if not each.startswith(line)) + "\n"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (_without("approvals"), "approvals: is missing"),
        (_without("policies"), "is not YAML|policies"),
        (_without("require"), "require: is missing"),
        (_without("max_age"), "max_age_days: is missing"),
        (_without("recipient"), "recipient: is missing"),
        (_without("format"), "format: is missing"),
        (lambda t: t.replace("trust/1", "trust/2"), ":2:1: format"),
        (lambda t: t + "more: 1\n", "more is no key of a trust policy"),
        (lambda t: t + "approvals: 1\n", "approvals: stands twice"),
        (lambda t: t.replace("    roles: [release]\n", "    roles: [release]\n    roles: [release]\n"), "stands twice"),
        (lambda t: t.replace("[release]", "[root]"), r"roles"),
        (lambda t: t.replace("[release]", "[]"), r"roles"),
        (lambda t: t.replace("[release]", "[release, approval]"), "nobody approves their own work"),
        (lambda t: t.replace("[release]", "[waiver]"), "no key has the role release"),
        (lambda t: t.replace("approvals: 1", "approvals: 2"), "asks for more approvals than the 1 key"),
        (lambda t: t.replace("approvals: 1", "approvals: -1"), "approvals"),
        (lambda t: t.replace("approvals: 1", "approvals: yes"), "not every reader of YAML"),
        (lambda t: t.replace("[release-audit, ", "["), "does not ask for release-audit"),
        (lambda t: t.replace("[release-audit, ", "[report, "), "require"),
        (lambda t: t.replace("2028-01-01", "2025-01-01"), "is not after valid_from"),
        (lambda t: t.replace("2028-01-01", "'2028-01-01'"), "valid_until"),
        (lambda t: t.replace("2028-01-01", "2028-13-01"), "valid_until"),
        (lambda t: t.replace("The approver key", "The release key"), "is the name of another key"),
        (lambda t: t.replace("The approver key", "The\\u202e key"), "holds what no terminal shows"),
        (lambda t: t.replace("BEGIN PUBLIC KEY", "BEGIN PRIVATE KEY"), "private key"),
        (lambda t: t.replace("MCow", "AAAA"), "is no public key"),
        (lambda t: t.replace("recipient: ", "recipient: &a "), "anchor"),
        (lambda t: t.replace("max_age_days: 400", "max_age_days: 0"), "max_age_days"),
        (lambda t: t.replace("max_age_days: 400", "max_age_days: 1e3"), "max_age_days"),
        (lambda t: t.replace('  - "', '  - "0'), "policies"),
        (lambda _: "", "holds no keys"),
        (lambda _: "[1]", "holds no keys"),
        (lambda _: "\x00", "is not YAML"),
    ],
)  # fmt: skip
def test_a_trust_policy_that_cannot_be_used_says_where_and_why(
    tmp_path: Path, change: Callable[[str], str], what: str
) -> None:
    path = tmp_path / "trust.yaml"
    path.write_text(change(TEXT), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != TEXT
    with pytest.raises(BundleError, match=what) as caught:
        load_trust(path)
    assert caught.value.exit_code == 3
    assert all(str(path) in problem.where for problem in caught.value.problems)


def test_every_problem_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "trust.yaml"
    path.write_text(TEXT.replace("approvals: 1", "approvals: 5").replace("The approver key", "The release key"))
    with pytest.raises(BundleError) as caught:
        load_trust(path)
    assert len(caught.value.problems) == 2
    assert all(problem.where.count(":") >= 2 for problem in caught.value.problems)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be read"):
        load_trust(tmp_path / "none.yaml")


def test_a_key_is_valid_from_its_first_day_to_before_its_last() -> None:
    key = replace(trusted("release", "release"), valid_from=date(2026, 3, 1), valid_until=date(2026, 4, 1))
    assert [key.valid_on(date(2026, 3, 1)), key.valid_on(date(2026, 3, 31))] == [True, True]
    assert [key.valid_on(date(2026, 2, 28)), key.valid_on(date(2026, 4, 1))] == [False, False]
    # Midnight in Tokyo is the day before in UTC.
    tokyo = datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=9)))
    assert not key.valid_at(tokyo)
    assert key.valid_at(datetime(2026, 3, 1, tzinfo=UTC))
