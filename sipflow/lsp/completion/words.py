"""Keywords: which rule of the grammar a word begins at a place, and what is put in for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sipflow.lang.syntax import Node, Token
from sipflow.lang.tables import load_tables
from sipflow.lsp.completion.suggestion import Kind, Suggestion
from sipflow.lsp.knowledge import EVENT_WORDS, RULES, WORDS, Entry
from sipflow.lsp.place import Place

_STATEMENTS = {
    "send": ("send_dtmf", "send_request", "send_raw"),
    "stop": ("stop_play", "stop_record"),
    "clear": ("clear_impairment",),
    "pause": ("pause_record",),
    "break": ("break_loop",),
    "continue": ("continue_loop",),
    "await": ("await_signal",),
    "if": ("if_statement",),
    "while": ("while_statement",),
}
_PARTS = {"let": ("let_top",), "import": ("import_file",), "agent": ("agent", "remote_agent"), "on": ("lane",)}
_SETTINGS = {
    "register": ("register_every",),
    "dtmf": ("dtmf_mode",),
    "session": ("session_timer",),
    "hold": ("hold_style",),
}
_TLS = {
    **dict.fromkeys(("ca", "certificate", "key"), ("tls_file",)),
    "name": ("server_name",),
    "verify": ("verify_off",),
    "client": ("client_certificate",),
}
_REGISTRAR = {"record": ("record_route",), "minimum": ("least_expires",)}
_WITH = {
    "type": ("content_type",),
    "start": ("start_line",),
    "content": ("content_length",),
    "no": ("no_ack",),
    "late": ("late_offer",),
    **dict.fromkeys(("replace", "add"), ("header_edit",)),
    **dict.fromkeys(("remove", "double"), ("header_fault",)),
}
_MEDIA = {"jitter": ("jitter_buffer",), "rtcp": ("rtcp_mux", "rtcp_reduced", "rtcp_xr")}
_LOAD = {"hold": ("hold_rate",), "require": ("requirement",)}
_ARMS = {"timeout": ("timeout_arm",)}
_EVENTS = {
    **{word: (f"expect_{word}",) for word in ("call", "rejected", "dtmf", "silence", "tone", "heard", "response")},
    **_ARMS,
}
_CLAUSES = {
    "on": ("on_call",),
    "as": ("named",),
    "with": ("with_block",),
    "else": ("otherwise",),
    "loop": ("looped",),
    "for": ("lasting",),
    "from": ("starting",),
    "at": ("gain",),
    "in": ("background",),
    "gap": ("digit_gap",),
    "min": ("least_interval",),
    "score": ("least_score",),
    "pesq": ("least_pesq",),
    "country": ("tone_country",),
    "heard": ("check_heard",),
    **dict.fromkeys(("ringback", "busy", "congestion"), ("tone_name",)),
}
_Words = Mapping[str, tuple[str, ...]]
_CONTEXTS: tuple[tuple[str, _Words], ...] = (
    ("AGENT", _PARTS),
    ("ANSWER", _STATEMENTS),
    ("PTIME", _SETTINGS),
    ("CA", _TLS),
    ("MINIMUM", _REGISTRAR),
    ("BODY", _WITH),
    ("PORTS", _MEDIA),
    ("ARRIVALS", _LOAD),
    ("RINGING", _EVENTS),
)
"""A terminal that only one kind of place accepts, and the rules that words begin there, where they differ in name."""

_OPERATORS = frozenset(("and", "or", "matches", "contains"))
_CONDITIONS = ("CHECK", "WHERE", "IF", "WHILE", "REQUIRE")
_CLAUSE_WORDS = frozenset(("on", "within", "as", "with", "where"))
_ALL_CLAUSES = _CLAUSE_WORDS
_MAKES = frozenset(("as", "with", "within"))
_TAKES = {
    **dict.fromkeys(("CALL", "DIAL"), _MAKES),
    **dict.fromkeys(("ANSWER", "RING", "PROGRESS"), _MAKES | {"on"}),
    **dict.fromkeys(("REJECT", "REDIRECT", "RESPOND"), frozenset(("with", "on"))),
    **dict.fromkeys(
        ("RELEASE", "HOLD", "RESUME", "REKEY", "TRANSFER", "REGISTER", "UNREGISTER"), frozenset(("with", "within"))
    ),
    **dict.fromkeys(("AWAIT", "AWAIT_SIGNAL"), frozenset(("within",))),
    **dict.fromkeys(("SEND", "SEND_DTMF", "SEND_REQUEST"), frozenset(("on", "within"))),
    **dict.fromkeys(("EXPECT", "CHOOSE"), frozenset(("on", "within"))),
    **dict.fromkeys(("PLAY", "RECORD", "IMPAIR", "CLEAR", "CLEAR_IMPAIRMENT"), frozenset(("on",))),
    **dict.fromkeys(("STOP", "STOP_PLAY", "STOP_RECORD", "MUTE", "UNMUTE", "WAIT", "LOG", "LET"), frozenset[str]()),
    **dict.fromkeys(("FAIL", "END", "RECOVER", "LABEL", "GOTO", "BREAK", "CONTINUE"), frozenset[str]()),
    **dict.fromkeys(("SIGNAL", "CHECK"), frozenset[str]()),
}
"""The clauses that statements have a use for, by the first terminal, or by the rule of what is read."""
TARGET_WORDS = ("CALL", "DIAL", "REDIRECT", "TO", "FROM", "PROXY")
_MESSAGES = frozenset(("INFO", "MESSAGE", "OPTIONS", "REQUEST", "RESPONSE", "NOTIFY", "SUBSCRIBE", "UPDATE"))


def keywords(place: Place) -> Iterator[Suggestion]:
    """What the grammar's words offer."""
    context = next((table for mark, table in _CONTEXTS if mark in place.accepted), None)
    for word, terminal in load_tables().words.items():
        if terminal in place.accepted and _is_wanted(word, place):
            yield from _suggest(word, _rules(word, place, context), place)


