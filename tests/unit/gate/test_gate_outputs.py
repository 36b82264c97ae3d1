"""What the gate writes: every demand in every format, whatever a file holds, and nothing that it should not."""

import datetime
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from made.audit_results import DIGEST, estimate_of

from deidrelease.report.demands import demands_of, fingerprint, one_line
from deidrelease.report.gitlab import code_quality
from deidrelease.report.junit import junit
from deidrelease.report.sarif import sarif
from deidrelease.report.step_summary import step_summary
from deidrelease.results import Judgement, Verdict

SCHEMA = Path(__file__).parents[2] / "golden" / "sarif-2.1.0-rtm.5.schema.json"
SAID = {"w-1": "agreed by the board"}
NASTY = "a|b<script>alert(1)</script>\r\n]]>&amp; `code` [link](http://x) {0} \x1b[31m\x00\u202e\ud800 **b**"


def judgement(rule: str, standing: str = "broken", **changes: Any) -> Judgement:
    told: dict[str, Any] = {
        "rule": rule, "metric": "verbatim.decisive", "standing": standing, "severity": "block", "judged": "value",
        "estimate": estimate_of(3), "limit": "at most 0", "what": f"{rule} was found", "because": f"{rule} matters",
        "remedy": f"mend {rule}", **changes,
    }  # fmt: skip
    return Judgement(**told)


def verdict_of(*judgements: Judgement, outcome: Any = "blocked", **changes: Any) -> Verdict:
    told: dict[str, Any] = {
        "policy": "small", "policy_version": "1.0.0", "policy_sha256": "0" * 64, "signable": True,
        "data_digest": DIGEST, **changes,
    }  # fmt: skip
    return Verdict(outcome, judgements=judgements, **told)


@pytest.fixture
def every() -> Verdict:
    """One demand in each standing."""
    return verdict_of(
        judgement("copied"),
        judgement("unclear", "unjudged", estimate=None, what="audit verbatim did not run"),
        judgement("soft", severity="warn"),
        judgement("excused", waiver="w-1"),
        judgement("fine", "kept", estimate=estimate_of(0), remedy=""),
        refused_waivers={"w-2": "expired on 2026-01-01"},
    )


STATES = {"copied": "broken", "unclear": "unjudged", "soft": "warning", "excused": "waived", "fine": "kept",
          "waivers.w-2": "refused"}  # fmt: skip


def test_every_demand_has_a_state(every: Verdict) -> None:
    demands = demands_of(every, SAID)
    assert {demand.rule: demand.state for demand in demands} == STATES
    assert [demand.rule for demand in demands if demand.blocks] == ["copied", "unclear", "waivers.w-2"]


def test_a_sentence_tells_what_how_much_the_limit_why_and_what_to_do() -> None:
    spread = judgement("wide", judged="high", estimate=estimate_of((1, 2, 3.25)), limit="at most 2.5")
    exact = judgement("copied")
    [wide, copied] = demands_of(verdict_of(spread, exact))
    told = "copied: verbatim.decisive is 3, limit: at most 0; why: copied matters; what to do: mend copied"
    assert copied.sentence() == told
    assert wide.what == (
        "the interval's upper end of verbatim.decisive is 3.25 (interval 1 to 3.25), limit: at most 2.5"
    )


def test_rounding_never_makes_a_broken_limit_look_kept() -> None:
    close = judgement("close", estimate=estimate_of(0.600001), limit="at most 0.6")
    assert "is 0.600001, limit: at most 0.6" in demands_of(verdict_of(close))[0].what


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\r\nb\tc", "a b c"), ("\x1b[31mred", "[31mred"), ("\u202eevil\u2066", "evil"), ("half \ud800 a", "half a"),
     ("año de niña", "año de niña"), ("\x00\x85\u2028", "")],
)  # fmt: skip
def test_what_steers_a_terminal_is_gone(text: str, shown: str) -> None:
    assert one_line(text) == shown


def validate_sarif(log: dict[str, Any]) -> None:
    import jsonschema

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)
    assert not [error.message for error in validator.iter_errors(log)]


