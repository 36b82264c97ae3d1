"""Small corpora as users have them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Record = dict[str, object]
WriteJsonl = Callable[..., Path]


@pytest.fixture
def jsonl(tmp_path: Path) -> WriteJsonl:
    """Writes records, or raw lines, as `notes.jsonl`."""

    def write(*records: Record | str) -> Path:
        path = tmp_path / "notes.jsonl"
        lines = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="")
        return path

    return write
