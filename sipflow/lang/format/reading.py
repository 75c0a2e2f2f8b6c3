"""Syntax tree and comments to items."""

from __future__ import annotations

from collections.abc import Sequence

from sipflow.lang.format.items import Block, Break, Cell, Comment, Item
from sipflow.lang.syntax import Node, Token, Tree

_GLUED_BEFORE = frozenset(("COMMA", "RPAR", "DOT", "RANGE"))
_GLUED_BEHIND = frozenset(("LPAR", "DOT", "RANGE"))
_CALLS = frozenset(("apply", "invoke", "define"))
"""Rules in which `(` stands right behind a name."""
_JOINED_BEHIND = frozenset(("ARROW", "EQUAL"))
"""Behind these a line need not have been broken."""
_COLUMNS = {"agent": 10, "tls": 12, "registrar": 8, "media": 7}
"""Where values of settings begin: two behind `register`, one behind `certificate`, `minimum` and `jitter`."""
_ALIGNED_AT = {("arm", "ARROW"), ("remote_agent", "EQUAL")}


def read_file(tree: Tree, text: str) -> Block:
    """The parts of a file."""
    return _Reader(tree, text).file(tree.root)


class _Reader:
    """Walks over the tokens in their order, and takes the comments that lie between them."""

    def __init__(self, tree: Tree, text: str) -> None:
        self.text = text
        self.comments = list(reversed(tree.comments))
        self.position = 0
        """Behind the last token or comment that was taken."""
        self.last_kind = ""
        self.glue = False
        """Whether the next token stands right behind the last."""

    def file(self, root: Node) -> Block:
        file = Block()
        self._entries(list(root.nodes()), file)
        self._comments_of(file, len(self.text) + 1)
        return file

    # --- what stands on lines of its own ---------------------------------------------------------------------------

    def _entries(self, nodes: Sequence[Node], block: Block) -> None:
        for node in nodes:
            self._comments_of(block, node.start)
            item = Item(node.rule, blank_before=self._blank_before(node.start, block))
            block.entries.append(item)
            self._walk(node, item)

    def _comments_of(self, block: Block, before: int) -> None:
        """Comments between two entries of a block: the first may stand at the end of the line above."""
        while self.comments and self.comments[-1].start < before:
            comment = self.comments[-1]
            blank, same_line = self._blank_before(comment.start, block), self._on_this_line(comment.start)
            text = self._take_comment()
            last = block.entries[-1] if block.entries else None
            if same_line and isinstance(last, Item):
                last.comment = text
            elif same_line and self.last_kind == "LBRACE" and last is None and not block.comment:
                block.comment = text
            else:
                block.entries.append(Comment(text, blank))

    def _take_comment(self) -> str:
        comment = self.comments.pop()
        self.position = comment.end
        return comment.text.rstrip()

    def _blank_before(self, start: int, block: Block) -> bool:
        return bool(block.entries) and self.text.count("\n", self.position, start) > 1

    def _on_this_line(self, start: int) -> bool:
        return "\n" not in self.text[self.position : start]

    # --- what stands on one line -----------------------------------------------------------------------------------

    def _walk(self, node: Node, item: Item) -> None:
        children = node.children
        index = 0
        while index < len(children):
            child = children[index]
            if isinstance(child, Node):
                self._walk(child, item)
            elif child.kind == "LBRACE":
                index = self._braces(node, index, item)
            elif child.kind == "COLON":
                self._colon(node, index, item)
                return
            else:
                self._token(child, node, item)
            index += 1

    def _token(self, token: Token, node: Node, item: Item) -> None:
        self._comments_inside(token, item)
        if (item.rule, token.kind) in _ALIGNED_AT and node.rule == item.rule:
            item.pieces.append(Cell())
        if self._is_kept_break(token, item):
            item.pieces.append(Break())
        self._write(token.text, self._is_glued(token, node), item)
        self._pass(token)
        self.glue = token.kind in _GLUED_BEHIND or (token.kind == "MINUS" and node.rule in ("negative", "ports"))

    def _pass(self, token: Token) -> None:
        self.position, self.last_kind = token.end, token.kind

    def _is_glued(self, token: Token, node: Node) -> bool:
        if token.kind == "LPAR":
            return self.glue or node.rule in _CALLS
        return self.glue or token.kind in _GLUED_BEFORE or (token.kind == "MINUS" and node.rule == "ports")

    def _write(self, text: str, glued: bool, item: Item) -> None:
        if item.pieces and isinstance(item.pieces[-1], str):
            item.pieces[-1] += text if glued else f" {text}"
        else:
            item.pieces.append(text)

    def _is_kept_break(self, token: Token, item: Item) -> bool:
        """Whether the line was broken before this token of a thing, and may be."""
        if not item.pieces or isinstance(item.pieces[-1], Break | Block):
            return False
        if token.kind == "ELSE" or self.last_kind in _JOINED_BEHIND:
            return False
        return not self._on_this_line(token.start)

    def _comments_inside(self, token: Token, item: Item) -> None:
        """Comments between two tokens of one thing end the line there."""
        while self.comments and self.comments[-1].start < token.start:
            own_line = not self._on_this_line(self.comments[-1].start)
            item.pieces.append(Break(self._take_comment(), own_line, deeper=token.kind != "ELSE"))

    # --- blocks ----------------------------------------------------------------------------------------------------

    def _braces(self, node: Node, index: int, item: Item) -> int:
        """The block that begins at a child; returns the index of its `}`."""
        opening = node.children[index]
        end = next(i for i in range(index, len(node.children)) if _is(node.children[i], "RBRACE"))
        closing = node.children[end]
        assert isinstance(opening, Token) and isinstance(closing, Token), "braces are tokens"
        if item.rule == node.rule == "agent":
            item.pieces.append(Cell())
        block = Block(column=_COLUMNS.get(node.rule, 0))
        block.one_line = "\n" not in self.text[opening.start : closing.end]
        self._comments_before(opening, block)
        self._entries([child for child in node.children[index:end] if isinstance(child, Node)], block)
        self._comments_of(block, closing.start)
        self._pass(closing)
        self.glue = False
        item.pieces.append(block)
        return end

    def _comments_before(self, opening: Token, block: Block) -> None:
        """Comments before a `{` move behind it."""
        while self.comments and self.comments[-1].start < opening.start:
            text = self._take_comment()
            block.one_line = False
            if block.comment or block.entries:
                block.entries.append(Comment(text))
            else:
                block.comment = text
        self._pass(opening)

    def _colon(self, node: Node, index: int, item: Item) -> None:
        """The statements of `on alice: …`."""
        colon = node.children[index]
        assert isinstance(colon, Token), "a colon is a token"
        block = Block(colon=True, one_line="\n" not in self.text[colon.start : node.end])
        self._pass(colon)
        self._entries([child for child in node.children[index:] if isinstance(child, Node)], block)
        item.pieces.append(block)


def _is(child: Node | Token, kind: str) -> bool:
    return isinstance(child, Token) and child.kind == kind
