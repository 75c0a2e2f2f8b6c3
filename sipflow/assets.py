"""The files of a scenario: where they are looked for, and how the checks of the language look at them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sipflow.lang.files import FileProblem, ImportedText, MediaInfo, TableInfo

if TYPE_CHECKING:
    from sipflow.media.library import MediaLibrary

MAX_TEXT_BYTES = (1 << 22) + 1
"""Enough to see that a text is too long, whatever its characters are."""


def media_folders(folder: Path | None, media_dir: Path | None) -> list[Path]:
    """Beside the scenario (`folder`, the working directory for a text), in `--media-dir`, in `~/.sipflow/media`."""
    wanted = [folder or Path(), media_dir, Path.home() / ".sipflow" / "media"]
    return [path for path in wanted if path is not None]


class Assets:
    """The checks' view of the files that a scenario names (`sipflow.lang.files.Files`).

    The media library is loaded for the first file: a scenario without any checks faster. The folder of every text that
    is imported joins `folders`, so that what a shared file plays may lie beside it. A value is for one check: it looks
    at each file once and does not notice when that changes.
    """

    def __init__(self, folders: list[Path], data: Path | None = None) -> None:
        """`data` is the CSV file to be taken for every table, whatever the scenario calls it."""
        self.folders = folders
        self._data = data
        self._loaded: MediaLibrary | None = None
        self._probed: dict[str, MediaInfo | FileProblem] = {}

    def text(self, path: str, importer: str) -> ImportedText | FileProblem:
        """The scenario that the source `importer` imports as `path`."""
        folder = self.folders[0] if importer.startswith("<") else Path(importer).parent
        file = folder / path
        try:
            with file.open("rb") as stream:
                text = stream.read(MAX_TEXT_BYTES).decode("utf-8", "surrogateescape")
        except (OSError, ValueError) as error:
            return self._no_file(file, path, error)
        if file.parent not in self.folders:
            self._add_folder(file.parent)
        return ImportedText(_plain(file), text)

    def _add_folder(self, folder: Path) -> None:
        self.folders.insert(1, folder)
        self._loaded = None  # what was missing may be there
        self._probed.clear()

    def table(self, path: str) -> TableInfo | FileProblem:
        """What is known about a CSV file."""
        from sipflow.tables import TableError, read_table

        file = self.table_file(path)
        if file is None:
            return self._missing(path)
        try:
            table = read_table(file)
        except TableError as error:
            return FileProblem("unreadable", str(error))
        return TableInfo(str(file), table.columns, len(table.rows))

    def table_file(self, path: str) -> Path | None:
        """The file of the table that a scenario names `path`, None when no folder has it."""
        return self._data or self.find(path)

    def find(self, path: str) -> Path | None:
        """The file that a scenario names `path`, None when no folder has it."""
        return next((file for folder in self.folders if (file := folder / path).is_file()), None)

    def missing_for(self, codec: str) -> str:
        """What this machine lacks for a codec; the engine is loaded only for those that need a library."""
        if codec != "opus":
            return ""
        from sipflow.media.opus import missing_opus

        return missing_opus()

    def _no_file(self, file: Path, path: str, error: Exception) -> FileProblem:
        if isinstance(error, FileNotFoundError):
            names = _names(file.parent, file.suffix.lower())
            similar = _similar(path, names)
            return FileProblem("missing", f"there is no file {path}", (str(file.parent),), similar)
        return FileProblem("unreadable", f"cannot read {path}: {getattr(error, 'strerror', None) or error}")

    def probe(self, path: str) -> MediaInfo | FileProblem:
        """What is known about the file that a scenario names `path`; each file is looked at once."""
        if path not in self._probed:
            self._probed[path] = self._probe(path)
        return self._probed[path]

    def _probe(self, path: str) -> MediaInfo | FileProblem:
        from sipflow.media import library

        if self._loaded is None:
            self._loaded = library.MediaLibrary(self.folders)
        found = self._loaded.find(path)
        if found is None:
            return self._missing(path)
        info = self._loaded.probe(found)
        if isinstance(info, library.MediaProblem):
            return FileProblem("unreadable", info.message)
        return MediaInfo(
            str(info.path), info.sample_rate, info.channels, info.duration_ms, info.encoded, info.missing_ms
        )

    def _missing(self, path: str) -> FileProblem:
        if any((folder / path).is_dir() for folder in self.folders):
            return FileProblem("unreadable", f"{path} is a folder, not a file")
        searched = tuple(str(folder) for folder in self.folders)
        names = {name for folder in self.folders for name in _names(folder, Path(path).suffix.lower())}
        similar = _similar(path, sorted(names))
        return FileProblem("missing", f"there is no file {path}", searched, similar)


def _similar(path: str, names: Sequence[str]) -> tuple[str, ...]:
    """Names that may have been meant."""
    import difflib  # most files are where they are said to be

    return tuple(difflib.get_close_matches(path, names, n=3))


def _plain(file: Path) -> str:
    """A path without detours, so that a file has one name however it is imported."""
    return os.path.normpath(file)


def _names(folder: Path, suffix: str) -> list[str]:
    """Files of this kind in a folder and the folders in it; no deeper, for the folder may be a whole home."""
    try:
        near = [*folder.iterdir()]
        files = [*near, *(file for child in near if child.is_dir() for file in child.iterdir())]
    except OSError:
        return []
    return [file.relative_to(folder).as_posix() for file in files[:_MOST_NAMES] if file.suffix.lower() == suffix]


_MOST_NAMES = 2000
