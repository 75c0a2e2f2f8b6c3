"""What may be written at a place: the words that the grammar takes there, the names that are known, the files."""

from __future__ import annotations

from sipflow.lsp.completion.complete import complete, resolve

__all__ = ["complete", "resolve"]
