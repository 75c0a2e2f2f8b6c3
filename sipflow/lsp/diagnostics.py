"""Diagnostics as the protocol has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types

from sipflow.lang.diagnostics import Diagnostic, Severity
from sipflow.lsp.analysis import Document
from sipflow.lsp.navigation import START, UriOf, range_of

UNNECESSARY = frozenset(("SF302", "SF305", "SF315", "SF321", "SF322", "SF323", "SF324", "SF325", "SF326", "SF327"))
"""What has no effect: editors show it faded."""
DEPRECATED: frozenset[str] = frozenset()
"""What a later version will not have; nothing so far."""
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
}


def by_source(document: Document) -> dict[str, list[Diagnostic]]:
    """Its diagnostics by the name of the text that they are about; each of its texts has an entry."""
    found: dict[str, list[Diagnostic]] = {name: [] for name in (document.name, *document.result.sources)}
    for diagnostic in document.result.diagnostics:
        found.setdefault(diagnostic.span.source or document.name, []).append(diagnostic)
    return found


def to_protocol(
    document: Document, diagnostics: Iterable[Diagnostic], uri_of: UriOf, docs: str = ""
) -> list[types.Diagnostic]:
    """Diagnostics about any of the document's texts; `docs` is where the pages of the documentation are."""
    return [_diagnostic(document, diagnostic, uri_of, docs) for diagnostic in diagnostics]


def _diagnostic(document: Document, diagnostic: Diagnostic, uri_of: UriOf, docs: str) -> types.Diagnostic:
    href = href_of(diagnostic.code, docs)
    return types.Diagnostic(
        range=range_of(document, diagnostic.span) or START,
        message=message_of(diagnostic),
        severity=_severity(document, diagnostic),
        code=diagnostic.code,
        code_description=types.CodeDescription(href) if href else None,
        source="sipflow",
        tags=list(_tags(diagnostic.code)) or None,
        related_information=list(_related(document, diagnostic, uri_of)) or None,
    )


def _severity(document: Document, diagnostic: Diagnostic) -> types.DiagnosticSeverity:
    """A file that others import does nothing by itself, and whoever writes it knows: no error while it is edited."""
    if diagnostic.code == "SF307" and document.root.node("define", "agent", "remote_agent", "data", "let_top"):
        return types.DiagnosticSeverity.Information
    return _SEVERITIES[diagnostic.severity]


def message_of(diagnostic: Diagnostic) -> str:
    """The message with what stands beside the carets, and the help, each on its line."""
    label = diagnostic.label if diagnostic.label not in diagnostic.message else ""
    text = f"{diagnostic.message}: {label}" if label else diagnostic.message
    return f"{text}\n{diagnostic.help}" if diagnostic.help else text


def href_of(code: str, docs: str) -> str:
    """Where the code is explained; empty when nobody knows."""
    from sipflow.lang.codes import CODES

    if not docs or code not in CODES:
        return ""
    title = "".join(char for char in CODES[code].title.lower() if char.isalnum() or char in "-_ ")
    return f"{docs}/diagnostics.md#{code.lower()}-{title.replace(' ', '-')}"


def _tags(code: str) -> Iterator[types.DiagnosticTag]:
    if code in UNNECESSARY:
        yield types.DiagnosticTag.Unnecessary
    if code in DEPRECATED:
        yield types.DiagnosticTag.Deprecated


def _related(document: Document, diagnostic: Diagnostic, uri_of: UriOf) -> Iterator[types.DiagnosticRelatedInformation]:
    for label in diagnostic.secondary:
        where = range_of(document, label.span)
        if where is not None:
            location = types.Location(uri_of(label.span.source), where)
            yield types.DiagnosticRelatedInformation(location, label.text)
