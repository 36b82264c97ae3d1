"""The threat model names a test for each attack; each of them exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_threat_model_names_exists() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    files = set(re.findall(r"`(test_\w+\.py)`", page))
    sources = list((ROOT / "tests").rglob("test_*.py"))
    defined = {name for path in sources for name in re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8"))}
    assert len(named) > 60
    assert named <= defined, sorted(named - defined)
    assert files <= {path.name for path in sources}
