"""Where in the grammar a cursor is: what has been read of the construct around it, and what may come next.

The parser itself says it. It is fed with the words before the cursor, mistakes put right as always, and then asked
which terminals it would take.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sipflow.lang.automaton import Automaton, TooDeepError
from sipflow.lang.diagnostics import Reporter
from sipflow.lang.driver import Driver, kind_of
from sipflow.lang.literals import pieces
from sipflow.lang.scanner import RawToken, Scan, scan
from sipflow.lang.source import Source
from sipflow.lang.syntax import Node, Token
from sipflow.lang.tables import END, Tables, load_tables

_WORD_BEFORE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
_QUANTITY_BEFORE = re.compile(r"(?<![\w.])([0-9]+(?:\.[0-9]+)?)(/?[A-Za-z%]*)$")
_PART_START = re.compile(r"^(?:agent|data|define|import|load|on|scenario)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """The surroundings of a cursor."""

    open: tuple[Node | Token, ...]
    """What was read and is not complete, outermost first: tokens of constructs that go on, nodes of finished ones."""
    accepted: frozenset[str]
    """Terminals that may come next."""
    word: str
    """The part of a word that stands before the cursor already."""
    start: int
    """Where that word begins, or what stands between quotes."""
    kind: str = "code"
    """`code`; `string` for a place between the quotes of a string, `comment` and `raw` where nobody needs help; `unit`
    behind a number."""

    @property
    def last(self) -> Token | None:
        """The token just before the word; None behind something complete."""
        last = self.open[-1] if self.open else None
        return last if isinstance(last, Token) else None

    def tokens(self) -> Iterator[Token]:
        """The tokens of constructs that go on, innermost first."""
        return (thing for thing in reversed(self.open) if isinstance(thing, Token))

    def inside(self, *kinds: str) -> bool:
        """Whether a construct goes on that has a token of one of these kinds."""
        return any(token.kind in kinds for token in self.tokens())


def place_at(text: str, offset: int) -> Place:
    """Where the cursor is that stands before the character `offset`. Never raises, whatever the text is."""
    before = text[:offset]
    number = _QUANTITY_BEFORE.search(before, before.rfind("\n") + 1)
    word = _WORD_BEFORE.search(before, before.rfind("\n") + 1)
    if number is not None:
        return _place(before, number.start(), number.group(2), number.start(2), "unit")
    start = word.start() if word else offset
    return _place(before, start, before[start:], start, "code")


def _place(before: str, read_to: int, word: str, start: int, kind: str) -> Place:
    source = Source("<cursor>", before)
    first = _first_part(before)
    whole = scan(before, Reporter(source), first)
    open_string = _open_string(whole, before)
    if open_string is not None:
        return _in_string(source, first, open_string)
    if any(comment.end == len(before) for comment in whole.comments[-1:]):
        return Place((), frozenset(), "", start, "comment")
    if whole.unclosed_raw:
        return Place((), frozenset(), "", start, "raw")
    automaton = _read(source, first, read_to)
    return Place(tuple(_flat(automaton)), _accepted(automaton), word, start, kind)


def _first_part(before: str) -> int:
    """Where the part of the file begins that the end of `before` lies in: what comes before it has no say.

    Inside a raw string a line may look like a beginning; whoever has one is read from the start of the file.
    """
    if '"""' in before:
        return 0
    return max((found.start() for found in _PART_START.finditer(before)), default=0)


def _open_string(scanned: Scan, before: str) -> RawToken | None:
    """The string that the end of the text lies in."""
    strings = [token for token in scanned.tokens[-2:] if token.kind == "STRING"]
    if not strings or strings[-1] is not scanned.tokens[-2]:
        return None
    closed = re.fullmatch(load_tables().patterns["STRING"], strings[-1].text)
    return None if closed or "\n" in before[strings[-1].start :] else strings[-1]


def _in_string(source: Source, first: int, string: RawToken) -> Place:
    content = source.text[string.start + 1 :]
    opened = _open_template(content)
    if opened is None:
        automaton = _read(source, first, string.start)
        return Place(tuple(_flat(automaton)), _accepted(automaton), content, string.start + 1, "string")
    start = string.start + 1 + opened
    word = _WORD_BEFORE.search(source.text, start)
    end = word.start() if word else len(source.text)
    automaton = _read_expression(source, start, end)
    outer = _flat(_read(source, first, string.start))
    return Place((*outer, *_flat(automaton)), _accepted(automaton), source.text[end:], end)


def _open_template(content: str) -> int | None:
    """Where the expression begins that a string ends in the middle of: behind the `${` that has no `}`."""
    last = None
    for piece in pieces(content, 0):
        last = piece
    if last is None or last.kind != "bad" or not last.text.startswith("${"):
        return None
    return last.start + 2


def _read(source: Source, start: int, end: int) -> Automaton:
    scanned = scan(source.text, Reporter(source), start, end)
    return Driver(load_tables(), scanned, Reporter(source)).prefix()


def _read_expression(source: Source, start: int, end: int) -> Automaton:
    tables = load_tables()
    automaton = Automaton(tables, "expression")
    for token in scan(source.text, Reporter(source), start, end).tokens:
        kind = kind_of(token, automaton, tables)
        try:
            fits = (
                token.kind != END and kind is not None and automaton.offer(kind, Token(kind, token.text, token.start))
            )
        except TooDeepError:
            break
        if not fits:
            break
    return automaton


def _flat(automaton: Automaton) -> list[Node | Token]:
    things: list[Node | Token] = []
    for value in automaton.values:
        if isinstance(value, list):
            things += value
        else:
            things.append(value)
    return things


def _accepted(automaton: Automaton) -> frozenset[str]:
    return frozenset(kind for kind in _terminals(load_tables()) if automaton.accepts((kind,)))


def _terminals(tables: Tables) -> list[str]:
    return [*tables.words.values(), *tables.signs.values(), *tables.patterns, END]
