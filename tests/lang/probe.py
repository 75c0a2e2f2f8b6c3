"""A media probe without files."""

from __future__ import annotations

from sipflow.lang import MediaInfo, MediaProblem


class FakeLibrary:
    """Knows `greet.wav`, and a text file that somebody named `notes.wav`. Other names are fine unless they are lost."""

    LOST = frozenset(("gret.wav", "nowhere.wav"))

    def probe(self, path: str) -> MediaInfo | MediaProblem:
        if path == "notes.wav":
            return MediaProblem("unreadable", "notes.wav is not an audio file: it is text")
        if path in self.LOST:
            return MediaProblem("missing", f"there is no file {path}", (".", "~/.sipflow/media"), ("greet.wav",))
        return MediaInfo(path, 8000, 1, 1000.0)
