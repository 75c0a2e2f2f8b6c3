"""Files as an editor sees them: buffers before the disk, and nothing looked into twice while it is the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from sipflow.assets import Assets, media_folders
from sipflow.lang.compile import Memory
from sipflow.lang.files import FileProblem, ImportedText, MediaInfo, TableInfo

_MOST_REMEMBERED = 4096

Known = TypeVar("Known")


class FileMemory:
    """What was found out about files, for as long as their size and their time stay the same, and about texts."""

    def __init__(self) -> None:
        self.texts = Memory()
        self._known: dict[tuple[str, str], tuple[tuple[int, int], object]] = {}

    def recall(self, kind: str, path: Path, find_out: Callable[[], Known]) -> Known:
        """What `find_out` says of a file, asked again when the file has changed."""
        stamp = _stamp(path)
        if stamp is None:
            return find_out()
        known = self._known.get((kind, str(path)))
        if known is None or known[0] != stamp:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            known = (stamp, find_out())
            self._known[kind, str(path)] = known
        return known[1]  # type: ignore[return-value]


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


class EditorFiles:
    """The files of one scenario (`sipflow.lang.files.Files`), for the time of one check.

    `buffers` are the texts that are open in the editor, by path: they are newer than the disk.
    """

    def __init__(self, folder: Path, media_dir: Path | None, buffers: Mapping[str, str], memory: FileMemory) -> None:
        self.assets = Assets(media_folders(folder, media_dir))
        self._buffers = buffers
        self._memory = memory

    def text(self, path: str, importer: str) -> ImportedText | FileProblem:
        """The scenario that is imported: the editor's text of it where there is one."""
        folder = self.assets.folders[0] if importer.startswith("<") else Path(importer).parent
        name = os.path.normpath(folder / path)
        if name not in self._buffers:
            return self.assets.text(path, importer)
        if Path(name).parent not in self.assets.folders:
            self.assets.folders.insert(1, Path(name).parent)
        return ImportedText(name, self._buffers[name])

    def probe(self, path: str) -> MediaInfo | FileProblem:
        """What is known about an audio file."""
        return self._remembered("media", path, self.assets.probe)

    def missing_for(self, codec: str) -> str:
        """What this machine lacks for a codec."""
        return self.assets.missing_for(codec)

    def table(self, path: str) -> TableInfo | FileProblem:
        """What is known about a CSV file."""
        return self._remembered("table", path, self.assets.table)

    def find(self, path: str) -> Path | None:
        """The file that the scenario names `path`; None when no folder has it."""
        try:
            return self.assets.find(path) if path else None
        except (OSError, ValueError):
            return None

    def _remembered(self, kind: str, path: str, find_out: Callable[[str], Known]) -> Known:
        found = self.find(path)
        return find_out(path) if found is None else self._memory.recall(kind, found, lambda: find_out(path))
