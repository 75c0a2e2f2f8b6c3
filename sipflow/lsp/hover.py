"""What there is to read about the thing under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lsprotocol import types

from sipflow.ir.expr import Unit, format_duration, format_number
from sipflow.lang.diagnostics import Diagnostic
from sipflow.lang.files import FileProblem
from sipflow.lang.literals import quantity, split_quantity
from sipflow.lang.symbols import Occurrence, SymbolKind
from sipflow.lang.syntax import Node, Token
from sipflow.lsp.analysis import Document, nodes_at, text_of
from sipflow.lsp.completion.names import parameters_of, table_file
from sipflow.lsp.completion.paths import describe_audio
from sipflow.lsp.knowledge import (
    EVENT_WORDS,
    KIND_WORDS,
    MEASUREMENTS,
    RULES,
    UNIT_WORDS,
    WORDS,
    explain,
    explain_code_text,
    markdown,
)

_WORD_RULES = frozenset(WORDS)
_TRANSPARENT = frozenset(("statement", "block", "lane", "file", "literal", "name", "expression", "group", "arm"))
"""Rules that say nothing about the one word that a cursor is on."""
MAX_ROWS = 5
"""Rows of a table that are shown."""


def hover(document: Document, offset: int) -> types.Hover | None:
    """What is known of the place; None for a place that says nothing."""
    path, token = document.path_to(offset)
    if token is None:
        return None
    occurrence = document.occurrence(offset)
    parts = [_named(document, occurrence)] if occurrence is not None else [_written(document, path, token)]
    parts += [explain_code_text(found.code) for found in _diagnostics_at(document, offset)]
    text = "\n\n---\n\n".join(part for part in parts if part)
    if not text:
        return None
    where = document.positions.range(token.start, token.end)
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), where)


def _diagnostics_at(document: Document, offset: int) -> Iterator[Diagnostic]:
    for found in document.result.diagnostics:
        if found.span.source == document.name and found.span.start <= offset <= found.span.end:
            yield found


# --- names ---------------------------------------------------------------------------------------------------------


def _named(document: Document, occurrence: Occurrence) -> str:
    symbol = occurrence.symbol
    describe = _SYMBOLS.get(symbol.kind)
    known = describe(document, occurrence) if describe is not None else ""
    return known or f"{symbol.kind.value} `{symbol.name}`"


def _declaring_nodes(document: Document, occurrence: Occurrence) -> list[Node]:
    """The nodes around the declaration of what is named, outermost first."""
    declared = document.symbols.declaration(occurrence.symbol)
    root = None if declared is None else document.root_of(declared.span.source)
    return [] if declared is None or root is None else nodes_at(root, declared.span.start)


def _text(document: Document, occurrence: Occurrence, node: Node) -> str:
    declared = document.symbols.declaration(occurrence.symbol)
    name = document.name if declared is None else declared.span.source
    source = document.text if name == document.name else document.result.sources[name].text
    return source[node.start : node.end]


_DEFAULTS = {
    "number": "its name",
    "listen": "udp, on the loopback address, at a free port",
    "codecs": "pcmu, pcma",
    "ptime": "20ms",
    "dtmf": "rfc4733",
    "srtp": "off",
    "provisional": "reliable supported",
    "session": "timer off",
    "hold": "by direction",
}
"""What an agent has that does not say otherwise."""


def _agent(document: Document, occurrence: Occurrence) -> str:
    nodes = _declaring_nodes(document, occurrence)
    node = next((node for node in reversed(nodes) if node.rule in ("agent", "remote_agent")), None)
    name = occurrence.symbol.name
    if node is not None and node.rule == "remote_agent":
        return f"```sflow\n{_text(document, occurrence, node)}\n```\n\nRemote: sipflow does not play this agent."
    written = {} if node is None else _settings(document, occurrence, node)
    rows = [*written.items(), *((word, value) for word, value in _DEFAULTS.items() if word not in written)]
    table = "\n".join(f"| {word} | {_cell(value)} |{'' if word in written else ' default |'}" for word, value in rows)
    return f"agent `{name}`\n\n| setting | value | |\n|---|---|---|\n{table}"


def _settings(document: Document, occurrence: Occurrence, node: Node) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in node.nodes():
        word = item.children[0]
        if isinstance(word, Token) and word.kind != "ERROR":
            text = _text(document, occurrence, item).removeprefix(word.text).strip()
            found[word.text] = f"{found[word.text]}, {text}" if word.text in found else text
    return found


def _cell(text: str) -> str:
    return f"`{' '.join(text.split())}`".replace("|", "\\|")


def _variable(document: Document, occurrence: Occurrence) -> str:
    nodes = _declaring_nodes(document, occurrence)
    if not nodes:
        return ""
    inner = nodes[-1]
    if inner.rule in ("let", "let_top"):
        return f"```sflow\n{_text(document, occurrence, inner)}\n```"
    statement = next((node for node in reversed(nodes) if node.rule in ("statement", "arm")), inner)
    return f"variable `{occurrence.symbol.name}`\n\n```sflow\n{_text(document, occurrence, statement)}\n```"


def _definition(document: Document, occurrence: Occurrence) -> str:
    parameters = ", ".join(parameters_of(document, occurrence.symbol))
    uses = sum(not found.declares for found in document.symbols.of(occurrence.symbol))
    return f"```sflow\ndefine {occurrence.symbol.name}({parameters})\n```\n\nUsed {_times(uses)}."


def _times(number: int) -> str:
    return {0: "nowhere", 1: "once", 2: "twice"}.get(number, f"{number} times")


def _table(document: Document, occurrence: Occurrence) -> str:
    nodes = _declaring_nodes(document, occurrence)
    node = next((node for node in reversed(nodes) if node.rule == "data"), None)
    return "" if node is None else _table_file(document, node)


def _table_file(document: Document, node: Node) -> str:
    token = node.token("STRING", "RAW")
    info = None if token is None else document.files.table(token.text.strip('"'))
    if info is None or isinstance(info, FileProblem):
        return "" if info is None else info.message
    columns = ", ".join(f"`{name}`" for name in table_file(document, node) or ())
    return f"table `{text_of(node)}`: {info.rows} rows of {columns}\n\n{info.path}"


def _place(document: Document, occurrence: Occurrence) -> str:
    """Names that are places: where they are, and how often somebody speaks of them."""
    uses = sum(not found.declares for found in document.symbols.of(occurrence.symbol))
    declared = document.symbols.declaration(occurrence.symbol)
    where = "" if declared is None else f", line {declared.span.line}"
    return f"{occurrence.symbol.kind.value} `{occurrence.symbol.name}`{where}\n\nNamed {_times(uses)} elsewhere."


def _call(document: Document, occurrence: Occurrence) -> str:
    nodes = _declaring_nodes(document, occurrence)
    statement = next((node for node in reversed(nodes) if node.rule in ("statement", "arm")), None)
    begins = "" if statement is None else f"\n\n```sflow\n{_text(document, occurrence, statement)}\n```"
    return f"call `{occurrence.symbol.name}`{begins}"


_SYMBOLS: dict[SymbolKind, Callable[[Document, Occurrence], str]] = {
    SymbolKind.AGENT: _agent,
    SymbolKind.CALL: _call,
    SymbolKind.VARIABLE: _variable,
    SymbolKind.DEFINITION: _definition,
    SymbolKind.TABLE: _table,
    SymbolKind.LABEL: _place,
    SymbolKind.SIGNAL: _place,
}


# --- words and literals --------------------------------------------------------------------------------------------


def _written(document: Document, path: list[Node], token: Token) -> str:
    node = path[-1]
    if token.kind == "QUANTITY":
        return _quantity(token)
    if token.kind in ("STRING", "RAW"):
        return _string(document, path, token)
    if token.kind == "NAME":
        return _name(path, token)
    if not token.text.isalpha():
        return ""
    return _keyword(node, token)


def _keyword(node: Node, token: Token) -> str:
    if node.rule == "expect_simple" or (node.rule == "expect_request" and token.text in EVENT_WORDS):
        return explain(f"event:{token.text}")
    if node.rule in _WORD_RULES and token.text in WORDS[node.rule]:
        return explain(f"word:{node.rule}/{token.text}")
    if token.kind == "ELSE":
        return markdown(RULES["otherwise"])
    return "" if node.rule in _TRANSPARENT - {"lane"} else markdown(RULES[node.rule])


def _name(path: list[Node], token: Token) -> str:
    node = path[-1]
    if node.rule in _WORD_RULES:
        return explain(f"word:{node.rule}/{token.text.lower()}")
    if node.rule == "env":
        return f"{markdown(RULES['env'])}"
    words = [part.text for part in node.tokens("NAME")]
    if len(path) > 1 and path[-2].rule == "apply":
        return explain(f"function:{'.'.join(words[-2:])}") or explain(f"function:{words[-1]}")
    measured = ".".join(words[-2:])
    return _measurement(measured) if measured in MEASUREMENTS else explain(f"message:{words[-1]}")


def _measurement(name: str) -> str:
    from sipflow.ir import measurements

    group, _, word = name.partition(".")
    kind = measurements.GROUPS[group][word]
    unit = f" in {kind.value}" if isinstance(kind, Unit) else ""
    return f"`{name}`: {KIND_WORDS[kind]}{unit}\n\n{MEASUREMENTS[name]}"


def _quantity(token: Token) -> str:
    number, unit = split_quantity(token.text)
    value = quantity(number, unit)
    if value is None:
        return ""
    meaning = UNIT_WORDS[unit].text
    if value.unit is Unit.MILLISECOND:
        long = f"{format_number(value.value)} ms, {format_number(value.value / 1000)} s, {format_duration(value.value)}"
        return f"`{token.text}`: {long}\n\n{meaning}"
    return f"`{token.text}`: {value}\n\n{meaning}"


def _string(document: Document, path: list[Node], token: Token) -> str:
    rules = [node.rule for node in path]
    name = token.text.strip('"')
    if "data" in rules:
        return _table_file(document, path[-1])
    if not any(rule in rules for rule in ("play", "expect_heard", "check_heard")) or "${" in name:
        return ""
    info = document.files.probe(name)
    if isinstance(info, FileProblem):
        return info.message
    return f"`{name}`: {describe_audio(info)}\n\n{info.path}"