def test_sarif_is_valid_and_says_all_but_what_is_kept(every: Verdict) -> None:
    log = sarif(every, "audit/result.json", "secret", SAID)
    validate_sarif(log)
    [run] = log["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert ids == [f"small/{rule}" for rule in STATES]
    levels = {result["ruleId"]: result["level"] for result in run["results"]}
    assert levels == {
        "small/copied": "error", "small/unclear": "error", "small/soft": "warning", "small/excused": "error",
        "small/waivers.w-2": "error",
    }  # fmt: skip
    assert all(ids[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    suppressed = {result["ruleId"]: result["suppressions"] for result in run["results"] if "suppressions" in result}
    assert list(suppressed) == ["small/excused"]
    assert suppressed["small/excused"][0]["justification"] == "agreed by the board"
    assert suppressed["small/excused"][0]["kind"] == "external"
    assert run["properties"]["demands"]["kept"] == 1
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert all(place["artifactLocation"]["uri"] == "audit/result.json" for place in places)
    assert "snippet" not in json.dumps(log)


def test_what_is_kept_needs_nothing_to_be_done(every: Verdict) -> None:
    [run] = sarif(every, "r.json", "k")["runs"]
    helps = {rule["id"]: rule["help"]["text"] for rule in run["tool"]["driver"]["rules"]}
    assert helps["small/fine"] == "fine matters"
    assert helps["small/copied"] == "copied matters What can be done: mend copied"


def test_the_schema_refuses_what_is_no_sarif(every: Verdict) -> None:
    log = sarif(every, "audit/result.json", "secret")
    log["runs"][0]["results"][0]["level"] = "terrible"
    with pytest.raises(AssertionError):
        validate_sarif(log)


def test_fingerprints_are_stable_keyed_and_one_a_demand(every: Verdict) -> None:
    demands = demands_of(every)
    marks = [fingerprint(every, demand, "secret") for demand in demands]
    assert len(set(marks)) == len(marks)
    assert marks == [fingerprint(every, demand, "secret") for demand in demands_of(every, SAID)]
    assert not set(marks) & {fingerprint(every, demand, "another") for demand in demands}
    found = sarif(every, "x.json", "secret")["runs"][0]["results"]
    quality = code_quality(every, "x.json", "secret")
    assert [r["partialFingerprints"]["deidreleaseDemand/v1"] for r in found] == [q["fingerprint"] for q in quality]


def test_junit_has_a_case_for_each_demand(every: Verdict) -> None:
    root = ET.fromstring(junit(every, SAID))
    counts = {name: root[0].get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "6", "failures": "2", "errors": "2", "skipped": "1"}
    cases = {case.get("name"): [(child.tag, child.get("type")) for child in case] for case in root.iter("testcase")}
    assert cases == {
        "copied": [("failure", "broken")], "unclear": [("error", "unjudged")], "soft": [("failure", "warning")],
        "excused": [("skipped", None)], "fine": [], "waivers.w-2": [("error", "refused")],
    }  # fmt: skip
    assert root.find(".//skipped").get("message") == "waived by w-1: agreed by the board"  # type: ignore[union-attr]


def test_code_quality_has_what_gitlab_reads(every: Verdict) -> None:
    found = code_quality(every, "audit/result.json", "secret", SAID)
    assert [entry["severity"] for entry in found] == ["blocker", "blocker", "minor", "info", "blocker"]
    for entry in found:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["location"] == {"path": "audit/result.json", "lines": {"begin": 1}}


def test_the_summary_has_what_blocks_first(every: Verdict) -> None:
    lines = step_summary(every, SAID).splitlines()
    assert lines[0] == "## Gate: blocked"
    assert "3 of 6 demands block. Nothing may be released." in lines[2]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in lines[6:]]
    assert rows == ["unclear", "copied", "waivers.w-2", "soft", "excused", "fine"]


def test_a_smoke_test_says_that_it_releases_nothing() -> None:
    kept = judgement("fine", "kept")
    assert "nothing can be signed" in step_summary(verdict_of(kept, outcome="pass", signable=False))
    assert "no proof" in step_summary(verdict_of(kept, outcome="pass"))


def test_text_from_files_stays_text_everywhere() -> None:
    bad = judgement("x", what=NASTY, because=NASTY, remedy=NASTY, standing="unjudged", estimate=None)
    verdict = verdict_of(bad, policy=NASTY, refused_waivers={NASTY: NASTY})
    log = sarif(verdict, "x.json", "secret")
    validate_sarif(log)
    [run] = log["runs"]
    messages = [result["message"]["text"] for result in run["results"]]
    messages += [rule[name]["text"] for rule in run["tool"]["driver"]["rules"] for name in ("help", "fullDescription")]
    assert not any("[link](" in message or "{0}" in message.replace("{{0}}", "") for message in messages)
    root = ET.fromstring(junit(verdict))
    assert "<script>" in root[0][0][0].get("message", "")
    for line in step_summary(verdict).splitlines()[4:]:
        assert line.replace("\\|", "").count("|") == 6
    assert "<script" not in step_summary(verdict)
    assert "[link](" not in step_summary(verdict)
    for text in (
        json.dumps(code_quality(verdict, "x", "s"), ensure_ascii=False),
        junit(verdict),
        step_summary(verdict),
    ):
        text.encode("utf-8")
        assert not {"\x1b", "\x00", "\u202e"} & set(text)


def test_no_output_holds_a_time(every: Verdict) -> None:
    year = str(datetime.datetime.now(datetime.UTC).year)
    texts = [json.dumps(sarif(every, "x", "s")), junit(every), step_summary(every)]
    assert not any(f"{year}-{month:02}" in text for text in texts for month in range(2, 13))
