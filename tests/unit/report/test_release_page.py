"""The report page: what it says, that nothing in a document steers it, and that it is the same page everywhere."""

import copy
import hashlib
import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from made.release_pages import judgement, number, page_digests, page_documents

from deidrelease.report.release_page import ReportError, render
from deidrelease.report.release_page.format_1 import figures
from deidrelease.report.release_page.format_1.strips import Limits, draw_strip

VERDICT, RELEASE, RESULT = "gate/verdict.json", "metadata/release.json", "audit/result.json"
POLICY, WAIVERS, UTILITY = "policy/resolved.json", "policy/waivers.json", "audit/utility.json"
HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "an image": '"><img src=x onerror=alert(1)>',
    "a template": "{{ 7 * 7 }}{% include '/etc/passwd' %}{# #}",
    "an attribute": "' style='display:none' onclick='x",
    "the end of the style": "</style><style>*{display:none}</style>",
    "a comment": "<!-- --><![CDATA[",
    "an entity": "&lt;b&gt;&amp;nbsp;",
    "a long word": "x" * 10_000,
    "right to left": "\u05d0\u05d1\u05d2 abc",
}


class Page(HTMLParser):
    """Tags with their attributes, and the text outside the style block."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "line", "circle", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.pieces))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(documents: dict[str, Any] | None = None) -> Page:
    return Page(render(documents or page_documents(), page_digests()))


def blocked() -> dict[str, Any]:
    """One rule is broken, one cannot be judged, one is only told, one is waived."""
    documents = page_documents()
    broken = {"metric": "membership.auc", "judged": "high", "estimate": number(0.8, 0.75, 0.85)}
    documents[VERDICT] |= {
        "outcome": "blocked",
        "judgements": [
            judgement("membership", "broken", **broken, limit="at most 0.75"),
            judgement("audit.linkage", "unjudged", what="audit linkage did not run"),
            judgement("variety", "broken", "warn"),
            judgement("copies", "broken", waiver="w-1"),
        ],
        "refused_waivers": {"w-2": "expired on 2026-01-01"},
    }
    documents[WAIVERS] = [waiver("w-1"), waiver("w-2"), waiver("w-3")]
    return documents


def waiver(name: str) -> dict[str, Any]:
    claim = {
        "format": "deidrelease.waiver/1",
        "id": name,
        "rule": "copies",
        "justification": f"Because of {name}.",
        "requester": "Ada",
        "issued": "2026-10-01",
        "expires": "2026-12-01",
    }
    return {"payload": b64encode(json.dumps(claim).encode()).decode(), "payloadType": "x", "signatures": []}


# what it says


def test_the_sections_stand_in_their_order_and_the_verdict_comes_first() -> None:
    text = page().text
    titles = ["1. Verdict", "What this does not show", "2. Failures", "3. The data", "4. Methods", "5. The audits"]
    titles += ["6. Identifiers", "7. Differential", "8. Utility", "9. All rules", "10. Digests", "11. Glossary"]
    places = [text.index(title) for title in titles]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("outcome", "words"), [("pass", "Passed"), ("pass-with-waivers", "Passed with waivers"), ("blocked", "Blocked")]
)
def test_the_outcome_is_told_in_words(outcome: str, words: str) -> None:
    documents = page_documents()
    documents[VERDICT]["outcome"] = outcome
    shown = page(documents)
    assert words in shown.text.split("Scope")[0]
    assert ("must not be shared" in shown.text.split("Scope")[0]) == (outcome == "blocked")


def test_a_policy_that_may_not_sign_says_so_beside_the_verdict() -> None:
    documents = page_documents()
    documents[VERDICT]["signable"] = False
    assert "may release nothing" in page(documents).text.split("Scope")[0]


def test_failures_and_waivers_stand_before_any_picture() -> None:
    before, picture, _ = render(blocked(), page_digests()).partition("<svg")
    assert picture
    for told in ("membership", "audit linkage did not run", "variety", "expired on 2026-01-01", "Because of w-1."):
        assert told in before


def test_a_broken_rule_tells_how_much_against_which_limit_why_and_what_can_be_done() -> None:
    text = page(blocked()).text
    assert "0.85 (upper end of 0.800 [0.750, 0.850]). Limit: at most 0.75." in text
    assert "The reason for membership." in text
    assert "What can be done about membership." in text


def test_each_waiver_tells_what_became_of_it() -> None:
    text = page(blocked()).text
    assert "covers the rule copies" in text
    assert "refused: expired on 2026-01-01" in text
    assert "not needed: no rule was waived by it" in text


def test_a_waiver_that_cannot_be_read_does_not_hide_the_page() -> None:
    documents = blocked()
    documents[WAIVERS][1]["payload"] = "no base64"
    documents[VERDICT]["refused_waivers"] = {"number 2": "is no envelope"}
    assert "refused: is no envelope" in page(documents).text


def test_an_audit_without_a_result_is_named_three_times() -> None:
    documents = page_documents()
    documents[RESULT]["audits"][0] |= {"status": "inconclusive", "reason": "the hold-out is too small"}
    text = page(documents).text
    assert "Anything that pii_replay looks for: it is inconclusive" in text
    assert text.count("the hold-out is too small") >= 2
    assert "pii_replay is inconclusive" in text[text.index("6. Identifiers") :]


def test_other_data_than_audited_is_told_loudly() -> None:
    assert "yes, by digest and number of notes" in page().text
    documents = page_documents()
    documents[RESULT]["corpora"]["synthetic"]["digest"] = "00" * 32
    assert "no: other notes were audited than are here" in page(documents).text


def test_a_partial_scan_is_told() -> None:
    documents = page_documents()
    documents[RESULT]["scanned"] -= 1
    assert "1,353 of 1,354 notes ✕ not all" in page(documents).text


def test_without_a_hold_out_the_page_says_what_is_missing() -> None:
    documents = page_documents()
    del documents[RESULT]["corpora"]["holdout"]
    assert "There was no hold-out" in page(documents).text


def test_without_coverage_nothing_is_claimed_class_by_class() -> None:
    documents = page_documents()
    documents[POLICY]["coverage"] = {}
    text = page(documents).text
    assert "nothing is claimed class by class" in text
    assert text.count("nothing is claimed for this class") == 18
    documents[RESULT]["audits"].pop()
    assert "No detector told anything of a single class either" in page(documents).text


def test_the_matrix_shows_detectors_by_class_and_what_is_not_known() -> None:
    matrix = page().text.split("6. Identifiers")[1].split("7. Differential")[0]
    assert "12.50 [11, 14] 0.900 [0.850, 0.950]" in matrix
    assert matrix.count("how many the detectors miss is not known") == 15
    assert matrix.count("no metric looks for it") == 2


def test_no_guarantee_is_told_plainly_and_a_guarantee_by_its_numbers() -> None:
    assert "None. No differential-privacy guarantee was computed" in page().text
    documents = page_documents(
        privacy={"differential_privacy": {"epsilon": 2.5, "unit": "patient"}, "statement": "By the ledger."}
    )
    text = page(documents).text.split("7. Differential")[1].split("8. Utility")[0]
    assert "epsilon2.5" in text and "unitpatient" in text and "None." not in text


def test_utility_may_be_missing_and_never_tells_of_a_handful_of_mentions() -> None:
    assert "0.432" not in page().text
    documents = page_documents()
    del documents[UTILITY]
    assert "Not measured: the bundle holds no evaluation" in page(documents).text


def test_every_digest_and_the_command_are_there() -> None:
    text = page().text
    for path, digest in page_digests().items():
        assert path in text and digest in text
    assert "deidrelease verify BUNDLE --trust trust.yaml" in text


def test_one_file_a_note_is_counted_and_not_listed() -> None:
    digests = {**page_digests(), **{f"data/brat/n{i}.txt": "aa" * 32 for i in range(3)}}
    shown = Page(render(page_documents(), digests)).text
    assert "3 files under data/brat/" in shown and "n1.txt" not in shown


def test_it_never_claims_what_nobody_can() -> None:
    for documents in (page_documents(), blocked()):
        text = page(documents).text.lower()
        assert not re.search(r"\banonym|\bcompliant|\bcompliance|\bscore of|privacy score|\bguaranteed", text)


def test_a_draft_cannot_be_taken_for_a_release() -> None:
    draft = page(page_documents(draft=True))
    assert draft.text.count("DRAFT") >= 3
    assert "verify refuses it" in draft.text
    assert any(attributes.get("class") == "watermark" for attributes in draft.named("div"))
    assert "DRAFT" not in page().text


# what steers it


def texts(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where texts stand that are free: no digests, formats, dates or words of a closed list."""
    if isinstance(value, dict):
        for key in value:
            yield from texts(value[key], (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, (*at, index))
    elif isinstance(value, str):
        yield at


CLOSED = re.compile(
    "format|digest|.*_?sha256|report_format|release_id|dataset|created|valid_until|outcome|standing|severity|judged|judge|"
    "status|fingerprint|payload"
)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_in_every_document_stays_text(text: str) -> None:
    documents, filled = blocked(), 0
    tags = [name for name, _ in page(documents).tags]
    for at in list(texts(documents)):
        if not CLOSED.fullmatch(str(at[-1])):
            place = documents
            for key in at[:-1]:
                place = place[key]
            filled += place[at[-1]] != text
            if str(at[-1]) not in ("rule", "metric", "audit"):
                place[at[-1]] = text
    documents[RELEASE]["data"]["spans"] = {text: "12"}
    documents[RESULT]["audits"][0]["breakdown"] = {text: {text: text}}
    documents[RESULT]["audits"][0]["settings"] = {text: text}
    shown = page(documents)
    assert filled > 50
    assert re.sub(r"\s+", " ", text) in shown.text
    assert {name for name, _ in shown.tags} <= set(tags)
    assert_sealed(shown, render(documents, page_digests()))


def assert_sealed(shown: Page, html: str) -> None:
    """No script, no address outside, no style but the one whose hash the policy of the page names."""
    assert (
        not shown.named("script") and not shown.named("img") and not shown.named("link") and not shown.named("iframe")
    )
    for _, attributes in shown.tags:
        for name, value in attributes.items():
            assert name not in ("style", "src", "srcset", "xlink:href", "action", "data", "background")
            assert not name.startswith("on")
            assert name != "href" or str(value).startswith("#")
    policy = next(a["content"] for a in shown.named("meta") if a.get("http-equiv") == "Content-Security-Policy")
    styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert len(styles) == 1 and "@import" not in styles[0] and "url(" not in styles[0]
    digest = b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_the_page_is_sealed_and_well_formed() -> None:
    html = render(blocked(), page_digests())
    shown = Page(html)
    assert shown.open == []
    assert_sealed(shown, html)
    anchors = {str(a["href"])[1:] for a in shown.named("a")}
    assert anchors <= {a["id"] for _, a in shown.tags if "id" in a}
    ids = [a["id"] for _, a in shown.tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_every_picture_has_a_text_and_every_table_a_caption() -> None:
    html = render(page_documents(), page_digests())
    pictures = re.findall(r"<svg[^>]*>.{0,8}", html)
    assert len(pictures) > 5
    assert all("<title>" in picture or 'aria-hidden="true"' in picture for picture in pictures)
    assert html.count("<table") == html.count("<caption>")
    assert '<html lang="en">' in html


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041", "\u2028"])
def test_what_turns_or_hides_writing_is_made_visible(character: str) -> None:
    html = render(page_documents(title=f"paid{character}lanif"), page_digests())
    assert character not in html
    assert f"paid[U+{ord(character):04X}]lanif" in html


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x85", "\ud800", "\r", "\uffff"])
def test_what_a_page_cannot_hold_is_refused_by_place_and_not_by_value(character: str) -> None:
    with pytest.raises(ReportError, match=r"metadata/release.json: title") as caught:
        render(page_documents(title=f"Jane Roe{character}"), page_digests())
    assert "Jane" not in str(caught.value)


def _without(path: str, *keys: Any) -> dict[str, Any]:
    documents = page_documents()
    place = documents[path]
    for key in keys[:-1]:
        place = place[key]
    del place[keys[-1]]
    return documents


def _with(path: str, value: Any, *keys: Any) -> dict[str, Any]:
    documents = page_documents()
    place = documents[path]
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return documents


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ({}, "metadata/release.json: is missing"),
        (page_documents(report_format="deidrelease.report/2"), "draws only deidrelease.report/1"),
        (_without(RELEASE, "recipient"), "metadata/release.json: lacks recipient"),
        (_with(RELEASE, "Jane", "nickname"), "metadata/release.json: holds 1 keys"),
        (_with(RESULT, float("nan"), "audits", 0, "metrics", "decisive", "value"), "is no finite number"),
        (_with(RESULT, "0.5", "audits", 0, "metrics", "decisive", "value"), "is no finite number"),
        (_with(RESULT, True, "scanned"), "audit/result.json: scanned: is no whole number"),
        (_with(RESULT, {}, "corpora", "jane-roe"), "holds 1 keys"),
        (_with(VERDICT, "perhaps", "outcome"), "gate/verdict.json: outcome: is none of pass"),
        (_with(POLICY, {"how": "x", "by": []}, "coverage", "Z"), "is not of the form"),
        (_with(RELEASE, "2026-13-01T00:00:00Z", "created"), "names no month"),
        ({k: v for k, v in page_documents().items() if k != VERDICT}, "gate/verdict.json: is missing"),
        ({**page_documents(), "Jane.json": {}}, "1 documents were given"),
    ],
)
def test_documents_of_another_shape_are_refused_without_a_word_of_them(documents: Any, message: str) -> None:
    with pytest.raises(ReportError) as caught:
        render(documents, page_digests())
    assert message in str(caught.value)
    assert "jane" not in str(caught.value).lower()


