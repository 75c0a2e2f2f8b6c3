"""The one layout of scenario text. It changes spaces, line ends and the place of comments, and nothing else.

The style:

* Two spaces a level, no tabs, one line end at the end of the file; a file with CRLF keeps it, a byte order mark goes.
* A block that was written on one line stays there while all of it fits in 100 columns; else each of its statements
  gets a line. The blocks of an `if` are all on one line, or none is. `on alice: a; b` becomes a block when it is too
  long. An empty block is `{}`.
* Lines are not broken for their length. Where a line was broken after a comma, after an operator or in parentheses it
  stays broken, and goes on four spaces deeper.
* One space between words and around operators; none inside parentheses, before a comma, around `.` and `..`, and behind
  the sign of a number.
* Numbers, units and strings stay as they are, `\\u{e9}` and `\"\"\"` included.
* The settings of an agent begin in one column; so do `=>` of neighbouring arms of a `choose`, the `{` or `=` of
  neighbouring agents of one line each, and the comments at the ends of neighbouring lines.
* One blank line at most, where there was one, and none at the edges of a block. Parts of the file are one blank line
  apart; neighbours of one line each may stand together.
* A comment stays where it is: on a line of its own, or at the end of its line. One before a `{` moves behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.lang.diagnostics import Diagnostic, has_errors
from sipflow.lang.format.printing import print_file
from sipflow.lang.format.reading import read_file
from sipflow.lang.parse import parse

__all__ = ["FormatResult", "format_text"]


@dataclass(frozen=True, slots=True)
class FormatResult:
    """What became of a text."""

    text: str | None
    """The text in the one layout; None when it has syntax errors: then nobody knows what belongs together."""
    diagnostics: tuple[Diagnostic, ...]
    """The syntax errors."""


def format_text(text: str, source: str = "<text>") -> FormatResult:
    """`text` in the one layout. Never raises, whatever `text` is; `source` names it in diagnostics."""
    parsed = parse(text, source)
    if has_errors(parsed.diagnostics):
        return FormatResult(None, parsed.diagnostics)
    line_end = "\r\n" if text[: text.find("\n")].endswith("\r") else "\n"
    lines = print_file(read_file(parsed.tree, parsed.source.text))
    return FormatResult("".join(f"{line}{line_end}" for line in lines), parsed.diagnostics)
