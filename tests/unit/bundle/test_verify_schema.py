"""What is published of the formats is what the code takes."""

import base64
import json
import sys
from pathlib import Path

import jsonschema
import pytest
from made.bundles import make_bundle

from deidrelease.bundle.findings import REMEDIES
from deidrelease.bundle.layout import ATTESTATIONS, KINDS, kind_of
from deidrelease.bundle.statements import audit_schema

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "docs/reference/release-audit-v1.schema.json"
PAGE = ROOT / "docs/reference/bundle.md"


def test_the_schema_of_the_statement_is_current() -> None:
    """If it is not: `python tests/unit/bundle/test_verify_schema.py`."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == audit_schema()


def test_a_statement_that_is_made_keeps_to_the_schema(tmp_path: Path) -> None:
    line = (make_bundle(tmp_path / "b") / ATTESTATIONS).read_bytes().splitlines()[0]
    statement = json.loads(base64.b64decode(json.loads(line)["payload"]))
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(statement, schema)
    statement["predicate"]["audited"]["notes"] = "12"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(statement, schema)


def test_the_page_names_every_role_and_every_failure() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [kind.role for kind in KINDS if f"`{kind.role}`" not in page] == []
    assert [code for code in REMEDIES if f"`{code}`" not in page] == []


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("data/notes-00000.jsonl", "data"),
        ("data/notes-0.jsonl", None),
        ("data/notes-000000.jsonl", None),
        ("data/notes-\u0660\u0660\u0660\u0660\u0660.jsonl", None),
        ("data/notes-00000.jsonl\n", None),
        ("data/brat/a b.txt", "data-copy"),
        ("data/brat/.a.txt", None),
        ("data/brat/x/a.txt", None),
        ("data/brat/a.exe", None),
        ("licences/CC-BY-4.0.txt", "licence"),
        ("licences/../x", None),
        ("manifest.json", None),
        ("audit/findings.private.jsonl", None),
        ("AUDIT/result.json", None),
    ],
)
def test_only_what_the_layout_names_has_a_place(path: str, role: str | None) -> None:
    kind = kind_of(path)
    assert (kind.role if kind else None) == role


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(audit_schema(), indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{SCHEMA}\n")