def test_a_digest_that_is_none_is_refused() -> None:
    with pytest.raises(ReportError, match="digests"):
        render(page_documents(), {"a": "b"})


def test_deep_nesting_is_refused_and_not_followed() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    with pytest.raises(ReportError, match="nested"):
        render(_with(RESULT, deep, "settings", "deep"), page_digests())


# the same page everywhere

_SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from made.release_pages import page_documents, page_digests
from deidrelease.report.release_page import render
print(hashlib.sha256(render(page_documents(), page_digests()).encode()).hexdigest())
heavy = ("numpy", "matplotlib", "torch", "transformers", "datasets", "scipy", "pandas", "pydantic")
assert not [name for name in heavy if name in sys.modules]
"""


def test_two_processes_draw_the_same_bytes_without_anything_heavy() -> None:
    tests = str(Path(__file__).parents[2])
    seen = set()
    for seed, zone, language in (("0", "UTC", "C"), ("4242", "Asia/Kolkata", "tr_TR.UTF-8")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LANG": language, "LC_ALL": language}
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, tests], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout)
    assert len(seen) == 1


def turned(value: Any) -> Any:
    """The same value with every object's keys in the opposite order, and whole numbers as JSON may give them back."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [turned(item) for item in value]
    return value


def test_the_order_of_keys_changes_nothing() -> None:
    documents = blocked()
    assert render(turned(documents), turned(page_digests())) == render(documents, page_digests())


