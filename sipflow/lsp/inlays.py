"""Inlay hints: what the text means and does not say. How long a file plays, how long a wait may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lsprotocol import types

from sipflow.ir.expr import Unit, format_duration
from sipflow.ir.graph import DEFAULT_TIMEOUT_MS
from sipflow.lang.files import FileProblem
from sipflow.lang.literals import quantity, split_quantity
from sipflow.lang.syntax import Node, Token
from sipflow.lsp.analysis import Document
from sipflow.lsp.completion.paths import describe_audio

DEFAULT_DIGIT_MS = 100
"""Length of a digit and of the gap behind it, where nothing else is said."""
_PAUSE_MS = 2000
"""A `,` among the digits."""
_WAITS = frozenset(("expect", "await_signal"))


def hints(document: Document, start: int, end: int) -> list[types.InlayHint]:
    """The hints of a stretch of the text."""
    found: list[types.InlayHint] = []
    for node in _touching(document.root, start, end):
        make = _HINTS.get(node.rule)
        if make is not None:
            found += make(document, node)
    return found


def _touching(node: Node, start: int, end: int) -> Iterator[Node]:
    yield node
    for child in node.nodes():
        if child.start <= end and start <= child.end:
            yield from _touching(child, start, end)


def _hint(document: Document, offset: int, text: str, tooltip: str) -> types.InlayHint:
    return types.InlayHint(document.positions.position(offset), text, padding_left=True, tooltip=tooltip)


def _played(document: Document, node: Node) -> Iterator[types.InlayHint]:
    """How long the file is that is played or waited for."""
    literal = node.node("literal")
    string = None if literal is None else literal.token("STRING")
    if string is None or "${" in string.text:
        return
    info = document.files.probe(string.text.strip('"'))
    if not isinstance(info, FileProblem):
        length = f"{info.duration_ms / 1000:.1f} s"
        yield _hint(document, string.end, length, f"{describe_audio(info)}\n{info.path}")


def _literal(document: Document, node: Node) -> Iterator[types.InlayHint]:
    """Durations that are written in a unit in which nobody thinks: `45000ms`."""
    token = node.token("QUANTITY")
    if token is None:
        return
    number, unit = split_quantity(token.text)
    value = quantity(number, unit)
    if value is None or value.unit is not Unit.MILLISECOND:
        return
    best = format_duration(value.value)
    if best != token.text and number >= 1000:
        yield _hint(document, token.end, f"= {best}", "the same duration")


def _digits(document: Document, node: Node) -> Iterator[types.InlayHint]:
    """How long sending the digits takes."""
    literal = node.node("literal")
    string = None if literal is None else literal.token("STRING")
    if string is None or "${" in string.text:
        return
    digits = string.text.strip('"')
    tone, gap = (_option_ms(node, rule) for rule in ("digit_tone", "digit_gap"))
    pauses = digits.count(",")
    length = (len(digits) - pauses) * (tone + gap) + pauses * _PAUSE_MS
    yield _hint(document, string.end, f"{length / 1000:.1f} s", f"{tone:g} ms a digit, {gap:g} ms between two")


def _option_ms(node: Node, rule: str) -> float:
    option = node.node(rule)
    literal = None if option is None else option.node("literal")
    token = None if literal is None else literal.token("QUANTITY")
    value = None if token is None else quantity(*split_quantity(token.text))
    return DEFAULT_DIGIT_MS if value is None else value.value


def _statement(document: Document, node: Node) -> Iterator[types.InlayHint]:
    """The time limit of what waits and names none."""
    action = next(node.nodes(), None)
    if action is None or action.rule not in _WAITS or node.node("within") is not None:
        return
    end = max(child.end for child in node.children if not _is_otherwise(child))
    limit = format_duration(limit_ms(document))
    yield _hint(document, end, f"within {limit}", "the file's time limit: `timeout` at its top, 10s without that")


def _is_otherwise(child: Node | Token) -> bool:
    return isinstance(child, Node) and child.rule == "otherwise"


def limit_ms(document: Document) -> float:
    """The time limit of the file, read from its text: a file with mistakes has one, too."""
    node = document.root.node("timeout")
    literal = None if node is None else node.node("literal")
    token = None if literal is None else literal.token("QUANTITY")
    value = None if token is None else quantity(*split_quantity(token.text))
    return value.value if value is not None and value.unit is Unit.MILLISECOND else DEFAULT_TIMEOUT_MS


_HINTS: dict[str, Callable[[Document, Node], Iterator[types.InlayHint]]] = {
    "play": _played,
    "expect_heard": _played,
    "check_heard": _played,
    "literal": _literal,
    "send_dtmf": _digits,
    "statement": _statement,
}
