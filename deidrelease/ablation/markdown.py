"""Tables in Markdown, from plain text cells."""

from collections.abc import Iterator, Sequence

MOST_ROWS = 60
"""Of a table that people read; all rows stand in the files beside it."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table's lines; the first column is left, all others are right."""
    lines = [_row(head), _row(["---", *("---:" for _ in head[1:])])]
    return [*lines, *(_row(row) for row in rows), ""]


def _row(cells: Sequence[str]) -> str:
    # Levels are words out of a configuration: none may end a cell or a line.
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def cut_off(rows: Sequence[object]) -> Iterator[str]:
    """Says how many rows are not shown; nothing where all are."""
    if len(rows) > MOST_ROWS:
        yield f"{len(rows) - MOST_ROWS} more stand in the tables beside this page."
        yield ""
