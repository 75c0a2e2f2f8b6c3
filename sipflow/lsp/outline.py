"""The shape of a text: its symbols, what can be folded, what a selection grows to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types

from sipflow.lang.syntax import Node, Token
from sipflow.lsp.analysis import Document, text_of
from sipflow.lsp.navigation import UriOf

Kind = types.SymbolKind
_KINDS = {
    "scenario": Kind.Module,
    "agent": Kind.Class,
    "remote_agent": Kind.Interface,
    "lane": Kind.Method,
    "define": Kind.Function,
    "let_top": Kind.Constant,
    "let": Kind.Variable,
    "data": Kind.Struct,
    "import_file": Kind.Package,
    "load": Kind.Object,
    "label": Kind.Key,
    "named": Kind.Variable,
    "signal": Kind.Event,
    "choose": Kind.Enum,
}
_CONTAINERS = frozenset(("lane", "define"))
_INNER = frozenset(("let", "label", "named", "signal", "choose"))
_BLOCKS = frozenset(("block", "agent", "load", "choose", "with_block", "send_request", "media"))


def symbols(document: Document) -> list[types.DocumentSymbol]:
    """The parts of the text, with what lanes and definitions name in them."""
    return [_symbol(document, node) for node in document.root.nodes() if node.rule in _KINDS]


def _symbol(document: Document, node: Node) -> types.DocumentSymbol:
    name = _name_token(node)
    children = [_symbol(document, inner) for inner in _inner(node)] if node.rule in _CONTAINERS else []
    return types.DocumentSymbol(
        name=_title(document, node),
        detail=_detail(document, node),
        kind=_KINDS[node.rule],
        range=document.positions.range(node.start, node.end),
        selection_range=document.positions.range(name.start, name.end),
        children=children or None,
    )


def _name_token(node: Node) -> Token:
    token = node.token("STRING", "RAW") if node.rule in ("scenario", "import_file") else node.token("NAME")
    if token is None:
        token = next((child for child in node.children if isinstance(child, Token)), None)
    return token or Token("NAME", "", node.start)


def _title(document: Document, node: Node) -> str:
    text = document.text_at(_name_token(node)).strip('"') or node.rule
    prefix = {"lane": "on ", "label": "label ", "signal": "signal "}.get(node.rule, "")
    return f"{prefix}{text}"


def _detail(document: Document, node: Node) -> str | None:
    if node.rule == "define":
        names = [token.text for token in node.tokens("NAME")][1:]
        return f"({', '.join(names)})"
    if node.rule in ("let", "let_top", "remote_agent"):
        value = next(node.nodes(), None)
        return None if value is None else document.text_at(value)
    return None


def _inner(node: Node) -> Iterator[Node]:
    """What a lane names: each name once, where it comes first."""
    seen: set[tuple[str, str]] = set()
    for found in node.walk():
        key = (found.rule, text_of(found))
        if found.rule in _INNER and key not in seen:
            seen.add(key)
            yield found


def workspace_symbols(documents: Iterable[Document], query: str, uri_of: UriOf) -> list[types.WorkspaceSymbol]:
    """Parts of all texts whose names have the letters of `query`, in order."""
    found = []
    for document in documents:
        for symbol in symbols(document):
            if _is_like(symbol.name, query):
                location = types.Location(uri_of(document.name), symbol.selection_range)
                found.append(types.WorkspaceSymbol(location=location, name=symbol.name, kind=symbol.kind))
    return found


def _is_like(name: str, query: str) -> bool:
    letters = iter(name.lower())
    return all(char in letters for char in query.lower())


# --- folding -------------------------------------------------------------------------------------------------------


def folds(document: Document) -> list[types.FoldingRange]:
    """Blocks, runs of comments and runs of imports that go over more than one line."""
    found = [*_blocks(document), *_comments(document), *_imports(document)]
    return sorted(found, key=lambda fold: (fold.start_line, fold.end_line))


def _fold(
    document: Document, start: int, end: int, kind: types.FoldingRangeKind | None
) -> Iterator[types.FoldingRange]:
    first, last = document.positions.line(start), document.positions.line(end)
    if last > first:
        yield types.FoldingRange(start_line=first, end_line=last, kind=kind)


def _blocks(document: Document) -> Iterator[types.FoldingRange]:
    for node in document.root.walk():
        brace = node.token("LBRACE") if node.rule in _BLOCKS else None
        if brace is not None:
            for fold in _fold(document, brace.start, node.end, types.FoldingRangeKind.Region):
                fold.end_line -= fold.end_line > fold.start_line + 1  # the closing brace stays visible
                yield fold
        for raw in node.tokens("RAW"):
            yield from _fold(document, raw.start, raw.end, None)


def _comments(document: Document) -> Iterator[types.FoldingRange]:
    alone = [token for token in document.result.tree.comments if _stands_alone(document, token)]
    lines = [(document.positions.line(token.start), token.start, token.end) for token in alone]
    for start, end in _runs(lines):
        yield from _fold(document, start, end, types.FoldingRangeKind.Comment)


def _stands_alone(document: Document, token: Token) -> bool:
    return not document.text[document.positions.line_start(token.start) : token.start].strip()


def _imports(document: Document) -> Iterator[types.FoldingRange]:
    nodes = document.root.nodes("import_file")
    lines = [(document.positions.line(node.start), node.start, node.end) for node in nodes]
    for start, end in _runs(lines):
        yield from _fold(document, start, end, types.FoldingRangeKind.Imports)


def _runs(lines: list[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Stretches of neighbouring lines: line, start and end of each in, start and end of each stretch out."""
    run: list[tuple[int, int, int]] = []
    for line in lines:
        if run and line[0] != run[-1][0] + 1:
            yield run[0][1], run[-1][2]
            run = []
        run.append(line)
    if run:
        yield run[0][1], run[-1][2]


# --- selections ----------------------------------------------------------------------------------------------------


def selection(document: Document, offset: int) -> types.SelectionRange:
    """What a selection at a place grows to, step by step: the word, what it is part of, …, the whole text."""
    path, token = document.path_to(offset)
    stretches = [(0, len(document.text)), *((node.start, node.end) for node in path)]
    if token is not None:
        stretches.append((token.start, token.end))
    grown: types.SelectionRange | None = None
    last: tuple[int, int] | None = None
    for stretch in stretches:
        inside = last is None or (last[0] <= stretch[0] and stretch[1] <= last[1] and stretch != last)
        if inside and stretch[0] <= offset <= stretch[1]:
            grown = types.SelectionRange(document.positions.range(*stretch), grown)
            last = stretch
    return grown or types.SelectionRange(document.positions.range(offset, offset))
