"""Files that exist only here."""

from __future__ import annotations

from sipflow.lang import FileProblem, ImportedText, MediaInfo, TableInfo

COMMON = """\
agent pbx = "sip:pbx.example.com"
define shared() { wait 1s }
"""


_DURATIONS_MS = {"hours.wav": 7_200_000.0, "click.wav": 100.0}


class FakeLibrary:
    """Audio: `greet.wav`, and a text file that somebody named `notes.wav`; other names are fine unless they are lost
    and last a second; `hours.wav` lasts two hours.

    Texts and tables: those of `TEXTS` and `TABLES`, and `notes.txt` and `greet.wav`, which are neither.
    """

    LOST = frozenset(("gret.wav", "nowhere.wav"))
    TEXTS: dict[str, str] = {"common.sflow": COMMON}  # noqa: RUF012 - shared on purpose
    TABLES: dict[str, TableInfo] = {  # noqa: RUF012
        "users.csv": TableInfo("users.csv", ("number", "name"), 3),
        "empty.csv": TableInfo("empty.csv", ("number",), 0),
    }

    def __init__(self, **texts: str) -> None:
        self.texts = self.TEXTS | {f"{name}.sflow": text for name, text in texts.items()}

    def probe(self, path: str) -> MediaInfo | FileProblem:
        if path == "notes.wav":
            return FileProblem("unreadable", "notes.wav is not an audio file: it is text")
        if path in self.LOST:
            return self._missing(path, "greet.wav")
        encoded = "GSM" if path.endswith(".gsm") else ""
        return MediaInfo(path, 8000, 1, _DURATIONS_MS.get(path, 1000.0), encoded, 500 if path == "torn.wav" else 0)

    def missing_for(self, codec: str) -> str:
        return "Opus needs libopus: apt install libopus0 (Debian, Ubuntu)" if codec == "opus" else ""

    def text(self, path: str, importer: str) -> ImportedText | FileProblem:
        if path == "notes.txt":
            return FileProblem("unreadable", "cannot read notes.txt: Permission denied")
        return ImportedText(path, self.texts[path]) if path in self.texts else self._missing(path, *self.texts)

    def table(self, path: str) -> TableInfo | FileProblem:
        if path == "greet.wav":
            return FileProblem("unreadable", "cannot read greet.wav: it is not UTF-8 text")
        return self.TABLES.get(path) or self._missing(path, *self.TABLES)

    def _missing(self, path: str, *similar: str) -> FileProblem:
        return FileProblem("missing", f"there is no file {path}", (".", "~/.sipflow/media"), similar)
