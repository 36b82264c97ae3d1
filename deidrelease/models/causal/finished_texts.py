"""Sampled texts on disk, so that a kill loses those alone that were under way."""

import json
from pathlib import Path
from typing import Self, TextIO

from deidrelease.models.causal.sampling import Sampled


class FinishedTexts:
    """Finished texts in a file, a line each, written through as they finish; in memory only their places."""

    def __init__(self, path: Path, stream: TextIO, places: dict[int, int]) -> None:
        self._path, self._stream, self._places = path, stream, places

    @classmethod
    def open(cls, path: Path) -> Self:
        """Takes up what a killed attempt left in `path`, or begins it; a line that the kill tore is cut off."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        places, good = {}, 0
        with path.open("rb") as stream:
            for line in stream:
                if not line.endswith(b"\n"):
                    break  # torn by a kill: this text is sampled again
                places[int(json.loads(line)["index"])] = good
                good += len(line)
        with path.open("r+b") as stream:
            stream.truncate(good)
        return cls(path, path.open("a", encoding="utf-8", newline="\n"), places)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stream.close()

    def __contains__(self, index: int) -> bool:
        return index in self._places

    def add(self, sampled: Sampled, text: str) -> None:
        """Appends one text and hands it to the operating system at once."""
        self._places[sampled.index] = self._stream.tell()
        line = {"index": sampled.index, "ending": sampled.ending, "tokens": len(sampled.tokens), "text": text}
        self._stream.write(json.dumps(line, ensure_ascii=True) + "\n")
        self._stream.flush()

    def read(self, index: int) -> tuple[str, str, int]:
        """Text, ending and number of tokens of a finished text; no tokens where an earlier version sampled it."""
        with self._path.open("rb") as stream:
            stream.seek(self._places[index])
            record = json.loads(stream.readline())
        return record["text"], record["ending"], record.get("tokens", 0)