def _is_wanted(word: str, place: Place) -> bool:
    """Operators belong into conditions; whoever is called is seldom the outcome of a calculation."""
    if word in _OPERATORS:
        return place.inside(*_CONDITIONS)
    if word in ("not", "true", "false"):
        return place.inside(*_CONDITIONS, "EQUAL", "LPAR")
    if word in ("env", "secret"):
        return place.last is None or place.last.kind not in TARGET_WORDS
    if word in _CLAUSE_WORDS and "AGENT" not in place.accepted:
        return word in _clauses(place)
    return True


def _clauses(place: Place) -> frozenset[str]:
    """The clauses that the statement before the cursor has a use for."""
    things = list(place.open)
    start = max((index for index, thing in enumerate(things) if _begins(thing)), default=-1) + 1
    kinds = [thing.kind if isinstance(thing, Token) else thing.rule.upper() for thing in things[start:]]
    return _TAKES.get(kinds[0], _ALL_CLAUSES) | _event_clauses(things[start:]) if kinds else _ALL_CLAUSES


def _begins(thing: Node | Token) -> bool:
    """Whether a statement may begin behind it."""
    if isinstance(thing, Token):
        return thing.kind in ("LBRACE", "RBRACE", "COLON", "ELSE", "ARROW")
    return thing.rule in ("statement", "arm", "broken")


def _event_clauses(things: list[Node | Token]) -> frozenset[str]:
    """Calls and digits get names; messages are chosen by conditions."""
    words = {token.kind for thing in things for token in _tokens(thing)}
    named = {"as"} if words & {"CALL", "MATCHING"} and "EXPECT" in words else set()
    message = (words & _MESSAGES and "SEND" not in words) or {"EXPECT", "CALL"} <= words
    return frozenset(named | ({"where"} if message else set()))


def _tokens(thing: Node | Token) -> Iterator[Token]:
    if isinstance(thing, Token):
        yield thing
    else:
        for child in thing.children:
            yield from _tokens(child)


def _rules(word: str, place: Place, context: _Words | None) -> tuple[str, ...]:
    if context is not None:
        return () if context is _EVENTS and word in EVENT_WORDS else context.get(word, (word,))
    if place.inside("DATA") or (place.inside("CALL") and word == "from"):
        return ()
    if word == "tone" and place.inside("SEND"):
        return ("digit_tone",)
    if word == "dtmf":
        return ("dtmf_digits",) if place.inside("PLAY") else ("send_dtmf",)
    return _CLAUSES.get(word, (word,))


def _suggest(word: str, rules: tuple[str, ...], place: Place) -> Iterator[Suggestion]:
    known = [(rule, RULES[rule]) for rule in rules if rule in RULES]
    for rule, entry in known:
        yield _from_entry(word, entry, f"rule:{rule}", place)
    if not known:
        yield _plain_word(word, place)


def _plain_word(word: str, place: Place) -> Suggestion:
    if word in EVENT_WORDS:
        return _from_entry(word, EVENT_WORDS[word], f"event:{word}", place)
    for rule in ("method", "channels"):
        if word in WORDS[rule]:
            return _from_entry(word, WORDS[rule][word], f"word:{rule}/{word}", place)
    return Suggestion("in order" if word == "in" else word)


def _from_entry(word: str, entry: Entry, key: str, place: Place) -> Suggestion:
    snippet = entry.snippet
    if place.last is not None and snippet.startswith(f"{place.last.text} "):
        snippet = snippet.removeprefix(f"{place.last.text} ")
    kind = Kind.Snippet if "\n" in snippet else Kind.Keyword
    again = snippet.endswith((" $0", "."))
    return Suggestion(_label(word, entry, snippet), kind, _first_sentence(entry.text), key, snippet, again=again)


def _label(word: str, entry: Entry, snippet: str) -> str:
    """The words that both the syntax and the snippet begin with: `stop record`, `in background`."""
    syntax = entry.syntax[entry.syntax.find(word) :].split()
    same = [one for one, other in zip(syntax, snippet.split(), strict=False) if one == other and one.isalpha()]
    agree = all(one == other for one, other in zip(syntax[: len(same)], snippet.split(), strict=False))
    return " ".join(same) if same and same[0] == word and agree else word


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].split(": ")[0].rstrip(".")
