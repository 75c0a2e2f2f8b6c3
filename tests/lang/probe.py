"""Files that exist only here."""

from __future__ import annotations

from sipflow.lang import FileProblem, ImportedText, MediaInfo, TableInfo


class FakeLibrary:
    """Audio: `greet.wav`, and a text file that somebody named `notes.wav`; other names are fine unless they are lost.

    Texts and tables: those of `TEXTS` and `TABLES`, nothing else.
    """

    LOST = frozenset(("gret.wav", "nowhere.wav"))
    TEXTS: dict[str, str] = {}  # noqa: RUF012 - shared on purpose
    TABLES: dict[str, TableInfo] = {"users.csv": TableInfo("users.csv", ("number", "name"), 3)}  # noqa: RUF012

    def probe(self, path: str) -> MediaInfo | FileProblem:
        if path == "notes.wav":
            return FileProblem("unreadable", "notes.wav is not an audio file: it is text")
        if path in self.LOST:
            return self._missing(path, "greet.wav")
        return MediaInfo(path, 8000, 1, 1000.0)

    def text(self, path: str, importer: str) -> ImportedText | FileProblem:
        return ImportedText(path, self.TEXTS[path]) if path in self.TEXTS else self._missing(path)

    def table(self, path: str) -> TableInfo | FileProblem:
        return self.TABLES.get(path) or self._missing(path)

    def _missing(self, path: str, *similar: str) -> FileProblem:
        return FileProblem("missing", f"there is no file {path}", (".", "~/.sipflow/media"), similar)
