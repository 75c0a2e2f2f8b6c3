"""Names: agents, calls, variables, signals, labels, tables, measurements, and the words of settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sipflow.ir import measurements
from sipflow.lang.files import FileProblem
from sipflow.lang.symbols import Symbol, SymbolKind
from sipflow.lang.syntax import Node, Token
from sipflow.lsp.analysis import Document, text_of
from sipflow.lsp.completion import required
from sipflow.lsp.completion.suggestion import Kind, Suggestion
from sipflow.lsp.completion.words import TARGET_WORDS
from sipflow.lsp.knowledge import FUNCTIONS, KIND_WORDS, MESSAGE_WORDS, WORDS
from sipflow.lsp.place import Place

_CALL_WORDS = ("RELEASE", "HOLD", "RESUME", "REKEY", "MUTE", "UNMUTE", "TRANSFER")
_WORD_SETTINGS = {
    "LISTEN": "listen",
    "SRTP": "srtp",
    "VIA": "via",
    "ARRIVALS": "arrivals",
    "RELIABLE": "provisional",
    "REFRESHER": "refresher",
    "BY": "hold_style",
    "ALGORITHM": "algorithm",
    "QOP": "qop",
}
_METHODS = ("INVITE", "BYE", "OPTIONS", "INFO", "MESSAGE", "NOTIFY", "SUBSCRIBE", "PRACK", "UPDATE", "PUBLISH", "REFER")


def names(document: Document, offset: int, place: Place) -> Iterator[Suggestion]:
    """What has a name and fits at a place."""
    if "NAME" not in place.accepted:
        return
    last = place.last
    if last is None:
        yield from _definitions(document, place)
    elif last.kind == "DOT":
        yield from _dotted(document, offset, place)
    elif last.kind == "CODECS" or (last.kind == "COMMA" and place.inside("CODECS")):
        yield from _unlisted("codecs", "CODECS", place)
    elif place.inside("SRTP") and last.kind in ("NAME", "COMMA"):
        yield from _unlisted("suites", "SRTP", place)
    elif last.kind in _WORD_SETTINGS or (last.kind == "DTMF" and not _takes_value(place)):
        yield from _words(_WORD_SETTINGS.get(last.kind, "dtmf_mode"))
    else:
        yield from _by_keyword(document, offset, place, last)


def _by_keyword(document: Document, offset: int, place: Place, last: Token) -> Iterator[Suggestion]:
    scope = document.scope_at(offset)
    if last.kind == "ON" and not place.inside("LBRACE", "COLON"):
        yield from _symbols(document, SymbolKind.AGENT, "", Kind.Class)
    elif last.kind in ("ON", *_CALL_WORDS) or _stops(place):
        yield from _symbols(document, SymbolKind.CALL, scope, Kind.Variable)
    elif last.kind in ("SIGNAL", "AWAIT"):
        yield from _symbols(document, SymbolKind.SIGNAL, "", Kind.Event)
    elif last.kind == "GOTO" or (last.kind == "AT" and place.inside("RECOVER")):
        yield from _symbols(document, SymbolKind.LABEL, scope, Kind.Reference)
    elif last.kind == "REQUEST" or (last.kind == "TO" and place.inside("RESPOND")):
        yield from (Suggestion(method, Kind.EnumMember, rank=1) for method in _METHODS)
    elif last.kind in TARGET_WORDS and not place.inside("RAMP", "DATA", "PLAY"):
        yield from _targets(document, scope, place)
    elif _takes_value(place):
        yield from _values(document, scope, place)
    else:
        yield from _definitions(document, place)


def _stops(place: Place) -> bool:
    two = [token.kind for _, token in zip(range(2), place.tokens(), strict=False)]
    return len(two) == 2 and two[0] in ("PLAY", "RECORD") and two[1] == "STOP"


def _takes_value(place: Place) -> bool:
    return {"STRING", "NUMBER"} <= place.accepted


def _symbols(document: Document, kind: SymbolKind, scope: str | None, icon: Kind) -> Iterator[Suggestion]:
    for name in sorted({symbol.name for symbol in document.symbols.declared(kind, scope)}):
        yield Suggestion(name, icon, kind.value, rank=1)


def _definitions(document: Document, place: Place) -> Iterator[Suggestion]:
    """Calls of definitions, where a statement may begin."""
    if "ANSWER" not in place.accepted:
        return
    for symbol in document.symbols.declared(SymbolKind.DEFINITION):
        parameters = parameters_of(document, symbol)
        fields = ", ".join(f"${{{number}:{name}}}" for number, name in enumerate(parameters, 1))
        detail = f"{symbol.name}({', '.join(parameters)})"
        yield Suggestion(symbol.name, Kind.Function, detail, snippet=f"{symbol.name}({fields})", rank=2)


def parameters_of(document: Document, definition: Symbol) -> list[str]:
    """Names of a definition's parameters, in order."""
    scope = f"define {definition.name}"
    found = [
        (occurrence.span, occurrence.symbol.name)
        for occurrence in document.symbols.occurrences.values()
        if occurrence.declares and occurrence.symbol.kind is SymbolKind.PARAMETER and occurrence.symbol.scope == scope
    ]
    return [name for _, name in sorted(found)]


