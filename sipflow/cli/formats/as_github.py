"""Workflow commands of GitHub Actions: a line for each diagnostic, shown beside the source in a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from sipflow.cli.checking import CheckedFile
from sipflow.cli.formats.plain import advice, relative
from sipflow.lang.diagnostics import Diagnostic

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def formatted(files: Sequence[CheckedFile]) -> str:
    """All workflow commands, one a line."""
    return "".join(f"{command}\n" for file in files for command in _commands(file))


def _commands(file: CheckedFile) -> list[str]:
    commands = [_command(file.name, finding.diagnostic) for finding in file.findings]
    if file.problem:
        commands.append(_written("error", {"file": relative(file.name)}, f"cannot read {file.name}: {file.problem}"))
    return commands


def _command(name: str, diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    properties: dict[str, object] = {} if name.startswith("<") else {"file": relative(name)}
    if span.line == span.end_line > 0:
        properties |= {"line": span.line, "col": span.column, "endLine": span.end_line, "endColumn": span.end_column}
    elif span.line:
        # GitHub refuses columns for what goes over several lines.
        properties |= {"line": span.line, "endLine": span.end_line}
    properties["title"] = diagnostic.code
    parts = [diagnostic.message, diagnostic.label, advice(diagnostic)]
    return _written(diagnostic.severity.value, properties, "\n".join(part for part in parts if part))


def _written(severity: str, properties: dict[str, object], message: str) -> str:
    fields = ",".join(f"{name}={str(value).translate(_PROPERTY)}" for name, value in properties.items())
    return f"::{severity} {fields}::{message.translate(_DATA)}"
