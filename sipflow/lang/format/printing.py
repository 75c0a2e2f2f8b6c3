"""Items to lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sipflow.lang.format.aligning import align_cells, align_comments
from sipflow.lang.format.items import Block, Break, Cell, Comment, Item, Line

INDENT = "  "
WIDTH = 100
"""What stays on one line fits in so many columns; comments are not counted."""
_DEEPER = 2
"""Levels by which a broken line goes on deeper."""


def print_file(file: Block) -> Iterator[str]:
    """The lines of a file, without their ends."""
    lines = _file_lines(file)
    align_cells(lines)
    align_comments(lines, len(INDENT))
    return (INDENT * line.level + line.text if line.text else "" for line in lines)


def _file_lines(file: Block) -> list[Line]:
    lines: list[Line] = []
    long_before = False
    for group in _groups(file.entries):
        printed = _entries_lines(group, 0)
        comments = sum(isinstance(entry, Comment) for entry in group)
        is_long = len(printed) > comments + 1
        if lines and (group[0].blank_before or long_before or is_long):
            lines.append(Line())
        lines += printed
        long_before = is_long
    return lines


def _groups(entries: Sequence[Item | Comment]) -> Iterator[list[Item | Comment]]:
    """Parts of the file, each with the comments right above it."""
    group: list[Item | Comment] = []
    for entry in entries:
        if group and (entry.blank_before or isinstance(group[-1], Item)):
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def _entries_lines(entries: Sequence[Item | Comment], level: int, column: int = 0) -> list[Line]:
    """Entries below each other; a blank line stands where there was one, but not at the beginning."""
    lines: list[Line] = []
    for entry in entries:
        if entry.blank_before and lines:
            lines.append(Line())
        if isinstance(entry, Comment):
            lines.append(Line(level, entry.text))
        else:
            lines += _ItemPrinter(entry, level, column).lines()
    return lines


class _ItemPrinter:
    def __init__(self, item: Item, level: int, column: int) -> None:
        self.item = item
        self.level = level
        self.column = column
        self.done: list[Line] = []
        self.line = Line(level)
        """The line that is being written."""
        self.one_line = _fits(item, level)
        self.head_comment = ""
        """A comment at the end of a line that becomes several belongs to the first."""

    def lines(self) -> list[Line]:
        """The lines of the item."""
        self.head_comment = self._comment_of_head()
        for piece in self.item.pieces:
            self._piece(piece)
        self._end_line(self.head_comment or self.item.comment)
        if len(self.done) == 1:
            self.done[0].kind = self.item.rule
        return self.done

    def _comment_of_head(self) -> str:
        """What stood on one line and does not any more: its comment goes behind the first `{`."""
        whole = all(not isinstance(piece, Break) for piece in self.item.pieces)
        if self.one_line or not whole or not all(block.one_line for block in self.item.blocks):
            return ""
        comment, self.item.comment = self.item.comment, ""
        return comment

    def _piece(self, piece: str | Break | Cell | Block) -> None:
        if isinstance(piece, str):
            self._words(piece)
        elif isinstance(piece, Break):
            self._break(piece)
        elif isinstance(piece, Cell):
            self.line.cell = len(self.line.text) + 1 if self.one_line else 0
        else:
            self._block(piece)

    def _words(self, text: str) -> None:
        if self.column and not self.done and not self.line.text:
            word, space, rest = text.partition(" ")
            text = f"{word.ljust(self.column - 1)} {rest}" if space else word.ljust(self.column - 1)
        self.line.text += f" {text}" if self.line.text else text

    def _break(self, piece: Break) -> None:
        level = self.level + _DEEPER * piece.deeper
        if piece.own_line:
            self._end_line()
            self.done.append(Line(level, piece.comment))
        else:
            self._end_line(piece.comment)
        self.line = Line(level)

    def _block(self, block: Block) -> None:
        text = self._short(block)
        if text is not None:
            self.line.text += text
            return
        self.line.text += " {" if self.line.text else "{"
        self._end_line(block.comment or self.head_comment)
        self.head_comment = ""
        self.done += _entries_lines(block.entries, self.level + 1, block.column)
        self.line = Line(self.level, "}")

    def _short(self, block: Block) -> str | None:
        """The block behind its words on this line, None when it gets lines of its own."""
        if not block.entries and not block.comment:
            return f"{' ' if self.line.text else ''}{{}}"
        text = None if self.item.rule == "if_statement" and not self.one_line else _short_block(block)
        if text is None or (self.item.rule == "lane" and not self.one_line):
            return None
        return text if self.one_line or _width(self.level, self.line.text + text) <= WIDTH else None

    def _end_line(self, comment: str = "") -> None:
        self.line.text = self.line.text.rstrip()
        self.line.comment = comment
        if self.line.text or comment:
            self.done.append(self.line)
        self.line = Line(self.level)


def _fits(item: Item, level: int) -> bool:
    text = _short_item(item)
    return text is not None and _width(level, text) <= WIDTH


def _width(level: int, text: str) -> int:
    return len(INDENT) * level + len(text)


def _short_item(item: Item) -> str | None:
    """An item on one line, without its comment; None when it was on several."""
    text = ""
    for piece in item.pieces:
        if isinstance(piece, str):
            text += f" {piece}" if text else piece
        elif isinstance(piece, Block):
            short = _short_block(piece)
            if short is None:
                return None
            text += short if text else short.lstrip()
        elif isinstance(piece, Break):
            return None
    return text


def _short_block(block: Block) -> str | None:
    """` { a; b }` or `: a; b`; None for a block that was on several lines."""
    if not block.entries and not block.comment:
        return " {}"
    if not block.one_line or block.comment:
        return None
    items = [_short_item(entry) for entry in block.entries if isinstance(entry, Item)]
    statements = "; ".join(item for item in items if item is not None)
    if len(items) < len(block.entries) or None in items:
        return None
    return f": {statements}" if block.colon else f" {{ {statements} }}"