def _targets(document: Document, scope: str, place: Place) -> Iterator[Suggestion]:
    yield from _symbols(document, SymbolKind.AGENT, "", Kind.Class)
    if place.inside("TRANSFER"):
        yield from _symbols(document, SymbolKind.CALL, scope, Kind.Variable)
    yield from _variables(document, scope)


def _variables(document: Document, scope: str) -> Iterator[Suggestion]:
    yield from _symbols(document, SymbolKind.VARIABLE, "", Kind.Variable)
    if scope:
        yield from _symbols(document, SymbolKind.VARIABLE, scope, Kind.Variable)
        yield from _symbols(document, SymbolKind.PARAMETER, scope, Kind.TypeParameter)


def _values(document: Document, scope: str, place: Place) -> Iterator[Suggestion]:
    yield from _variables(document, scope)
    for table in _symbols(document, SymbolKind.TABLE, "", Kind.Struct):
        yield Suggestion(table.label, Kind.Struct, "table", snippet=f"{table.label}.", rank=1, again=True)
    for name in FUNCTIONS:
        if name.isalpha() and (name not in ("header", "part") or place.inside("WHERE")):
            yield Suggestion(name, Kind.Function, "function", f"function:{name}", f"{name}(${{1}})", rank=4)
    if place.inside("WHERE"):
        yield from (Suggestion(word, Kind.Field, "of the message", f"message:{word}", rank=1) for word in MESSAGE_WORDS)
    elif place.inside("REQUIRE"):
        yield from required.groups()
    elif scope:
        for group in measurements.GROUPS:
            yield Suggestion(group, Kind.Module, "measurements", snippet=f"{group}.", rank=3, again=True)
        for call in _symbols(document, SymbolKind.CALL, scope, Kind.Variable):
            yield Suggestion(call.label, Kind.Variable, "call", snippet=f"{call.label}.", rank=3, again=True)


# --- behind a dot --------------------------------------------------------------------------------------------------


def _dotted(document: Document, offset: int, place: Place) -> Iterator[Suggestion]:
    heads = _heads(place)
    first, last = heads[0], heads[-1]
    if first.kind == "ENV":
        return (yield from ())
    if place.inside("REQUIRE"):
        yield from required.behind([head.text for head in heads])
    elif last.text in measurements.GROUPS:
        yield from _measured(last.text)
    elif len(heads) == 1 and first.text in _tables(document):
        yield from (Suggestion(name, Kind.Field, "column", rank=1) for name in columns(document, first.text))
    elif len(heads) == 1 and _is_call(document, document.scope_at(offset), first.text):
        yield from (Suggestion(group, Kind.Module, "measurements", snippet=f"{group}.", again=True)
                    for group in measurements.GROUPS)  # fmt: skip


def _heads(place: Place) -> list[Token]:
    """The tokens of a dotted name that the cursor stands behind, in order."""
    heads: list[Token] = []
    previous = ""
    for token in place.tokens():
        if token.kind != "DOT" and previous != "DOT":
            break
        if token.kind != "DOT":
            heads.insert(0, token)
        previous = token.kind
    return heads or [Token("NAME", "", 0)]


def environment(place: Place, known: Iterable[str]) -> Iterator[Suggestion]:
    """Names of environment variables behind `env.`; never their values."""
    last = place.last
    if last is not None and last.kind == "DOT" and _heads(place)[0].kind == "ENV":
        yield from (Suggestion(name, Kind.Constant, "environment variable", rank=1) for name in known)


def _measured(group: str) -> Iterator[Suggestion]:
    for name, kind in measurements.GROUPS[group].items():
        yield Suggestion(name, Kind.Property, KIND_WORDS[kind], f"measurement:{group}.{name}", rank=1)
    if group == "sip":
        yield Suggestion("header", Kind.Function, "text", "function:sip.header", 'header("${1:X-Id}")', rank=1)


def _is_call(document: Document, scope: str, name: str) -> bool:
    return any(symbol.name == name for symbol in document.symbols.declared(SymbolKind.CALL, scope))


def _tables(document: Document) -> set[str]:
    own = {text_of(node) for node in document.root.nodes("data")}
    return own | {symbol.name for symbol in document.symbols.declared(SymbolKind.TABLE)}


def columns(document: Document, table: str) -> list[str]:
    """Names of a table's columns: those of its file, else those that the program speaks of."""
    for node in document.root.nodes("data"):
        found = table_file(document, node)
        if text_of(node) == table and found is not None:
            return list(found)
    return sorted({symbol.name for symbol in document.symbols.declared(SymbolKind.COLUMN, table)})


def table_file(document: Document, node: Node) -> tuple[str, ...] | None:
    """Columns of the file that a `data` node names; None when that cannot be read."""
    token = node.token("STRING", "RAW")
    found = None if token is None else document.files.table(token.text.strip('"'))
    return None if found is None or isinstance(found, FileProblem) else found.columns


# --- words of settings ---------------------------------------------------------------------------------------------


def _words(rule: str) -> Iterator[Suggestion]:
    for word, entry in WORDS[rule].items():
        yield Suggestion(word, Kind.EnumMember, entry.text.rstrip("."), f"word:{rule}/{word}", rank=1)


def _unlisted(rule: str, begins: str, place: Place) -> Iterator[Suggestion]:
    """Words that a list does not have yet."""
    listed = set()
    for token in place.tokens():
        if token.kind == begins:
            break
        listed.add(token.text.lower())
    yield from (word for word in _words(rule) if word.label.lower() not in listed)
