"""DTMF digits."""

from __future__ import annotations

from sipflow.ir.expr import Expr, constant_text
from sipflow.ir.span import Span
from sipflow.lang.literals import pieces
from sipflow.lang.lower.context import Context
from sipflow.lang.syntax import Node, Token

DIGITS = frozenset("0123456789*#ABCD")


def check_digits(node: Node, digits: Expr, context: Context, *, pauses: bool) -> None:
    """Point at each character of a constant string of digits that no telephone has."""
    text = constant_text(digits)
    token = node.children[0] if node.rule == "literal" else None
    if text is None or not context.is_readable(digits):
        return
    if not text:
        context.report.error("SF403", "there are no digits here", digits.span, "at least one is needed")
    allowed = DIGITS | {","} if pauses else DIGITS
    if not isinstance(token, Token):  # of a parameter: the text stands where the definition is called
        wrong = next((char for char in text if char not in allowed), None)
        if wrong is not None:
            _wrong_digit(wrong, digits.span, context)
        return
    for char, start, end in _characters(token):
        if char not in allowed:
            _wrong_digit(char, context.report.source.span(start, end), context)
            return


def _characters(token: Token) -> list[tuple[str, int, int]]:
    """Characters of a constant string, each with its offsets in the source."""
    if token.kind == "RAW":
        return [(char, token.start + 3 + i, token.start + 4 + i) for i, char in enumerate(token.text[3:-3])]
    found: list[tuple[str, int, int]] = []
    for piece in pieces(token.text[1:-1], token.start + 1):
        if len(piece.text) == piece.end - piece.start:
            found += [(char, piece.start + i, piece.start + i + 1) for i, char in enumerate(piece.text)]
        else:
            found.append((piece.text, piece.start, piece.end))
    return found


def _wrong_digit(char: str, where: Span, context: Context) -> None:
    help_text = "digits are 0-9, `*`, `#` and A-D"
    if char == ",":
        help_text = "a pause can be sent, not received"
    elif char.upper() in DIGITS:
        help_text = f"did you mean `{char.upper()}`?"
    shown = char if char.isprintable() else f"U+{ord(char):04X}"
    context.report.error("SF403", f"`{shown}` is not a digit of a telephone", where, "no such digit", help=help_text)
