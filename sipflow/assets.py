"""Media assets of a scenario: where they are looked for, and how the checks of the language look at them."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from sipflow.lang.media import MediaInfo, MediaProblem

if TYPE_CHECKING:
    from sipflow.media.library import MediaLibrary


def media_folders(folder: Path | None, media_dir: Path | None) -> list[Path]:
    """Beside the scenario (`folder`, the working directory for a text), in `--media-dir`, in `~/.sipflow/media`."""
    wanted = [folder or Path(), media_dir, Path.home() / ".sipflow" / "media"]
    return [path for path in wanted if path is not None]


class AssetProbe:
    """The checks' view of the media library. It is loaded for the first file: a scenario without any checks faster."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._loaded: MediaLibrary | None = None

    def probe(self, path: str) -> MediaInfo | MediaProblem:
        """What is known about the file that a scenario names `path`."""
        from sipflow.media import library

        if self._loaded is None:
            self._loaded = library.MediaLibrary(self._folders)
        found = self._loaded.find(path)
        if found is None:
            return self._missing(path)
        info = self._loaded.probe(found)
        if isinstance(info, library.MediaProblem):
            return MediaProblem("unreadable", info.message)
        return MediaInfo(str(info.path), info.sample_rate, info.channels, info.duration_ms)

    def _missing(self, path: str) -> MediaProblem:
        searched = tuple(str(folder) for folder in self._folders)
        names = {name for folder in self._folders for name in _audio_names(folder, Path(path).suffix.lower())}
        similar = difflib.get_close_matches(path, sorted(names), n=3)
        return MediaProblem("missing", f"there is no file {path}", searched, tuple(similar))


def _audio_names(folder: Path, suffix: str) -> list[str]:
    """Files of this kind in a folder and the folders in it; no deeper, for the folder may be a whole home."""
    try:
        near = [*folder.iterdir()]
        files = [*near, *(file for child in near if child.is_dir() for file in child.iterdir())]
    except OSError:
        return []
    return [file.relative_to(folder).as_posix() for file in files[:_MOST_NAMES] if file.suffix.lower() == suffix]


_MOST_NAMES = 2000
