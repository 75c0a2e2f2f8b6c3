"""Tokens through the automaton, and what to do when one does not fit.

Recovery is panic mode with three repairs tried first, because each keeps the rest of the statement for the checks
that follow: a misspelt keyword is read as the one that was meant, a missing sign is put in, and blocks that were never
closed are closed where a new part of the file begins. Otherwise the automaton forgets what it had of the
statement, takes an ERROR in its place, and goes on behind the end of the statement. A statement is complained about
once.
"""

from __future__ import annotations

import re
from typing import Any

from sipflow.lang import complaints, hints
from sipflow.lang.automaton import Automaton, TooDeepError
from sipflow.lang.diagnostics import Reporter, closest
from sipflow.lang.scanner import WORD, RawToken, Scan
from sipflow.lang.syntax import Node, Token
from sipflow.lang.tables import END, ERROR, Tables
from sipflow.values import dataclass

MAX_OPEN = 64
"""Braces and parentheses within each other."""

_PARTS_OF_A_FILE = frozenset(("agent", "data", "define", "import", "load", "on", "scenario", "timeout"))
"""Words that begin a part of the file; at the start of a line they are nothing else, save `timeout` in a `choose`."""
_MISSING_SIGNS = ("RPAR", "SEMI", "EQUAL", "COLON", "COMMA")
_CONTINUE_AFTER = frozenset(("COMMA", "EQUAL", "ARROW", "PLUS", "STAR", "AND", "OR", "NOT", "EQ", "NE", "LE", "GE"))
_OPENING = {"LBRACE": "RBRACE", "LPAR": "RPAR"}


@dataclass(frozen=True, slots=True)
class Closed:
    """A block that is over."""

    start: int
    """Offset of its `{`."""
    end: int
    """Offset of its `}`."""


@dataclass(frozen=True, slots=True)
class Open:
    """A brace or parenthesis that waits for its partner."""

    kind: str
    start: int
    height: int
    """How many states lay on the stack when it was shifted."""


def kind_of(token: RawToken, automaton: Automaton, tables: Tables) -> str | None:
    """The terminal that a token is here: a keyword where the grammar has one, else a name; None for neither."""
    if token.kind != WORD:
        return token.kind
    row = automaton.row
    keyword = tables.words.get(token.text)
    if keyword is not None and keyword in row:
        return keyword
    if "NAME" in row and is_name(token.text, tables):
        return "NAME"
    automaton.before = automaton.states
    return None


def is_name(text: str, tables: Tables) -> bool:
    """Whether a word may be the name of something: it is not reserved, and made of ASCII letters, digits and `_`."""
    return re.fullmatch(tables.patterns["NAME"], text) is not None


