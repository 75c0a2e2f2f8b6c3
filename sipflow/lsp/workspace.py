"""The texts that an editor works on: buffers, the folders of its workspace, and what was made of each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from pygls import uris

from sipflow.lang.symbols import Symbol
from sipflow.lsp.analysis import Document, Settings, analyse
from sipflow.lsp.files import FileMemory
from sipflow.lsp.positions import apply_changes

_MOST_SCENARIOS = 1000
"""Files of a workspace that are looked into; nobody has more scenarios, but somebody may open a home directory."""
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Buffer:
    """A text that is open in the editor."""

    text: str
    version: int | None


class Workspace:
    """All texts of one editor. Documents are compiled when somebody asks, and again after whatever they depend on."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.folders: list[Path] = []
        self._buffers: dict[str, Buffer] = {}
        self._documents: dict[str, Document] = {}
        self._memory = FileMemory()

    # --- names -----------------------------------------------------------------------------------------------------

    def name_of(self, uri: str) -> str:
        """The path of a text; `<…>` around the address of one that has none, as spans call it."""
        path = uris.to_fs_path(uri)
        return os.path.normpath(path) if path else f"<{uri}>"

    def uri_of(self, name: str) -> str:
        """The address of a text: the editor's own spelling of it where the text is open."""
        if name.startswith("<"):
            return name[1:-1]
        opened = next((uri for uri in self._buffers if self.name_of(uri) == name), None)
        return opened or uris.from_fs_path(str(Path(name).absolute())) or name

    # --- what the editor tells -------------------------------------------------------------------------------------

    def open(self, uri: str, text: str, version: int | None) -> None:
        """A text is open from now on: what it is stands in the buffer, not on the disk."""
        self._buffers[uri] = Buffer(text, version)
        self.forget(uri)

    def change(self, uri: str, changes: Iterable[types.TextDocumentContentChangeEvent], version: int | None) -> None:
        """A text is another one; changes of a text that is not open are nobody's."""
        buffer = self._buffers.get(uri)
        if buffer is not None:
            self._buffers[uri] = Buffer(apply_changes(buffer.text, changes, self.settings.encoding), version)
            self.forget(uri)

    def close(self, uri: str) -> None:
        """The disk is right again."""
        self._buffers.pop(uri, None)
        self.forget(uri)

    def forget_all(self) -> None:
        """Files or settings are others: everything has to be compiled again."""
        self._documents.clear()

    def forget(self, uri: str) -> None:
        """A text has to be compiled again, and with it whoever imports it."""
        for dependent in [uri, *self.dependents(uri)]:
            self._documents.pop(dependent, None)

    def buffer(self, uri: str) -> Buffer:
        """A text that is open; KeyError for another one."""
        return self._buffers[uri]

    # --- what was made of the texts --------------------------------------------------------------------------------

    @property
    def open_uris(self) -> list[str]:
        """The texts that are open."""
        return list(self._buffers)

    def dependents(self, uri: str) -> list[str]:
        """The texts whose latest documents have this one in them."""
        name = self.name_of(uri)
        return [other for other, known in self._documents.items() if other != uri and name in known.result.sources]

    def document(self, uri: str) -> Document | None:
        """What a text is now; None for one that is neither open nor a file."""
        known = self._documents.get(uri)
        if known is None:
            buffer = self._buffers.get(uri) or self._on_disk(uri)
            if buffer is None:
                return None
            known = self._analyse(uri, buffer)
            if uri in self._buffers:
                self._documents[uri] = known
        return known

    def _on_disk(self, uri: str) -> Buffer | None:
        try:
            with Path(self.name_of(uri)).open("rb") as file:
                return Buffer(file.read(_MOST_BYTES).decode("utf-8", "surrogateescape"), None)
        except (OSError, ValueError):
            return None

    def _analyse(self, uri: str, buffer: Buffer) -> Document:
        name = self.name_of(uri)
        return analyse(
            name,
            buffer.text,
            self._folder(name),
            buffers={self.name_of(other): known.text for other, known in self._buffers.items() if other != uri},
            memory=self._memory,
            settings=self.settings,
            version=buffer.version,
        )

    def _folder(self, name: str) -> Path:
        if name.startswith("<"):
            return self.folders[0] if self.folders else Path.cwd()
        return Path(name).parent

    # --- the whole workspace ---------------------------------------------------------------------------------------

    def documents(self) -> Iterator[Document]:
        """Every scenario: those that are open, then those of the folders."""
        for uri in dict.fromkeys([*self._buffers, *self._files()]):
            document = self.document(uri)
            if document is not None:
                yield document

    def _files(self) -> Iterator[str]:
        found = (path for folder in self.folders for path in _scenarios(folder))
        for path, _ in zip(found, range(_MOST_SCENARIOS), strict=False):
            yield self.uri_of(str(path))

    def programs_with(self, document: Document, symbol: Symbol) -> list[Document]:
        """The other programs that have the text in which a symbol is declared, so that they may name it."""
        homes = {found.span.source for found in document.symbols.of(symbol) if found.declares}
        others = (other for other in self.documents() if other.name != document.name)
        return [other for other in others if homes & set(other.result.sources)]


def _scenarios(folder: Path) -> Iterator[Path]:
    """Scenario files in and below a folder; what is hidden stays hidden."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "node_modules")))
        yield from (Path(parent, name) for name in sorted(files) if name.endswith(".sflow"))
