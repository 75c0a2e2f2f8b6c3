"""Statements with their blocks, and how they stand on lines: the formatter's style for what no person wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

INDENT = "  "
WIDTH = 100
"""What stands on one line fits in so many columns."""
LONG_CELL = 32
"""What is longer is not aligned with its neighbours."""
_SHORT_LINE = 72
"""Blocks on the lines of their statements make these so long at most."""
_MOST_INLINE = 3
"""So many statements stand on one line at most."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement on its way to the text."""

    head: str
    """Its words up to the first block."""
    node_id: str | None = None
    """The node that it stands for; a jump stands for none."""
    otherwise: tuple[Entry, ...] | None = None
    """Its `else`, None without one."""
    body: tuple[Entry, ...] | None = None
    """The block behind its head."""
    arms: tuple[tuple[str, tuple[Entry, ...]], ...] | None = None
    """What `choose` waits for, and the way of each."""
    items: tuple[str, ...] = ()
    """What stands in the braces within its head: it gets lines of its own when the head is too long."""
    ends: bool = False
    """Whether the lane goes on elsewhere than behind it."""

    @property
    def is_plain(self) -> bool:
        """Whether it has no blocks."""
        return self.otherwise is None and self.body is None and self.arms is None


def falls_through(entries: Sequence[Entry]) -> bool:
    """Whether a lane that runs them may come to what stands behind them."""
    return not entries or _falls(entries[-1])


def _falls(entry: Entry) -> bool:
    if entry.ends:
        return False
    if entry.arms is not None:
        return any(falls_through(arm) for _, arm in entry.arms)
    if not entry.head.startswith("if ") or entry.body is None or entry.otherwise is None:
        return True
    return falls_through(entry.body) or falls_through(entry.otherwise)


@dataclass(frozen=True, slots=True)
class Layout:
    """Writes entries; `label_of` gives the name of the place before a node, None when it needs none."""

    label_of: Callable[[str], str | None]

    def lines(self, entries: Sequence[Entry], indent: str) -> Iterator[str]:
        """The lines of a sequence."""
        for entry in self.labelled(entries):
            yield from self._lines(entry, indent)

    def labelled(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        """The entries, and a `label` before each that needs one."""
        for entry in entries:
            name = None if entry.node_id is None else self.label_of(entry.node_id)
            if name is not None:
                yield Entry(f"label {name}")
            yield entry

    def one_line(self, entries: Sequence[Entry], most: int = _MOST_INLINE) -> str | None:
        """`a; b; c`, None when they do not belong on one line."""
        found = list(self.labelled(entries))
        if len(found) > most or not all(entry.is_plain for entry in found):
            return None
        return "; ".join(entry.head for entry in found)

    def _lines(self, entry: Entry, indent: str) -> Iterator[str]:
        if entry.arms is not None:
            yield from self._choose(entry, indent)
        elif entry.body is not None:
            yield from self._blocks(entry, f"{indent}{entry.head}", indent)
        else:
            *lines, last = _head_lines(entry, indent)
            yield from lines
            if entry.otherwise is None:
                yield last
            else:
                yield from self._behind(f"{last} else", entry.otherwise, indent)

    def _blocks(self, entry: Entry, head: str, indent: str) -> Iterator[str]:
        """Loops and `if`, with `else if` for an `if` that is all of its `else`."""
        short = self._short_blocks(entry, head)
        if short is not None:
            yield short
            return
        line = head
        while entry.otherwise is not None:
            if entry.body:
                yield f"{line} {{"
                yield from self.lines(entry.body, indent + INDENT)
                line = f"{indent}}} else"
            else:
                line += " {} else"
            only = self._only_if(entry.otherwise)
            if only is None:
                yield from self._block(line, entry.otherwise, indent)
                return
            line, entry = f"{line} {only.head}", only
        yield from self._block(line, entry.body or (), indent)

    def _short_blocks(self, entry: Entry, head: str) -> str | None:
        """On one line, when no block has more than one short statement."""
        blocks = [entry.body or ()] if entry.otherwise is None else [entry.body or (), entry.otherwise]
        texts = [self.one_line(block, most=1) for block in blocks]
        if None in texts:
            return None
        line = f"{head} " + " else ".join(f"{{ {text} }}" if text else "{}" for text in texts)
        return line if len(line) <= _SHORT_LINE else None

    def _only_if(self, entries: Sequence[Entry]) -> Entry | None:
        only = next(self.labelled(entries), None)
        return only if len(entries) == 1 and only is not None and only.head.startswith("if ") else None

    def _block(self, head: str, entries: Sequence[Entry], indent: str) -> Iterator[str]:
        if not entries:
            yield f"{head} {{}}"
            return
        yield f"{head} {{"
        yield from self.lines(entries, indent + INDENT)
        yield f"{indent}}}"

    def _choose(self, entry: Entry, indent: str) -> Iterator[str]:
        inner = indent + INDENT
        yield f"{indent}{entry.head} {{"
        for group in _runs([(event, self._short(event, way, inner), way) for event, way in entry.arms or ()]):
            width = max((len(event) for event, short, _ in group if short is not None), default=0)
            for event, short, way in group:
                if short is not None:
                    yield f"{inner}{event.ljust(width)} => {short}"
                else:
                    yield from self._block(f"{inner}{event} =>", way, inner)
        yield f"{indent}}}"

    def _short(self, event: str, way: Sequence[Entry], indent: str) -> str | None:
        """What stands behind `=>` when an arm is short."""
        text = self.one_line(way)
        if text is None or len(event) > LONG_CELL:
            return None
        short = text if len(list(self.labelled(way))) == 1 else f"{{ {text} }}" if text else "{}"
        return short if len(f"{indent}{event} => {short}") <= WIDTH else None

    def _behind(self, head: str, entries: Sequence[Entry], indent: str) -> Iterator[str]:
        """An `else` behind a statement: on its line when it is short."""
        text = self.one_line(entries)
        if text is not None:
            line = f"{head} {text}" if len(list(self.labelled(entries))) == 1 else f"{head} {{ {text} }}"
            if len(line) <= WIDTH:
                yield line
                return
        yield from self._block(head, entries, indent)


def _head_lines(entry: Entry, indent: str) -> list[str]:
    """The head of a statement; its braces are opened when they do not fit on its line."""
    head = indent + entry.head
    before, braces, after = head.partition(f"{{ {'; '.join(entry.items)} }}")
    if not entry.items or len(before + braces) <= WIDTH:
        return [head]
    return [f"{before}{{", *(f"{indent}{INDENT}{item}" for item in entry.items), f"{indent}}}{after}"]


_Row = tuple[str, str | None, tuple[Entry, ...]]


def _runs(rows: list[_Row]) -> Iterator[list[_Row]]:
    """Neighbouring arms that stand on one line each; the others alone."""
    run: list[_Row] = []
    for row in rows:
        if run and (row[1] is None or run[-1][1] is None):
            yield run
            run = []
        run.append(row)
    if run:
        yield run