class Driver:
    """Parses one scan; `tree()` always gives a root."""

    def __init__(self, tables: Tables, scan: Scan, report: Reporter) -> None:
        self.tables = tables
        self.tokens = _without_idle_newlines(scan.tokens)
        self.report = report
        self.automaton = Automaton(tables, "file")
        self.index = 0
        self.open: list[Open] = []
        self.last_kind = ""
        self.last_closed: Closed | None = None
        self.wrongly_closed: Closed | None = None
        """The first block of this part whose `}` stands further left than the line of its `{`: it was meant for
        another block, so this one is what is not closed."""
        self.complained = False
        """Whether this statement was complained about already."""
        self.broken: list[tuple[int, int]] = []
        self.line_ended: tuple[list[int], list[Any]] | None = None
        """States and values before the newline that came last: whoever finds that it came too early goes back."""
        self.panicked_at = -1
        self.mistaken_blocks: set[int] = set()
        self.bad_lines = {diagnostic.span.line for diagnostic in report.diagnostics}
        """Lines on which the scanner found a mistake: what follows from it needs no second word."""

    def tree(self) -> Node:
        """Parse everything."""
        while not self._step_or_give_up():
            pass
        return self.automaton.result

    def prefix(self) -> Automaton:
        """Parse all but the end of the text: what the automaton takes then is what may be written next."""
        while self.tokens[self.index].kind != END:
            self._step_or_give_up()
        return self.automaton

    def _step_or_give_up(self) -> bool:
        try:
            return self._step()
        except TooDeepError:
            complaints.too_deep(self, self.tokens[self.index])
            self._give_up()
            return False

    def _step(self) -> bool:
        """Take one token; True when that was the last."""
        token = self.tokens[self.index]
        if token.kind == "NL" and self._statement_goes_on():  # not offered: that may end the expression before it
            self.index += 1
            return False
        kind = kind_of(token, self.automaton, self.tables)
        if kind is not None and self._offer(kind, token):
            self.index += 1
            return kind == END
        self._mistake(token)
        return False

    def _offer(self, kind: str, token: RawToken) -> bool:
        if kind == "NL":
            self.line_ended = list(self.automaton.states), list(self.automaton.values)
        if not self.automaton.offer(kind, Token(kind, token.text, token.start)):
            return False
        self.last_kind = kind
        if kind in ("NL", "SEMI", "LBRACE"):
            self.complained = False
        if kind in _OPENING:
            self._push(kind, token.start)
        elif self.open and kind == _OPENING[self.open[-1].kind]:
            self._close(self.open.pop(), token.start)
        return True

    def _close(self, opened: Open, end: int) -> None:
        if opened.kind != "LBRACE":
            return
        self.last_closed = Closed(opened.start, end)
        if self.wrongly_closed is None and self._indent(end) < self._indent(opened.start):
            self.wrongly_closed = self.last_closed
        if not self.open:
            self.wrongly_closed = None

    def _indent(self, offset: int) -> int:
        """How far the line of an offset is indented."""
        line = self.report.source.line(self.report.source.position(offset)[0])
        return len(line) - len(line.lstrip())

    def _push(self, kind: str, start: int) -> None:
        self.open.append(Open(kind, start, len(self.automaton.states)))
        if len(self.open) > MAX_OPEN:
            raise TooDeepError

    def _statement_goes_on(self) -> bool:
        in_parentheses = bool(self.open) and self.open[-1].kind == "LPAR"
        return self.last_kind in _CONTINUE_AFTER or (in_parentheses and not self._begins_statement(self.index + 1))

    # --- mistakes --------------------------------------------------------------------------------------------------

    def _mistake(self, token: RawToken) -> None:
        if self.report.full:
            self._give_up()
            return
        if self._word_was_no_statement():
            token = self.tokens[self.index]
        if self._closes_blocks(token) or self._puts_right(token):
            return
        self._complain(complaints.unexpected, token)
        self._panic()

    def _word_was_no_statement(self) -> bool:
        """A name at the start of a statement fits only before `(`: when none came, the name itself is the mistake."""
        states, values = self.automaton.before, self.automaton.values
        if self.last_kind != "NAME" or len(states) < 2 or len(self.automaton.states) != len(states):
            return False
        if self.automaton.expected() != {"LPAR"} or not self.automaton.accepts(("PLAY",), states[:-1]):
            return False
        self.automaton.states.pop()
        values.pop()
        self.index -= 1
        while self.tokens[self.index].kind != WORD:
            self.index -= 1
        self.automaton.before = self.automaton.states
        self.last_kind = ""
        return True

    def _closes_blocks(self, token: RawToken) -> bool:
        """Where a new part of the file begins inside a block, a `}` is missing; so it is where the file ends."""
        braces = [open_ for open_ in self.open if open_.kind == "LBRACE"]
        if not braces or not (token.kind == END or self._begins_part(self.index)):
            return False
        self._complain(complaints.unclosed_block, token, braces[-1])
        while any(open_.kind == "LBRACE" for open_ in self.open):
            self._close_block(token.start)
        self.complained = token.kind == END
        return True

    def _close_block(self, at: int) -> None:
        closing = RawToken("RBRACE", "", at, False)
        if not self._offer("RBRACE", closing):
            self._forget_statement(at)
            fitted = self._offer("RBRACE", closing)
            assert fitted, "blocks may end behind an ERROR"
        if self.automaton.accepts(("NL",)) and not self.open:
            self._offer("NL", RawToken("NL", "", at, False))

    def _puts_right(self, token: RawToken) -> bool:
        return (
            self._reads_as_meant(token)
            or self._puts_sign_in(token)
            or self._opens_block(token)
            or self._opened_block(token)
            or self._closes_inner_block(token)
        )

    def _reads_as_meant(self, token: RawToken) -> bool:
        """A word that is nearly a keyword that fits here is read as that keyword."""
        if token.kind != WORD or self.complained or hints.setting(self, token):
            return False
        fitting = [word for word, kind in self.tables.words.items() if self.automaton.accepts((kind,))]
        meant = closest(token.text, fitting, 0.7)
        if meant is None or token.text in self.tables.words:
            return False
        self._complain(complaints.misspelt, token, meant)
        self._offer(self.tables.words[meant], token)
        self.index += 1
        return True

    def _puts_sign_in(self, token: RawToken) -> bool:
        """A sign that is missing before this token is put in, when the token fits behind it."""
        for sign in _MISSING_SIGNS:
            for kind in self._kinds(token, sign):
                if self.automaton.accepts((sign, kind)):
                    self._complain(complaints.missing_sign, token, sign)
                    self._offer(sign, RawToken(sign, "", token.start, False))
                    return True
        return False

    def _opens_block(self, token: RawToken) -> bool:
        """Where a line ends and only a `{` could go on, it is missing; behind `else` and `=>` a statement may be."""
        if token.kind != "NL" or self.last_kind in ("ELSE", "ARROW") or not self.automaton.accepts(("LBRACE", "NL")):
            return False
        self._complain(complaints.missing_sign, token, "LBRACE")
        self._offer("LBRACE", RawToken("LBRACE", "", self.tokens[self.index - 1].start, False))
        return True

    def _opened_block(self, token: RawToken) -> bool:
        """A line that is indented under one that may have a block, and fits in it: the `{` at its end is missing."""
        newline = self.tokens[self.index - 1]
        if self.line_ended is None or self.last_kind != "NL" or newline.kind != "NL" or token.kind != WORD:
            return False
        keyword, (states, values) = self.tables.words.get(token.text), self.line_ended
        above = self.tokens[self.index - 2].start
        if keyword is None or self._indent(token.start) <= self._indent(above):
            return False
        if not self.automaton.accepts(("LBRACE", keyword), states):
            return False
        self._complain(complaints.missing_sign, newline, "LBRACE")
        self.automaton.states[:], self.automaton.values[:] = states, values
        self._offer("LBRACE", RawToken("LBRACE", "", above, False))
        return True

    def _closes_inner_block(self, token: RawToken) -> bool:
        """A line that fits behind the block around it, and not in it: a `}` is missing before."""
        if not (self.open and self.open[-1].kind == "LBRACE" and token.kind == WORD and token.after_newline):
            return False
        keyword = self.tables.words.get(token.text)
        if keyword is None or not self.automaton.accepts(("RBRACE", "NL", keyword)):
            return False
        self._complain(complaints.unclosed_inner_block, token, self.open[-1])
        self._offer("RBRACE", RawToken("RBRACE", "", token.start, False))
        self._offer("NL", RawToken("NL", "", token.start, False))
        return True

    def _kinds(self, token: RawToken, sign: str) -> list[str]:
        """What a token may be behind `sign`. A name behind a `;` would make a call of a definition of any word."""
        if token.kind != WORD:
            return [] if token.kind == END or sign == "SEMI" else [token.kind]
        keyword = self.tables.words.get(token.text)
        names = ["NAME"] if sign != "SEMI" and is_name(token.text, self.tables) else []
        return [keyword, *names] if keyword else names

    def _complain(self, complaint: complaints.Complaint, token: RawToken, *about: object) -> None:
        line = self.report.source.position(token.start)[0]
        if not self.complained and line not in self.bad_lines:
            complaint(self, token, *about)
        self.complained = True

    def first_of_its_block(self) -> bool:
        """Whether this is the first word of another kind of block in this one: the block is the mistake, once."""
        block = self.open[-1].start if self.open else -1
        first = block not in self.mistaken_blocks
        self.mistaken_blocks.add(block)
        return first

    # --- panic -----------------------------------------------------------------------------------------------------

    def _panic(self) -> None:
        self._make_headway()
        if self.automaton.accepts(("SEMI", ERROR)):  # what came before stands on its own
            start = self.tokens[self.index].start
            self.automaton.offer("SEMI", Token("SEMI", "", start))
        else:
            forgotten = self.automaton.pop_until(ERROR)
            start = self.tokens[self.index].start if forgotten is None else forgotten
            self._drop_open()
        at_top = self.automaton.accepts(("ON",))
        self._skip_statement()
        if at_top:
            self._skip_to_part()
        self._take_error(start, self.tokens[self.index].start)

    def _make_headway(self) -> None:
        """The same token twice means that nothing fits behind the ERROR: it goes, too."""
        if self.index == self.panicked_at and self.tokens[self.index].kind != END:
            self.index += 1
        self.panicked_at = self.index

    def _forget_statement(self, at: int) -> None:
        start = self.automaton.pop_until(ERROR)
        self._drop_open()
        self._take_error(at if start is None else start, at)

    def _take_error(self, start: int, end: int) -> None:
        self.broken.append((start, end))
        taken = self.automaton.offer(ERROR, Token(ERROR, self.report.source.text[start:end], start))
        assert taken, "the start of a file takes an ERROR, and states were forgotten until one does"
        self.last_kind = ERROR

    def _drop_open(self) -> None:
        while self.open and self.open[-1].height > len(self.automaton.states):
            self.open.pop()

    def _skip_statement(self) -> None:
        """Move to the end of the statement: a newline, a `;`, or the `}` of the block around it."""
        depth = 0
        while True:
            kind = self.tokens[self.index].kind
            if kind == END or self._begins_part(self.index):
                return
            if depth == 0 and (kind in ("NL", "SEMI") or (kind == "RBRACE" and self.open)):
                return
            depth = max(0, depth + (kind == "LBRACE") - (kind == "RBRACE"))
            self.index += 1

    def _skip_to_part(self) -> None:
        """At the top of a file, move to the newline before the next part: what lies between has no home."""
        while self.tokens[self.index].kind != END:
            if self.tokens[self.index].kind == "NL" and self._begins_part(self.index + 1, allow_let=True):
                return
            if self._begins_part(self.index):
                return
            self.index += 1

    def _begins_part(self, index: int, allow_let: bool = False) -> bool:
        token = self.tokens[index]
        if not token.after_newline or token.kind != WORD:
            return False
        if token.text == "timeout":
            return self.tokens[index + 1].kind != "ARROW" and self._column(token) == 1
        return token.text in _PARTS_OF_A_FILE or (allow_let and token.text == "let")

    def _begins_statement(self, index: int) -> bool:
        token = self.tokens[index]
        return token.kind == WORD and token.text in complaints.STATEMENT_WORDS

    def _column(self, token: RawToken) -> int:
        return self.report.source.position(token.start)[1]

    def _give_up(self) -> None:
        token = self.tokens[self.index]
        del self.automaton.states[1:], self.automaton.values[:]
        self.index = len(self.tokens) - 1
        self.open.clear()
        self._take_error(token.start, self.tokens[self.index].start)


def _without_idle_newlines(tokens: list[RawToken]) -> list[RawToken]:
    """Newlines before `else` and `{` end nothing."""
    kept: list[RawToken] = []
    for token in tokens:
        if token.kind == "LBRACE" or token.text == "else":
            while kept and kept[-1].kind == "NL":  # two and more with comments between them
                kept.pop()
        kept.append(token)
    return kept
