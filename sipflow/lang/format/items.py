"""What a text consists of between the tree and the lines: things with a line each, their blocks and their comments."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Break:
    """A place inside of a thing where its line ends: behind a comment, or because it was broken there."""

    comment: str = ""
    own_line: bool = False
    """Whether the comment has a line to itself."""
    deeper: bool = True
    """Whether the next line stands deeper than the first."""


@dataclass(slots=True)
class Cell:
    """A place that may be aligned with the same place of neighbouring lines."""


@dataclass(slots=True)
class Block:
    """Things between braces, or the statements behind `on alice:`."""

    entries: list[Item | Comment] = field(default_factory=list)
    one_line: bool = False
    """Whether it stood on one line."""
    colon: bool = False
    """Whether it is `: a; b` while it is on one line."""
    comment: str = ""
    """Behind its `{`."""
    column: int = 0
    """Where the values of its settings begin; 0: behind their words."""


@dataclass(slots=True)
class Comment:
    """A comment on a line of its own."""

    text: str
    blank_before: bool = False


@dataclass(slots=True)
class Item:
    """A thing that begins a line: a part of the file, a statement, a setting, an arm."""

    rule: str
    """The rule of the grammar that it is."""
    pieces: list[str | Break | Cell | Block] = field(default_factory=list)
    comment: str = ""
    """At the end of its last line."""
    blank_before: bool = False

    @property
    def blocks(self) -> list[Block]:
        """Its blocks in order."""
        return [piece for piece in self.pieces if isinstance(piece, Block)]


@dataclass(slots=True)
class Line:
    """A line of the text."""

    level: int = 0
    text: str = ""
    comment: str = ""
    """At its end."""
    cell: int = 0
    """Where the part begins that is aligned with that of its neighbours; 0: nowhere."""
    kind: str = ""
    """Lines of one kind are aligned."""
