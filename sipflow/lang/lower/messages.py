"""Items of `with { … }` and of `send … { … }`: what a message carries beyond the usual, and which rules it breaks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sipflow.ir.expr import Expr, Literal
from sipflow.ir.ops import Edit, HeaderField, With
from sipflow.lang.lower.codecs import read_codecs
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.expressions import ExpressionReader
from sipflow.lang.lower.kinds import require
from sipflow.lang.syntax import Node, Token

_TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"
"""RFC 3261 section 25.1: token."""
_MEDIA_TYPE = r"[\w.+-]+/[\w.+-]+(?:[ \t]*;[^\r\n]*)?"
"""Type, subtype and parameters (RFC 2045 section 5.1)."""
MAX_COPIES = 100

_ONCE = ("start_line", "cseq", "content_length", "copies", "no_ack", "late_offer")
"""Rules of edits that a block has once."""
_EDITS = ("header_edit", "header_fault", "part", *_ONCE)

OF_INVITES: Mapping[str, str] = {}
"""Edits that do not fit a statement which begins a call: none."""
OF_LATER_INVITES: Mapping[str, str] = {"late_offer": "its INVITE says what changes, in its offer"}
"""… which sends an INVITE in a call."""
OF_OTHERS: Mapping[str, str] = {"no_ack": "it sends no INVITE", "late_offer": "it sends no INVITE"}
"""… which sends none."""


def read_with(node: Node, reader: ExpressionReader, unfit: Mapping[str, str] = OF_OTHERS) -> With:
    """What the items of a `with` block, or of a `send` block, say; `unfit`: edits that mean nothing here, and why."""
    headers = tuple(read_header(header, reader) for header in node.nodes("header"))
    codecs_node = _single(node, "codecs", reader.context)
    return With(
        headers=headers,
        body=_value(node, "body", reader),
        content_type=_value(node, "content_type", reader),
        codecs=() if codecs_node is None else read_codecs(codecs_node, reader.context),
        edits=_read_edits(node, reader, unfit),
    )


def read_header(node: Node, reader: ExpressionReader) -> HeaderField:
    """A `header "NAME" = E`."""
    return _header_name(node, reader), reader.read(next(node.nodes()))


def _header_name(node: Node, reader: ExpressionReader) -> str:
    token = node.token("STRING", "RAW")
    assert token is not None, "the grammar has a string here"
    name = reader.string(token)
    text = str(getattr(name, "value", ""))
    if token.start not in reader.context.unreadable and not re.fullmatch(_TOKEN, text):
        where = reader.context.span(token)
        reader.context.report.error("SF216", "this is no name of a header", where, "letters, digits and `-`")
    return text


def _value(node: Node, rule: str, reader: ExpressionReader) -> Expr | None:
    item = _single(node, rule, reader.context)
    return None if item is None else reader.read(next(item.nodes()))


def _single(node: Node, rule: str, context: Context) -> Node | None:
    found = list(node.nodes(rule))
    for again in found[1:]:
        twice(context, again.start, again)
    return found[0] if found else None


def twice(context: Context, start: int, node: Node) -> None:
    """Report a setting that is given again."""
    word = node.children[0]
    text = word.text if isinstance(word, Token) else node.rule
    where = context.report.source.span(start, start + len(text))
    context.report.error("SF213", f"`{text}` is given twice", where, "one of them is too many")


# --- rules that are broken -----------------------------------------------------------------------------------------


def _read_edits(node: Node, reader: ExpressionReader, unfit: Mapping[str, str]) -> tuple[Edit, ...]:
    for rule in _ONCE:
        _single(node, rule, reader.context)
    found = [(item, _read_edit(item, reader)) for item in node.nodes(*_EDITS)]
    _check_headers(found, reader.context)
    for item, _ in found:
        if item.rule in unfit:
            _unfit(item, unfit[item.rule], reader.context)
    return tuple(edit for _, edit in found)


def _read_edit(item: Node, reader: ExpressionReader) -> Edit:
    word = item.children[0]
    assert isinstance(word, Token), "the grammar begins every edit with a word"
    if item.rule in ("header_edit", "header_fault"):
        value = next(item.nodes(), None)
        return Edit(word.kind.lower(), _header_name(item, reader), None if value is None else reader.read(value))
    if item.rule == "part":
        return Edit("part", _part_type(item, reader), reader.read(next(item.nodes())))
    if item.rule in ("no_ack", "late_offer"):
        return Edit(item.rule)
    value_of = _copies if item.rule == "copies" else _any_value
    return Edit(item.rule, value=value_of(item, reader))


def _part_type(item: Node, reader: ExpressionReader) -> str:
    token = item.token("STRING", "RAW")
    assert token is not None, "the grammar has a string here"
    text = str(getattr(reader.string(token), "value", ""))
    if token.start not in reader.context.unreadable and not re.fullmatch(_MEDIA_TYPE, text, re.ASCII):
        where = reader.context.span(token)
        label = 'type and subtype, as in `part "text/plain" "hello"`'
        reader.context.report.error("SF208", "this is no media type", where, label)
    return text


def _any_value(item: Node, reader: ExpressionReader) -> Expr:
    """Anything: what is broken on purpose need not be a number."""
    return reader.read(next(item.nodes()))


def _copies(item: Node, reader: ExpressionReader) -> Expr:
    copies = require(reader, _any_value(item, reader), "number", "how many copies are sent")
    if isinstance(copies, Literal) and isinstance(copies.value, float) and not _is_count(copies.value):
        label = f"a whole number from 1 to {MAX_COPIES}"
        reader.context.report.error("SF208", f"`copies {copies}` is impossible", copies.span, label)
    return copies


def _is_count(number: float) -> bool:
    return 1 <= number <= MAX_COPIES and number % 1 == 0


def _check_headers(found: list[tuple[Node, Edit]], context: Context) -> None:
    """A header is replaced, removed or doubled once; fields may be added as often as one likes."""
    said: set[str] = set()
    for item, edit in found:
        name = edit.name.lower()
        if not name or edit.kind in ("add", "part"):
            continue
        if name in said:
            message = f"the header `{edit.name}` is changed twice"
            context.report.error("SF213", message, context.span(item), "one of the changes is too many")
        said.add(name)


def _unfit(item: Node, why: str, context: Context) -> None:
    words = context.written(context.span(item))
    context.report.error("SF234", f"`{words}` means nothing here", context.span(item), why)
