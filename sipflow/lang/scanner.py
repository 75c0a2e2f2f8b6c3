"""Text to tokens. Words stay words here: which of them are keywords depends on the place, so the parser says it."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from sipflow.lang.diagnostics import Reporter, replace
from sipflow.lang.syntax import Token
from sipflow.lang.tables import END, load_tables
from sipflow.values import dataclass

MAX_TOKENS = 30_000
MAX_TOKEN_CHARACTERS = 64 * 1024
_LIMITS = {"NUMBER": ("number", 18), "QUANTITY": ("number", 18), "REGEX": ("regular expression", 1000)}
WORD = "WORD"
SIGN = "SIGN"

REGEX_FOLLOWS = frozenset(
    [
        "matches",
        "matching",
        "contains",
        "dtmf",
        "not",
        "and",
        "or",
        "check",
        "where",
        "if",
        "while",
        "log",
        "fail",
        "let",
        "in",
        "with",
    ]
)
"""Words after which `/` begins a regular expression; after any other word it divides."""
_OPERANDS = frozenset(("NUMBER", "QUANTITY", "STRING", "RAW", "RPAR"))


class RawToken(NamedTuple):
    """A token before the parser knows whether its word is a keyword."""

    kind: str
    text: str
    start: int
    after_newline: bool
    """Whether it is the first of its line."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What the scanner found; `tokens` ends with `$END`."""

    tokens: list[RawToken]
    comments: tuple[Token, ...]
    unclosed_raw: bool
    """Whether a raw string never ends: then most of what else seems wrong follows from that."""
    too_long: bool
    """Whether the scanner stopped before the end: there is no point in parsing that."""


@cache
def _scanner() -> re.Pattern[str]:
    tables = load_tables()
    named = [
        *((kind, tables.patterns[kind]) for kind in ("NL", "SEMI", "COMMENT", "BLANK", "RAW")),
        ("OPEN_RAW", r'"""[\s\S]*'),
        ("STRING", tables.patterns["STRING"]),
        ("OPEN_STRING", r'"(?:[^"\\\n]|\\[^\n])*+\\?'),
        *((kind, tables.patterns[kind]) for kind in ("QUANTITY", "NUMBER")),
        (WORD, r"[^\W\d]\w*"),
        ("REGEX", tables.patterns["REGEX"]),
    ]
    named.append((SIGN, "|".join(map(re.escape, sorted(tables.signs, key=len, reverse=True)))))
    named.append(("BAD", r'[^\s\w"#{}();:,=.+*/<>!-]+|[\s\S]'))
    return re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in named))


def scan(text: str, report: Reporter, start: int = 0, end: int | None = None) -> Scan:
    """Tokens of `text` from `start` to before `end`; what is no token is reported and left out."""
    return _Scanner(report).run(text, start, len(text) if end is None else end)


class _Scanner:
    def __init__(self, report: Reporter) -> None:
        self.report = report
        self.tokens: list[RawToken] = []
        self.comments: list[Token] = []
        self.after_newline = True
        self.unclosed_raw = False
        self.bad_line = 0
        """The latest line on which a sign without meaning stood: one complaint a line is enough."""

    def run(self, text: str, start: int, end: int) -> Scan:
        match, signs = _scanner().match, load_tables().signs
        position = start
        while position < end:
            found = match(text, position, end)
            assert found is not None, "the last alternative takes any character"
            kind = found.lastgroup or "BAD"
            if kind == "REGEX" and not self._regex_may_start():
                self._add("SLASH", "/", position)
                position += 1
                continue
            taken = found.group()
            self._take(signs[taken] if kind == SIGN else kind, taken, position)
            position = found.end()
            if len(self.tokens) > MAX_TOKENS:
                self._too_long(position)
                return self._result(position, too_long=True)
        return self._result(position, too_long=False)

    def _result(self, position: int, too_long: bool) -> Scan:
        self.tokens.append(RawToken(END, "", position, self.after_newline))
        return Scan(self.tokens, tuple(self.comments), self.unclosed_raw, too_long)

    def _take(self, kind: str, text: str, start: int) -> None:
        if kind == "BLANK":
            return
        if kind == "COMMENT":
            self.comments.append(Token(kind, text, start))
        elif kind in _REPAIRS:
            _REPAIRS[kind](self, text, start)
        else:
            self._check_length(kind, text, start)
            self._add(kind, text, start)

    def _add(self, kind: str, text: str, start: int) -> None:
        self.tokens.append(RawToken(kind, text, start, self.after_newline))
        self.after_newline = kind == "NL"

    def _regex_may_start(self) -> bool:
        if not self.tokens:
            return True
        last = self.tokens[-1]
        return last.text in REGEX_FOLLOWS if last.kind == WORD else last.kind not in _OPERANDS

    def _check_length(self, kind: str, text: str, start: int) -> None:
        what, limit = _LIMITS.get(kind, ("word or string", MAX_TOKEN_CHARACTERS))
        if len(text) > limit and kind not in ("NL", "SEMI"):
            where = self.report.source.span(start, start + len(text))
            self.report.error("SF106", f"this {what} is too long", where, f"more than {limit} characters")

    def _unclosed_string(self, text: str, start: int) -> None:
        body = text.rstrip(" \t\r")
        source = self.report.source
        end = source.span(start + len(body), start + len(body))
        self.report.error(
            "SF103",
            "this string has no end",
            source.span(start, start + len(body)),
            'a `"` is missing on this line',
            help='strings end on the line on which they begin; `"""` begins one of several lines',
            fix=replace(end, '"'),
        )
        self._add("STRING", body, start)

    def _unclosed_raw(self, text: str, start: int) -> None:
        self.unclosed_raw = True
        where = self.report.source.span(start, start + 3)
        self.report.error("SF104", "this raw string has no end", where, '`"""` is never closed')
        self._add("RAW", text, start)

    def _bad(self, text: str, start: int) -> None:
        where = self.report.source.span(start, start + len(text))
        if where.line == self.bad_line:
            return
        self.bad_line = where.line
        self.report.error("SF102", f"{_name_of(text)} has no meaning here", where, "not part of the language")

    def _too_long(self, position: int) -> None:
        where = self.report.source.span(position, position)
        label = f"here end the first {MAX_TOKENS} words"
        self.report.error("SF101", "this text is too long for a scenario", where, label)


_REPAIRS = {"OPEN_STRING": _Scanner._unclosed_string, "OPEN_RAW": _Scanner._unclosed_raw, "BAD": _Scanner._bad}


def _name_of(text: str) -> str:
    if text.isprintable() and len(text) <= 20:
        return f"`{text}`"
    return f"the character U+{ord(text[0]):04X}"
