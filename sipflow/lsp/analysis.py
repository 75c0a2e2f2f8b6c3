"""A text with everything that is known of it: what the features of the editor are functions of."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sipflow.ir.span import Span
from sipflow.lang import compile_text
from sipflow.lang.compile import CompileResult
from sipflow.lang.diagnostics import Reporter
from sipflow.lang.literals import pieces
from sipflow.lang.parse import parse, parse_expression
from sipflow.lang.source import Source
from sipflow.lang.symbols import Occurrence, Symbols
from sipflow.lang.syntax import Node, Token
from sipflow.lsp.files import EditorFiles, FileMemory
from sipflow.lsp.positions import UTF16, Positions

DEBOUNCE_MS = 5
_SIGNS_OF_NO_INTEREST = frozenset(("SEMI", "NL", "COMMA", "LBRACE", "RBRACE", "LPAR", "RPAR", "COLON", "DOT", "ERROR"))


@dataclass(frozen=True)
class Document:
    """One text of the editor after it was compiled. It never changes: an edit makes another one."""

    name: str
    """Its path, or `<untitled:…>` for a text that has none: what spans call it."""
    text: str
    result: CompileResult
    files: EditorFiles
    encoding: str = UTF16
    version: int | None = None

    @cached_property
    def positions(self) -> Positions:
        """Its offsets as the editor says them."""
        return Positions(self.text, self.encoding)

    @property
    def symbols(self) -> Symbols:
        """What its names are."""
        return self.result.symbols

    @property
    def root(self) -> Node:
        """Its syntax."""
        return self.result.tree.root

    @cached_property
    def source(self) -> Source:
        """Its text with a name."""
        return Source(self.name, self.text)

    def positions_of(self, name: str) -> Positions | None:
        """Positions in one of the texts that it is made of; None for one that was not read."""
        if name == self.name:
            return self.positions
        source = self.result.sources.get(name)
        return None if source is None else Positions(source.text, self.encoding)

    def occurrence(self, offset: int) -> Occurrence | None:
        """What is named at a place."""
        return self.symbols.at(self.name, offset)

    @cached_property
    def own_occurrences(self) -> list[Occurrence]:
        """The names of this text, imported ones left out, in order."""
        own = (found for found in self.symbols.occurrences.values() if found.span.source == self.name)
        return sorted(own, key=lambda found: found.span.start)

    def root_of(self, name: str) -> Node | None:
        """Syntax of one of the texts that it is made of; None for one that was not read."""
        if name == self.name:
            return self.root
        source = self.result.sources.get(name)
        return None if source is None else parse(source.text, name).tree.root

    # --- syntax ----------------------------------------------------------------------------------------------------

    def path_to(self, offset: int) -> tuple[list[Node], Token | None]:
        """The nodes around a place, outermost first, and the token there; what stands in `${…}` is part of the path."""
        path, token = _descend(self.root, offset)
        if token is not None and token.kind == "STRING":
            inner = self._template(token, offset)
            if inner is not None:
                deeper, found = _descend(inner, offset)
                return [*path, *deeper], found or token
        return path, token

    def _template(self, string: Token, offset: int) -> Node | None:
        for piece in pieces(string.text[1:-1], string.start + 1):
            if piece.kind == "expression" and piece.start <= offset <= piece.end:
                return parse_expression(piece.start, piece.end, Reporter(self.source))
        return None

    def templates(self, string: Token) -> Iterator[Node]:
        """Syntax of the expressions in a string."""
        for piece in pieces(string.text[1:-1], string.start + 1):
            node = None
            if piece.kind == "expression":
                node = parse_expression(piece.start, piece.end, Reporter(self.source))
            if node is not None:
                yield node

    def scope_at(self, offset: int) -> str:
        """The scope of names at a place: the id of its lane, `define NAME`, or nothing at the top of the file."""
        return next((scope for node, scope in self.scopes if node.start <= offset <= node.end), "")

    @cached_property
    def scopes(self) -> list[tuple[Node, str]]:
        """The lanes and definitions of the text with the scopes that their names have."""
        counts: dict[str, int] = {}
        found: list[tuple[Node, str]] = []
        for node in self.root.nodes("lane", "define"):
            name = text_of(node)
            if node.rule == "define":
                found.append((node, f"define {name}"))
                continue
            counts[name] = counts.get(name, 0) + 1
            found.append((node, name if counts[name] == 1 else f"{name}#{counts[name]}"))
        return found

    def text_at(self, thing: Node | Token | Span) -> str:
        """What stands there."""
        return self.text[thing.start : thing.end]


def analyse(
    name: str,
    text: str,
    folder: Path | None = None,
    *,
    buffers: Mapping[str, str] | None = None,
    memory: FileMemory | None = None,
    settings: Settings | None = None,
    version: int | None = None,
) -> Document:
    """Compile a text as the editor sees it. Never raises, whatever the text is."""
    settings = settings or Settings()
    memory = memory or FileMemory()
    files = EditorFiles(folder or Path(), settings.media_dir, buffers or {}, memory)
    result = compile_text(text, name, files=files, variables=settings.variables, memory=memory.texts)
    return Document(name, text, result, files, settings.encoding, version)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user and the editor set for all texts."""

    encoding: str = UTF16
    media_dir: Path | None = None
    """Where audio is looked for besides the scenario's own folder, as `--media-dir`."""
    variables: tuple[str, ...] = ()
    """Names that `--var` gives values to."""
    debounce_ms: int = DEBOUNCE_MS
    """How long a text has to be still before it is compiled."""
    docs: str = ""
    """Address of the folder with the pages of the documentation, without a slash at its end; empty for none."""
    environment: tuple[str, ...] = field(default_factory=lambda: tuple(sorted(os.environ)))
    """Names of environment variables; their values are nobody's business."""


def text_of(node: Node) -> str:
    """The name that a construct gives; empty when it has none."""
    token = node.token("NAME")
    return "" if token is None else token.text


def nodes_at(root: Node, start: int) -> list[Node]:
    """The nodes around a place of any text, outermost first."""
    return _descend(root, start)[0]


def _descend(node: Node, offset: int) -> tuple[list[Node], Token | None]:
    path = [node]
    while True:
        child = _child_at(path[-1], offset)
        if not isinstance(child, Node):
            return path, child
        path.append(child)


def _child_at(node: Node, offset: int) -> Node | Token | None:
    """The child at a place. Between two that touch there the place belongs to the word, not to the sign."""
    touching = [child for child in node.children if child.start <= offset <= child.end and child.end > child.start]
    if len(touching) < 2:
        return touching[0] if touching else None
    return min(touching, key=lambda child: (_is_sign(child), child.start != offset))


def _is_sign(child: Node | Token) -> bool:
    return isinstance(child, Token) and child.kind in _SIGNS_OF_NO_INTEREST
