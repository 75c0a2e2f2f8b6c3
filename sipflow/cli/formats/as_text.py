"""For people: every diagnostic with its source lines, and a line that counts them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from sipflow.cli.checking import CheckedFile, count
from sipflow.lang.diagnostics import Severity

_COLOURS = {"error": "red", "warning": "yellow"}
_CODES = {"red": 31, "green": 32, "yellow": 33, "blue": 34}
"""Colours of text in SGR sequences (ECMA-48 section 8.3.117)."""
_HEAD = r"(error|warning)(\[SF\d+\])(: .*)"
_FRAME = r"( *(?:-->|:::|\.\.\.|\|)| *\d+ \|)(.*)"
_CARETS = r"( *)(\^+)( .*)?$"
_NOTE_MARKS = r"( *)(-+)( .*)?$"


def formatted(files: Sequence[CheckedFile]) -> str:
    """All diagnostics as plain text, with an empty line after each."""
    return "".join(f"{finding.rendered()}\n" for file in files for finding in file.findings)


def colour_flag(choice: str = "auto") -> bool | None:
    """Whether `--color` wants colours: None colours on a terminal; NO_COLOR (no-color.org) turns that off."""
    if choice == "auto":
        return False if os.environ.get("NO_COLOR") else None
    return choice == "always"


def coloured(text: str) -> str:
    """Rendered diagnostics with the colours of a terminal: what is wrong in red or yellow, the frame in blue."""
    lines: list[str] = []
    colour = ""
    for line in text.splitlines():
        if head := re.fullmatch(_HEAD, line):
            colour = _COLOURS[head[1]]
            lines.append(_bold(head[1] + head[2], colour) + _bold(head[3]))
        else:
            lines.append(_coloured_line(line, colour))
    return "".join(f"{line}\n" for line in lines)


def _coloured_line(line: str, colour: str) -> str:
    if line.startswith("help: "):
        return _bold("help:", "green") + line.removeprefix("help:")
    frame = re.fullmatch(_FRAME, line)
    if frame is None:
        return line
    edge, rest = frame.groups()
    numbered = edge.strip() != "|"
    return _bold(edge, "blue") + (rest if numbered else _coloured_marks(rest, colour))


def _coloured_marks(rest: str, colour: str) -> str:
    """Carets and their label; source lines never come here, because they have numbers."""
    for pattern, style in ((_CARETS, colour), (_NOTE_MARKS, "blue")):
        if marks := re.fullmatch(pattern, rest):
            return marks[1] + _bold(marks[2] + (marks[3] or ""), style)
    return rest


def _bold(text: str, colour: str = "") -> str:
    start = f"\033[{_CODES[colour]}m" if colour else ""
    return f"{start}\033[1m{text}\033[0m"


def summary(files: Sequence[CheckedFile]) -> str:
    """The last line: `2 files checked: 1 error`."""
    checked = sum(not file.imported for file in files)
    counts = [(count(files, severity), severity.value) for severity in (Severity.ERROR, Severity.WARNING)]
    counts.append((sum(bool(file.problem) for file in files), "unreadable file"))
    found = ", ".join(plural(number, word) for number, word in counts if number)
    return f"{plural(checked, 'file')} checked: {found or 'nothing wrong'}"


def hint(files: Sequence[CheckedFile]) -> str:
    """Where to read more about the first error, or the first warning; empty when nothing was found."""
    findings = [finding for severity in Severity for file in files for finding in file.of(severity)]
    return f"more about it: sipflow explain {findings[0].diagnostic.code}" if findings else ""


def plural(number: int, word: str, several: str = "") -> str:
    """`1 file`, `2 files`."""
    return f"{number} {word if number == 1 else several or word + 's'}"
