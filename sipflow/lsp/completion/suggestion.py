"""One thing that may be written, before it becomes an item of the protocol."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lsprotocol import types

Kind = types.CompletionItemKind
_FIELD = re.compile(r"\$\{[0-9]+:((?:[^}\\]|\\.)*)\}|\$[0-9]+")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A word, a name or a file."""

    label: str
    kind: types.CompletionItemKind = Kind.Keyword
    detail: str = ""
    """A few words beside the label."""
    key: str = ""
    """Where its explanation is (`sipflow.lsp.knowledge.explain`)."""
    snippet: str = ""
    """What is put in, with fields; the label when empty."""
    text: str = ""
    """Explanation that is no part of the knowledge of the language."""
    rank: int = 5
    """What is most likely meant has the lowest."""
    again: bool = False
    """Whether the editor should ask anew once it is put in: it ends in a `.` or an open quote."""


def item(found: Suggestion, where: types.Range, *, snippets: bool) -> types.CompletionItem:
    """A suggestion as the protocol has it; `where` is what it replaces."""
    inserted = found.snippet or found.label
    fields = snippets and bool(_FIELD.search(found.snippet))
    return types.CompletionItem(
        label=found.label,
        kind=found.kind,
        detail=found.detail or None,
        documentation=_markdown(found.text) if found.text else None,
        sort_text=f"{found.rank} {found.label}",
        insert_text_format=types.InsertTextFormat.Snippet if fields else types.InsertTextFormat.PlainText,
        text_edit=types.TextEdit(where, inserted if fields else plain(inserted)),
        command=types.Command("Complete again", "editor.action.triggerSuggest") if found.again else None,
        data=found.key or None,
    )


def _markdown(text: str) -> types.MarkupContent:
    return types.MarkupContent(types.MarkupKind.Markdown, text)


def plain(snippet: str) -> str:
    """A snippet with its fields filled in with what they propose."""
    return _FIELD.sub(lambda field: field.group(1) or "", snippet)