def test_a_whole_number_reads_alike_as_integer_and_as_float() -> None:
    documents = page_documents()
    again = json.loads(json.dumps(documents).replace(": 0.0,", ": 0,"))
    assert again != {} and render(again, page_digests()) == render(documents, page_digests())


def test_drawing_changes_no_document() -> None:
    documents = blocked()
    before = copy.deepcopy(documents)
    render(documents, page_digests())
    assert documents == before


# numbers, pictures, colours


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1234, "1,234"),
        (1797.773, "1,798"),
        (360.4377, "360.4"),
        (46.371, "46.37"),
        (0.7328526, "0.733"),
        (0.1, "0.100"),
        (0.041, "0.0410"),
        (0.00578, "0.00578"),
        (0.0001, "0.000100"),
        (2.34e-12, "2.34e\u221212"),
        (-0.5, "\u22120.500"),
        (1234567.5, "1.23e6"),
        (1e300, "1.00e300"),
    ],
)
def test_numbers_are_written_one_way(value: float, shown: str) -> None:
    assert figures.number(value) == shown


def test_a_number_beside_its_limit_is_not_rounded_onto_it() -> None:
    assert figures.exact(0.050001) == "0.050001"
    assert figures.number(0.050001) == "0.0500"


def test_dates_need_no_locale() -> None:
    assert figures.moment("2026-11-01T09:05:00Z") == "1 November 2026, 09:05 UTC"


