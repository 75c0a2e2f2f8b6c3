"""The files that the examples of the codes speak of, so that an example is checked as if they were there."""

from __future__ import annotations

from collections.abc import Mapping

from sipflow.lang.files import FileProblem, ImportedText, MediaInfo, TableInfo

GREETING = "greet.wav"
NOTES = "notes.wav"
TEXTS: Mapping[str, str] = {}
TABLES: Mapping[str, TableInfo] = {"users.csv": TableInfo("users.csv", ("number", "name"), 3)}


class ExampleFiles:
    """Files (`sipflow.lang.files.Files`): a prompt, a text that calls itself audio, a table, and nothing else."""

    def probe(self, path: str) -> MediaInfo | FileProblem:
        """`greet.wav` is a prompt of two seconds, `notes.wav` is text."""
        if path == GREETING:
            return MediaInfo(path, 8000, 1, 2000.0)
        if path == NOTES:
            return FileProblem("unreadable", f"{path} is not an audio file: it is text")
        return _missing(path, GREETING)

    def text(self, path: str, importer: str) -> ImportedText | FileProblem:
        """One of `TEXTS`."""
        return ImportedText(path, TEXTS[path]) if path in TEXTS else _missing(path, *TEXTS)

    def table(self, path: str) -> TableInfo | FileProblem:
        """One of `TABLES`."""
        return TABLES.get(path) or _missing(path, *TABLES)


def _missing(path: str, *similar: str) -> FileProblem:
    return FileProblem("missing", f"there is no file {path}", (".", "~/.sipflow/media"), similar)
