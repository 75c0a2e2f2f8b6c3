"""What the parser says about a token that does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sipflow.ir.span import Span
from sipflow.lang import habits, hints
from sipflow.lang.diagnostics import Label, closest, replace
from sipflow.lang.scanner import WORD, RawToken
from sipflow.lang.tables import END

if TYPE_CHECKING:
    from sipflow.lang.driver import Closed, Driver, Open

Complaint = Callable[..., None]

STATEMENT_WORDS = frozenset(
    (
        *("answer", "await", "break", "call", "check", "choose", "clear", "continue", "dial", "end", "expect", "fail"),
        *("goto", "hold", "if", "impair", "label", "let", "log", "mute", "play", "progress", "record", "recover"),
        *("redirect", "register"),
        *("reject", "release", "repeat", "resume", "ring", "send", "signal", "stop", "transfer", "unmute"),
        *("unregister", "wait", "while"),
    )
)
"""Words with which a statement begins."""

SETTING_WORDS = frozenset(("number", "uri", "listen", "proxy", "auth", "codecs", "ptime", "srtp", "header", "media"))
"""Words with which settings of agents begin, and no statement does."""


def misspelt(driver: Driver, token: RawToken, meant: str) -> None:
    """A word that is nearly a keyword."""
    what = _kind_of_word(driver)
    where = _span(driver, token)
    driver.report.error(
        "SF111",
        f"unknown {what} `{_short(token.text)}`",
        where,
        f"no {what} has this name" if what != "word" else "not known here",
        help=f"did you mean `{meant}`?",
        fix=replace(where, meant),
    )


def missing_sign(driver: Driver, token: RawToken, kind: str) -> None:
    """A sign that has to stand before this token."""
    sign = driver.tables.spelling[kind]
    end = _behind_last(driver)
    if kind == "SEMI":
        title = "end the statement with a new line or `;`"
        message = f"`{_short(token.text)}` begins another statement"
    else:
        title = f"put `{sign}` in"
        message = f"a `{sign}` is missing before {found(driver, token)}"
    on_next_line = token.after_newline or token.kind == "NL"
    where, label = (
        (end, f"`{sign}` expected here") if on_next_line else (_span(driver, token), f"`{sign}` expected before this")
    )
    secondary = _opened(driver) if kind == "RPAR" else ()
    driver.report.error("SF113", message, where, label, secondary=secondary, fix=replace(end, sign, title))


def _behind_last(driver: Driver) -> Span:
    """The place behind the last token that is more than a line end."""
    index = driver.index - 1
    while driver.tokens[index].kind == "NL":
        index -= 1
    last = driver.tokens[index]
    return driver.report.source.span(last.start + len(last.text), last.start + len(last.text))


def _opened(driver: Driver) -> tuple[Label, ...]:
    start = driver.open[-1].start if driver.open else 0
    return (Label(driver.report.source.span(start, start + 1), "opened here"),) if driver.open else ()


def unclosed_block(driver: Driver, token: RawToken, brace: Open) -> None:
    """A block that goes on into the next part of the file, or past its end."""
    span = driver.report.source.span
    if driver.wrongly_closed is not None:
        _closed_by_another(driver, driver.wrongly_closed)
        return
    opened = span(brace.start, brace.start + 1)
    ends = "the file ends" if token.kind == END else f"`{token.text}` begins a new part of the file"
    driver.report.error(
        "SF112",
        f"a `}}` is missing: {ends} inside a block",
        _span(driver, token),
        "a `}` has to come before this",
        secondary=(Label(opened, "this block is not closed"),),
    )


def unclosed_inner_block(driver: Driver, token: RawToken, brace: Open) -> None:
    """A block of settings or arms that goes on into the statements behind it."""
    span = driver.report.source.span
    driver.report.error(
        "SF112",
        f"a `}}` is missing: `{_short(token.text)}` does not belong into this block",
        span(brace.start, brace.start + 1),
        "this block is not closed",
        secondary=(Label(_span(driver, token), "a `}` has to come before this"),),
        fix=replace(_behind_last(driver), " }", "put `}` in"),
    )


def _closed_by_another(driver: Driver, closed: Closed) -> None:
    """Indentation tells which block has no `}` of its own."""
    span = driver.report.source.span
    driver.report.error(
        "SF112",
        "a `}` is missing: this block has none of its own",
        span(closed.start, closed.start + 1),
        "this block is not closed",
        secondary=(Label(span(closed.end, closed.end + 1), "this `}` looks like that of the block around it"),),
    )


def too_deep(driver: Driver, token: RawToken) -> None:
    """More braces, parentheses or operators within each other than anyone needs."""
    driver.report.error("SF107", "this is nested too deeply", _span(driver, token), "the rest of the file was not read")


def unexpected(driver: Driver, token: RawToken) -> None:
    """Anything else."""
    expected = driver.automaton.expected()
    where = _span(driver, token)
    if token.kind == "RBRACE" and not driver.open:
        driver.report.error("SF114", "this `}` closes nothing", where, "no block is open here")
    elif "ON" in expected and "AGENT" in expected:
        _not_at_top(driver, token, where)
    elif "PTIME" in expected and token.text in STATEMENT_WORDS:
        _statement_among_settings(driver, token, where)
    elif {"PLAY", "ANSWER"} <= expected and token.text in SETTING_WORDS:
        _setting_among_statements(driver, token, where)
    elif {"PLAY", "ANSWER"} <= expected and token.kind == WORD:
        _unknown_statement(driver, token, where)
    elif "PTIME" in expected and token.text in driver.tables.words:
        _word_among_settings(driver, token, where, expected)
    else:
        wanted = _wanted(driver, expected)
        message = f"expected {wanted}, found {found(driver, token)}"
        opened = _opened(driver) if driver.open and driver.open[-1].kind == "LPAR" else ()
        driver.report.error("SF110", message, where, f"expected {wanted}", secondary=opened, **_hint(driver, token))


def _not_at_top(driver: Driver, token: RawToken, where: Span) -> None:
    if token.kind == WORD and token.text in STATEMENT_WORDS:
        message = f"`{token.text}` stands outside of a lane"
        help_text = "statements belong to an agent: `on alice: …` or `on alice { … }`"
        driver.report.error("SF115", message, where, "no agent would do this", help=help_text, secondary=_ended(driver))
        return
    message = f"{found(driver, token)} cannot begin a part of the file"
    parts = "`on` (a lane), `agent`, `scenario`, `timeout` or `let`"
    driver.report.error("SF116", message, where, "not a part of a file", help=f"a file is made of {parts}")


def _ended(driver: Driver) -> tuple[Label, ...]:
    """Where the block before ended: perhaps too early."""
    if driver.last_closed is None:
        return ()
    end = driver.last_closed.end
    return (Label(driver.report.source.span(end, end + 1), "the block before ended here"),)


def _statement_among_settings(driver: Driver, token: RawToken, where: Span) -> None:
    if driver.first_of_its_block():
        message = f"`{token.text}` is a statement, and this block declares an agent"
        help_text = "`on NAME { … }` says what an agent does, `agent NAME { … }` what it is"
        driver.report.error("SF115", message, where, "not a setting", help=help_text)


def _word_among_settings(driver: Driver, token: RawToken, where: Span, expected: set[str]) -> None:
    """A word of another block. Where the line that opens that one was lost, all of its words stand here: told once."""
    if not driver.first_of_its_block():
        return
    spelling, kind = driver.tables.spelling, driver.tables.words[token.text]
    blocks = [spelling[setting] for setting in expected if driver.automaton.accepts((setting, "LBRACE", kind))]
    wanted = _wanted(driver, expected)
    message = f"expected {wanted}, found {found(driver, token)}"
    more = _hint(driver, token)
    if not more and blocks:
        more = {"help": f"it belongs into the block of `{min(blocks)} {{ … }}`"}
    driver.report.error("SF110", message, where, f"expected {wanted}", **more)


def _setting_among_statements(driver: Driver, token: RawToken, where: Span) -> None:
    if driver.first_of_its_block():
        message = f"`{token.text}` is a setting of an agent, and this is a lane"
        help_text = "`agent NAME { … }` says what an agent is, `on NAME { … }` what it does"
        driver.report.error("SF111", message, where, "not a statement", help=help_text)


def _unknown_statement(driver: Driver, token: RawToken, where: Span) -> None:
    near = closest(token.text, habits.STATEMENTS, 0.75)
    more: dict[str, Any] = {}
    if token.text in habits.EXPLAINED:
        more = {"help": habits.EXPLAINED[token.text]}
    elif near is not None:
        meant = habits.STATEMENTS[near]
        more = {"help": f"did you mean `{meant}`?", "fix": replace(where, meant)}
    driver.report.error("SF111", f"unknown statement `{_short(token.text)}`", where, "no statement begins so", **more)


def found(driver: Driver, token: RawToken) -> str:
    """A token as a message names it."""
    names = {"NL": "the end of the line", END: "the end of the file", "STRING": "a string", "RAW": "a raw string"}
    if token.kind in names:
        return names[token.kind]
    if token.kind == "SEMI":
        return "`;`"
    return f"`{_short(token.text)}`"


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:29] + "…"


def _hint(driver: Driver, token: RawToken) -> dict[str, Any]:
    if token.kind == WORD and not token.text.isascii():
        return {"help": "names are made of the letters a-z and A-Z, digits and `_`"}
    meant = hints.hint(driver, token)
    return {} if meant is None else {"help": meant.text, "fix": meant.fix}


def _kind_of_word(driver: Driver) -> str:
    """What the words are that fit here."""
    accepts = driver.automaton.accepts
    for probe, name in (("AGENT", "part of the file"), ("PLAY", "statement"), ("PTIME", "setting")):
        if accepts((probe,)):
            return name
    if accepts(("RINGING",)):
        return "event"
    return "word"


def _wanted(driver: Driver, expected: set[str]) -> str:
    """The expected terminals in words."""
    spelling = driver.tables.spelling
    if {"PLAY", "ANSWER"} <= expected:
        return "a statement"
    if {"STRING", "LPAR", "NUMBER"} <= expected:
        return _wanted_value(driver)
    if "RINGING" in expected:
        return "an event such as `answered`, `hangup` or `dtmf`"
    if "PTIME" in expected:
        return "a setting such as `number` or `codecs`"
    expected = expected - _OPERATORS or expected
    words = sorted(f"`{spelling[kind]}`" for kind in expected if kind in spelling and spelling[kind].isalpha())
    if driver.last_kind == "REJECT":
        return "a status code such as `486`"
    if "SEMI" in expected and driver.last_kind not in ("LBRACE", "NL", "SEMI"):
        return "the end of the statement"
    signs = sorted(f"`{spelling[kind]}`" for kind in expected if kind in spelling and not spelling[kind].isalpha())
    others = [name for kind, name in _TERMINALS.items() if kind in expected]
    return _one_of([*others, *signs, *words])


_OPERATORS = frozenset(
    ("PLUS", "MINUS", "STAR", "SLASH", "EQ", "NE", "LT", "LE", "GT", "GE", "AND", "OR", "CONTAINS", "MATCHES")
)
"""What may stand behind any value, and is hardly ever what was meant to."""
_TERMINALS = {"NAME": "a name", "STRING": "a string", "NUMBER": "a number", "REGEX": "a regular expression `/…/`"}


def _wanted_value(driver: Driver) -> str:
    return _VALUES.get(driver.last_kind, "a value")


_VALUES = {
    **dict.fromkeys(("CALL", "DIAL", "REDIRECT", "TO"), "an agent's name or an address"),
    **dict.fromkeys(("WITHIN", "WAIT", "FOR", "TIMEOUT", "EVERY", "GAP"), "a duration such as `5s`"),
    **dict.fromkeys(("CHECK", "WHERE", "IF", "WHILE"), "a condition"),
}


def _one_of(names: list[str]) -> str:
    if not names:
        return "something else"
    if len(names) > 8:
        names = [*names[:8], "…"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _span(driver: Driver, token: RawToken) -> Span:
    """Where a token stands; the line's end for one that is no more than that."""
    if token.kind in ("NL", "SEMI", END):
        return driver.report.source.span(token.start, token.start + (token.kind == "SEMI"))
    return driver.report.source.span(token.start, token.start + len(token.text))