def test_a_picture_places_its_marks_on_the_scale_that_it_names() -> None:
    # 224 units from 8 to 232 stand for 0 to 1.
    strip = draw_strip(number(0.5, 0.25, 0.75), number(0.0), Limits(at_most=0.75), scale=(0.0, 1.0))
    assert (strip.main.low, strip.main.value, strip.main.high) == ("64.0", "120.0", "176.0")  # type: ignore[union-attr]
    assert strip.control.value == "8.0"  # type: ignore[union-attr]
    assert [(zone.start, zone.width) for zone in strip.zones] == [("176.0", "56.0")]
    assert strip.told == "release 0.500 [0.250, 0.750]; hold-out control 0; at most 0.750"


def test_a_scale_holds_zero_the_interval_the_control_and_the_limit() -> None:
    strip = draw_strip(number(-1.0, -2.0, 1.0), number(3.0), Limits(at_least=5.0))
    assert strip.left.startswith("\u2212") and float(strip.right) >= 5.0
    assert draw_strip(number(0.0)).right == "1"


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colours_can_be_told_apart_in_light_and_dark() -> None:
    """WCAG 2.2: 4.5 for text (1.4.3), 3 for the marks of pictures (1.4.11)."""
    style = re.search(r"<style>(.*?)</style>", render(page_documents(), page_digests()), re.DOTALL)
    assert style is not None
    schemes = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
               for block in re.findall(r":root \{(.*?)\}", style[1], re.DOTALL)]  # fmt: skip
    assert len(schemes) == 2
    for of in schemes:
        for text in ("ink", "muted", "link", "passed", "waived", "blocked"):
            assert _contrast(of[text], of["page"]) >= 4.5, text
        for text in ("ink", "muted"):
            assert _contrast(of[text], of["panel"]) >= 4.5
        for kind in ("passed", "waived", "blocked"):
            assert _contrast(of[kind], of[f"{kind}-panel"]) >= 4.5
            assert _contrast(of["ink"], of[f"{kind}-panel"]) >= 4.5
        for mark in ("mark", "control", "limit"):
            assert _contrast(of[mark], of["page"]) >= 3
        assert _contrast(of["mark"], of["beyond"]) >= 3
