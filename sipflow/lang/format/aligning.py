"""Columns: what stands below each other in neighbouring lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sipflow.lang.format.items import Line

LONG_CELL = 32
"""What is longer is not aligned with its neighbours."""


def align_cells(lines: Sequence[Line]) -> None:
    """Let the cells of neighbouring lines of one kind begin in one column."""
    for run in _runs(lines, lambda line: (line.level, line.kind) if 0 < line.cell <= LONG_CELL + 1 else None):
        column = max(line.cell for line in run)
        for line in run:
            line.text = line.text[: line.cell - 1].ljust(column) + line.text[line.cell :]


def align_comments(lines: Sequence[Line], indent: int) -> None:
    """Put comments at the ends of their lines, those of neighbouring lines of one level in one column."""
    for run in _runs(lines, _comment_key):
        column = max(len(line.text) for line in run) + 2
        for line in run:
            line.text = f"{line.text.ljust(column)}{line.comment}"


def _comment_key(line: Line) -> object | None:
    """The edges of blocks are alone with their comments."""
    edge = line.text.startswith("}") or line.text.endswith("{")
    return None if not line.comment else object() if edge else line.level


def _runs(lines: Sequence[Line], key_of: Callable[[Line], object | None]) -> Iterator[list[Line]]:
    """Neighbouring lines with the same key; None keeps a line out."""
    run: list[Line] = []
    key: object | None = None
    for line in lines:
        own = key_of(line)
        if run and own != key:
            yield run
            run = []
        key = own
        if own is not None:
            run.append(line)
    if run:
        yield run
