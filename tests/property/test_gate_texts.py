"""Whatever text a policy or a result holds, what the gate writes stays well-formed and says it all."""

import json
import xml.etree.ElementTree as ET
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from deidrelease.report.demands import demands_of, one_line
from deidrelease.report.gitlab import code_quality
from deidrelease.report.junit import junit
from deidrelease.report.sarif import sarif
from deidrelease.report.step_summary import step_summary
from deidrelease.results import Judgement, Verdict

# Surrogates too: JSON can name half a character.
TEXT = st.text(st.characters(exclude_categories=()), max_size=30) | st.sampled_from(
    ["|", "]]>", "<!--", "\\", "\\|", "`", "[a](b)", "{0}", "&#124;", "\r\n| a |"]
)
JUDGEMENTS = st.lists(
    st.builds(
        Judgement, rule=TEXT, metric=TEXT, standing=st.sampled_from(["kept", "broken", "unjudged"]),
        severity=st.sampled_from(["warn", "block"]), judged=st.just(""), estimate=st.none(), limit=TEXT, what=TEXT,
        because=TEXT, remedy=TEXT, waiver=TEXT,
    ),
    max_size=4,
)  # fmt: skip
VERDICTS = st.builds(
    Verdict, outcome=st.just("blocked"), policy=TEXT, policy_version=TEXT, policy_sha256=st.just("0" * 64),
    signable=st.booleans(), data_digest=TEXT, judgements=JUDGEMENTS.map(tuple),
    refused_waivers=st.dictionaries(TEXT, TEXT, max_size=2),
)  # fmt: skip


@given(VERDICTS, st.dictionaries(TEXT, TEXT, max_size=2))
@settings(deadline=None)
def test_every_output_is_well_formed_and_leaves_nothing_out(verdict: Verdict, said: dict[str, str]) -> None:
    demands = demands_of(verdict, said)
    told = [demand for demand in demands if demand.state != "kept"]
    cases = ET.fromstring(junit(verdict, said).encode()).findall(".//testcase")
    assert [case.get("name") for case in cases] == [demand.rule for demand in demands]
    log: dict[str, Any] = json.loads(json.dumps(sarif(verdict, "x", "k", said)))
    assert len(log["runs"][0]["results"]) == len(code_quality(verdict, "x", "k", said)) == len(told)
    rows = step_summary(verdict, said).encode().decode().splitlines()[6:]
    assert len(rows) == len(demands)
    for row in rows:
        assert _unescaped_pipes(row) == 6
        assert "<" not in row


@given(TEXT)
def test_a_line_is_one_line_and_stays_as_it_is(text: str) -> None:
    line = one_line(text)
    assert line == one_line(line)
    assert len(line.splitlines()) <= 1
    line.encode("utf-8")


def _unescaped_pipes(row: str) -> int:
    pipes = escaped = 0
    for character in row:
        if character == "|" and not escaped:
            pipes += 1
        escaped = character == "\\" and not escaped
    return pipes
