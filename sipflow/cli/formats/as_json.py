"""For programs of one's own: a versioned JSON document, docs/check.schema.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sipflow.cli.checking import CheckedFile, count
from sipflow.cli.formats.plain import json_text
from sipflow.lang.diagnostics import Severity, diagnostic_to_json

VERSION = 1
"""Raised when a field goes or changes its meaning; new fields do not raise it."""


def formatted(files: Sequence[CheckedFile]) -> str:
    """The document, with a line end."""
    document = {
        "version": VERSION,
        "errors": count(files, Severity.ERROR),
        "warnings": count(files, Severity.WARNING),
        "files": [_file(file) for file in files],
    }
    return json_text(document)


def _file(file: CheckedFile) -> dict[str, Any]:
    return {
        "path": file.name,
        "imported": file.imported,
        "ok": file.sound,
        "problem": file.problem or None,
        "diagnostics": [diagnostic_to_json(finding.diagnostic) for finding in file.findings],
    }
