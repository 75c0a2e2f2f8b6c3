"""For people: every diagnostic with its source lines, and a line that counts them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import click

from sipflow.cli.checking import CheckedFile, count
from sipflow.lang.diagnostics import Severity

_COLOURS = {"error": "red", "warning": "yellow"}
_HEAD = re.compile(r"(error|warning)(\[SF\d+\])(: .*)")
_FRAME = re.compile(r"( *(?:-->|:::|\.\.\.|\|)| *\d+ \|)(.*)")
_CARETS = re.compile(r"( *)(\^+)( .*)?$")
_NOTE_MARKS = re.compile(r"( *)(-+)( .*)?$")


def formatted(files: Sequence[CheckedFile]) -> str:
    """All diagnostics as plain text, with an empty line after each."""
    return "".join(f"{finding.rendered()}\n" for file in files for finding in file.findings)


def colour_flag(choice: str = "auto") -> bool | None:
    """What `click.echo` takes for `--color`: None colours on a terminal; NO_COLOR (no-color.org) turns that off."""
    if choice == "auto":
        return False if os.environ.get("NO_COLOR") else None
    return choice == "always"


def coloured(text: str) -> str:
    """Rendered diagnostics with the colours of a terminal: what is wrong in red or yellow, the frame in blue."""
    lines: list[str] = []
    colour = ""
    for line in text.splitlines():
        if head := _HEAD.fullmatch(line):
            colour = _COLOURS[head[1]]
            lines.append(click.style(head[1] + head[2], fg=colour, bold=True) + click.style(head[3], bold=True))
        else:
            lines.append(_coloured_line(line, colour))
    return "".join(f"{line}\n" for line in lines)


def _coloured_line(line: str, colour: str) -> str:
    if line.startswith("help: "):
        return click.style("help:", fg="green", bold=True) + line.removeprefix("help:")
    frame = _FRAME.fullmatch(line)
    if frame is None:
        return line
    edge, rest = frame.groups()
    numbered = edge.strip() != "|"
    return click.style(edge, fg="blue", bold=True) + (rest if numbered else _coloured_marks(rest, colour))


def _coloured_marks(rest: str, colour: str) -> str:
    """Carets and their label; source lines never come here, because they have numbers."""
    for pattern, style in ((_CARETS, colour), (_NOTE_MARKS, "blue")):
        if marks := pattern.fullmatch(rest):
            return marks[1] + click.style(marks[2] + (marks[3] or ""), fg=style, bold=True)
    return rest


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
