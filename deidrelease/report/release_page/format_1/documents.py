"""The documents that a page is drawn from, by path in the bundle, and the shape of each."""

from collections.abc import Mapping
from typing import Any

from deidrelease.report.release_page.format_1.shapes import (
    Flag,
    Listed,
    Maybe,
    Named,
    Number,
    OneOf,
    Plain,
    Record,
    Shape,
    Text,
    Whole,
)
from deidrelease.report.release_page.report_error import ReportError

RELEASE, RESULT, UTILITY = "metadata/release.json", "audit/result.json", "audit/utility.json"
POLICY, WAIVERS, VERDICT = "policy/resolved.json", "policy/waivers.json", "gate/verdict.json"
RECEIPTS = "metadata/receipts.json"

_SHA256 = Text("[0-9a-f]{64}")
_MOMENT = Text(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_ANY = Text()
_ESTIMATE = Record({"value": Number(), "low": Number(), "high": Number(), "confidence": Number(), "n": Whole(),
                    "method": _ANY})  # fmt: skip

_RELEASE = Record(
    {
        "format": OneOf(("deidrelease.release/1",)),
        "release_id": Text("[0-9a-f]{32}"),
        "dataset": Text("[a-z0-9-]+"),
        "languages": Listed(_ANY),
        "sequence": Whole(1),
        "previous": Maybe(_SHA256),
        "created": _MOMENT,
        "valid_until": _MOMENT,
        "draft": Flag(),
        "data": Record(
            {
                "digest": _SHA256,
                "notes": Whole(),
                "characters": Whole(),
                "shards": Listed(_ANY),
                "copies": Listed(_ANY),
                "spans": Named(_ANY),
            }
        ),
        "tool": Record({"name": _ANY, "version": _ANY, "lock_sha256": _SHA256}),
        "models": Record({"detector_sha256": Maybe(_SHA256)}),
        "seed": Whole(-(2**53)),
        "privacy": Record({"differential_privacy": Maybe(Named(Plain())), "statement": _ANY}),
        "report_format": OneOf(("deidrelease.report/1",)),
        **dict.fromkeys(("title", "description", "licence", "recipient", "publisher", "contact"), _ANY),
    }
)

_FACTS = Record({"digest": _SHA256, "keyed": Flag(), "notes": Whole(), "patients": Whole()})
_AUDIT = Record(
    {
        "version": Whole(),
        "status": OneOf(("measured", "inconclusive", "failed")),
        "metrics": Named(_ESTIMATE),
        "control": Named(_ESTIMATE),
        "p_value": Maybe(Number()),
        "null": Named(Plain()),
        "breakdown": Named(Named(_ANY)),
        "settings": Named(Plain()),
        "seed": Whole(-(2**53)),
        **dict.fromkeys(("audit", "reason", "threat_model", "says", "does_not_say"), _ANY),
    }
)
_RESULT = Record(
    {
        "format": OneOf(("deidrelease.audit-result/1",)),
        "version": _ANY,
        "seed": Whole(-(2**53)),
        "settings": Named(Plain()),
        "corpora": Record({}, dict.fromkeys(("synthetic", "train", "holdout"), _FACTS)),
        "scanned": Whole(),
        "total": Whole(),
        "audits": Listed(_AUDIT),
        "family": Record({"method": _ANY, "adjusted": Named(Number())}),
    }
)

_SCORES = Named(Maybe(_ESTIMATE))
_LABEL_SCORES = Record({"support": Whole(), **dict.fromkeys(("strict_precision", "strict_recall", "strict_f1",
                        "token_f1"), Maybe(_ESTIMATE))})  # fmt: skip
_TAGGER = Record(
    {
        "overall": _SCORES,
        "per_label": Named(_LABEL_SCORES),
        **dict.fromkeys(("notes", "patients", "mentions", "sentences", "unseen_mentions"), Whole()),
    }
)
_UTILITY = Record(
    {
        "format": OneOf(("deidrelease.evaluation/1",)),
        "gold_tagger": _TAGGER,
        "synthetic_tagger": _TAGGER,
        "synthetic_minus_gold": _SCORES,
        **dict.fromkeys(("test_set", "says", "does_not_say"), _ANY),
    }
)

_JUDGEMENT = Record(
    {
        "standing": OneOf(("kept", "broken", "unjudged")),
        "severity": OneOf(("warn", "block")),
        "judged": OneOf(("low", "value", "high", "")),
        "estimate": Maybe(_ESTIMATE),
        **dict.fromkeys(("rule", "metric", "limit", "what", "because", "remedy", "waiver"), _ANY),
    }
)
_VERDICT = Record(
    {
        "format": OneOf(("deidrelease.verdict/1",)),
        "outcome": OneOf(("pass", "pass-with-waivers", "blocked")),
        "policy": _ANY,
        "policy_version": _ANY,
        "policy_sha256": _SHA256,
        "signable": Flag(),
        "data_digest": _ANY,
        "judgements": Listed(_JUDGEMENT),
        "refused_waivers": Named(_ANY),
        "approvals": Whole(),
        "statements": Listed(_ANY),
        "valid_days": Whole(),
    }
)

_RULE = Record(
    {
        "metric": _ANY,
        "judge": OneOf(("low", "value", "high")),
        "at_most": Maybe(Number()),
        "at_least": Maybe(Number()),
        "severity": OneOf(("warn", "block")),
        "waivable": Flag(),
        **dict.fromkeys(("because", "source", "remedy"), _ANY),
    }
)
_POLICY = Record(
    {
        "format": OneOf(("deidrelease.policy/1",)),
        "extends": Listed(Record({"name": _ANY, "version": _ANY, "sha256": _SHA256})),
        "requires": Listed(_ANY),
        "rules": Named(_RULE),
        "approvals": Whole(),
        "statements": Named(_ANY),
        "valid_days": Whole(),
        "waivers": Record({"max_days": Whole()}),
        "signable": Flag(),
        "coverage": Named(Record({"how": _ANY, "by": Listed(_ANY)}), Text("[A-R]")),
        "not_covered": Listed(_ANY),
        **dict.fromkeys(("name", "version", "title", "description"), _ANY),
    }
)
_RECEIPT = Record(
    {
        "version": Whole(),
        "fingerprint": _SHA256,
        "seed": Whole(-(2**53)),
        "seconds": Number(),
        "attempts": Whole(),
        "versions": Named(_ANY),
        "outputs": Named(Plain()),
    }
)

_SHAPES: Mapping[str, Shape] = {
    RELEASE: _RELEASE,
    RESULT: _RESULT,
    POLICY: _POLICY,
    WAIVERS: Listed(Named(Plain())),
    VERDICT: _VERDICT,
    RECEIPTS: Named(_RECEIPT),
}
_OPTIONAL: Mapping[str, Shape] = {UTILITY: _UTILITY}


def check_documents(documents: Mapping[str, Any]) -> None:
    """Makes sure that all documents are there, and nothing in them that the page would not know what to do with.

    Raises:
        ReportError: One is missing, unknown, or of another shape.
    """
    if unknown := set(documents) - set(_SHAPES) - set(_OPTIONAL):
        raise ReportError(f"{len(unknown)} documents were given that the page does not show")
    for path, shape in _SHAPES.items():
        if path not in documents:
            raise ReportError(f"{path}: is missing")
        shape.check(documents[path], path)
    for path, shape in _OPTIONAL.items():
        if path in documents:
            shape.check(documents[path], path)


def check_digests(digests: Mapping[str, str]) -> None:
    """Makes sure that every path can be shown and every digest is one.

    Raises:
        ReportError: One is not.
    """
    Named(_SHA256).check(digests, "the digests of the bundle's files")
