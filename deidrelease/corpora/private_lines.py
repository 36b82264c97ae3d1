"""Lines of JSON for the owner's eyes alone: a file of mode 0600 that appears whole or not at all."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deidrelease.artifacts import atomic_writer
from deidrelease.corpora.staging import refuse_existing, writing_to
from deidrelease.errors import Problem


@contextmanager
def private_lines(path: Path) -> Iterator[Callable[[Mapping[str, str]], None]]:
    """Yields what writes one object a line to `path`.

    Raises:
        CorpusError: `path` exists already, or cannot be written.
    """
    refuse_existing(path)
    with writing_to(path), atomic_writer(path) as stream:
        os.fchmod(stream.fileno(), 0o600)
        yield lambda record: _write(stream.write, record)


def _write(write: Callable[[bytes], int], record: Mapping[str, str]) -> None:
    write(json.dumps(record, ensure_ascii=False).encode("utf-8") + b"\n")


@contextmanager
def private_problems(path: Path) -> Iterator[Callable[[Problem], None]]:
    """Yields what writes one problem a line to `path`; raises as `private_lines` does."""
    with private_lines(path) as write:
        yield lambda problem: write(
            {"where": problem.where, "kind": problem.kind, "what": problem.what, "remedy": problem.remedy}
        )
