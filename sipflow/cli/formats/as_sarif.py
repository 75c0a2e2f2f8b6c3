"""SARIF 2.1.0, which code scanning services and editors read (OASIS, Static Analysis Results Interchange Format)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sipflow import __version__
from sipflow.cli.checking import CheckedFile
from sipflow.cli.formats.plain import advice, json_text, relative
from sipflow.ir.span import Span
from sipflow.lang.codes import CODES, Code
from sipflow.lang.diagnostics import Diagnostic, Edit, Fix

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"
"""What relative paths are relative to: the working directory."""


def formatted(files: Sequence[CheckedFile]) -> str:
    """The document, with a line end."""
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(files)]})


def _run(files: Sequence[CheckedFile]) -> dict[str, Any]:
    found = [(file.name, finding.diagnostic) for file in files for finding in file.findings]
    codes = sorted({diagnostic.code for _, diagnostic in found})
    return {
        "tool": {
            "driver": {"name": "sipflow", "version": __version__, "rules": [_rule(CODES[code]) for code in codes]}
        },
        "invocations": [_invocation(files)],
        "originalUriBaseIds": {ROOT: {"uri": f"{Path.cwd().as_uri()}/"}},
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": _location_of(file.name), "sourceLanguage": "sflow"} for file in files],
        "results": [_result(name, diagnostic, codes.index(diagnostic.code)) for name, diagnostic in found],
    }


def _invocation(files: Iterable[CheckedFile]) -> dict[str, Any]:
    unread = [_unread(file) for file in files if file.problem]
    return {"executionSuccessful": not unread, "toolExecutionNotifications": unread}


def _unread(file: CheckedFile) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": f"cannot read {file.name}: {file.problem}"},
        "locations": [{"physicalLocation": {"artifactLocation": _location_of(file.name)}}],
    }


def _rule(code: Code) -> dict[str, Any]:
    parts = [code.explanation, code.why]
    parts += [f"```sflow\n{text}```" for text in (code.example, code.instead) if text]
    return {
        "id": code.code,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.explanation},
        "help": {"text": _joined(code.explanation, code.why), "markdown": "\n\n".join(part for part in parts if part)},
    }


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _result(name: str, diagnostic: Diagnostic, rule_index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule_index,
        "level": diagnostic.severity.value,
        "message": {"text": _joined(_sentence(diagnostic), advice(diagnostic))},
        "locations": [{"physicalLocation": _place(name, diagnostic.span)}],
    }
    if diagnostic.secondary:
        result["relatedLocations"] = [
            {"id": number, "physicalLocation": _place(name, label.span), "message": {"text": label.text}}
            for number, label in enumerate(diagnostic.secondary, start=1)
        ]
    if diagnostic.fix is not None:
        result["fixes"] = [_fix(name, diagnostic.fix)]
    return result


def _sentence(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.message}: {diagnostic.label}" if diagnostic.label else diagnostic.message


def _place(name: str, span: Span) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _location_of(span.source or name)}
    if span.line:
        place["region"] = _region(span)
    return place


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        "charOffset": span.start,
        "charLength": span.end - span.start,
    }


def _location_of(name: str) -> dict[str, Any]:
    if name.startswith("<"):
        return {"uri": "stdin", "description": {"text": "standard input"}}
    path = Path(relative(name))
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": _quoted(path), "uriBaseId": ROOT}


def _quoted(path: Path) -> str:
    """A relative path as a relative URI, whatever signs are in its name."""
    from urllib.parse import quote

    return quote(path.as_posix().encode("utf-8", "surrogateescape"))


def _fix(name: str, fix: Fix) -> dict[str, Any]:
    by_source: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        by_source.setdefault(edit.span.source or name, []).append(edit)
    changes = [
        {"artifactLocation": _location_of(source), "replacements": [_replacement(edit) for edit in edits]}
        for source, edits in by_source.items()
    ]
    return {"description": {"text": fix.title}, "artifactChanges": changes}


def _replacement(edit: Edit) -> dict[str, Any]:
    return {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
