"""Quick fixes: what the diagnostics propose, one by one and all at once, and where each is explained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types

from sipflow.lang.diagnostics import Diagnostic, Edit, Fix
from sipflow.lsp.analysis import Document
from sipflow.lsp.diagnostics import to_protocol
from sipflow.lsp.navigation import UriOf, range_of

FIX_ALL = "source.fixAll.sipflow"
EXPLAIN = "sipflow.explain"
"""Command that shows the explanation of a code."""


def actions(
    document: Document, start: int, end: int, uri_of: UriOf, only: Iterable[str] | None = None
) -> list[types.CodeAction]:
    """What can be done about the diagnostics that touch a range; `only` are the kinds that the editor asks for."""
    found = [
        *_quick_fixes(document, start, end, uri_of),
        *_fix_all(document, uri_of),
        *_explanations(document, start, end),
    ]
    wanted = None if only is None else tuple(only)
    return [
        action for action in found if wanted is None or _is_of(str(getattr(action.kind, "value", action.kind)), wanted)
    ]


def _is_of(kind: str, wanted: tuple[str, ...]) -> bool:
    return any(kind == one or kind.startswith(f"{one}.") or not one for one in wanted)


def _touching(document: Document, start: int, end: int) -> Iterator[Diagnostic]:
    for found in document.result.diagnostics:
        if found.span.source == document.name and found.span.start <= end and start <= found.span.end:
            yield found


def _quick_fixes(document: Document, start: int, end: int, uri_of: UriOf) -> Iterator[types.CodeAction]:
    for found in _touching(document, start, end):
        if found.fix is not None:
            yield types.CodeAction(
                title=_sentence(found.fix.title),
                kind=types.CodeActionKind.QuickFix,
                diagnostics=to_protocol(document, [found], uri_of),
                edit=workspace_edit(document, found.fix.edits, uri_of),
                is_preferred=True,
            )


def _sentence(title: str) -> str:
    return title[:1].upper() + title[1:]


def _fix_all(document: Document, uri_of: UriOf) -> Iterator[types.CodeAction]:
    edits = all_fixes(document)
    if edits:
        edit = workspace_edit(document, edits, uri_of)
        yield types.CodeAction(title="Fix all that can be fixed", kind=FIX_ALL, edit=edit)


def all_fixes(document: Document) -> list[Edit]:
    """The edits of all fixes of this text, those left out that touch an earlier one: they come with the next round."""
    chosen: list[Edit] = []
    for found in document.result.diagnostics:
        if found.fix is not None and _fits(document, found.fix, chosen):
            chosen += found.fix.edits
    return chosen


def _fits(document: Document, fix: Fix, chosen: list[Edit]) -> bool:
    return all(
        edit.span.source == document.name and not any(_overlap(edit, other) for other in chosen) for edit in fix.edits
    )


def _overlap(one: Edit, other: Edit) -> bool:
    if one.span.start == other.span.start:
        return True
    return one.span.start < other.span.end and other.span.start < one.span.end


def _explanations(document: Document, start: int, end: int) -> Iterator[types.CodeAction]:
    for code in dict.fromkeys(found.code for found in _touching(document, start, end)):
        command = types.Command(f"Explain {code}", EXPLAIN, arguments=[code])
        yield types.CodeAction(title=f"Explain {code}", kind=types.CodeActionKind.QuickFix, command=command)


def workspace_edit(document: Document, edits: Iterable[Edit], uri_of: UriOf) -> types.WorkspaceEdit:
    """Edits as the protocol has them."""
    changes: dict[str, list[types.TextEdit]] = {}
    for edit in edits:
        where = range_of(document, edit.span)
        if where is not None:
            changes.setdefault(uri_of(edit.span.source), []).append(types.TextEdit(where, edit.text))
    return types.WorkspaceEdit(changes=changes)
