"""The files that the examples of the codes speak of, so that an example is checked as if they were there."""

from __future__ import annotations

from collections.abc import Mapping

from sipflow.lang.files import FileProblem, ImportedText, MediaInfo, TableInfo

PROMPT, LONG_PROMPT, LOST, NOTES, CLICK = "greet.wav", "hours.wav", "gret.wav", "notes.wav", "click.wav"
TORN = "torn.wav"
NO_OPUS = "Opus needs libopus: apt install libopus0 (Debian, Ubuntu), brew install opus (macOS)"
_DURATIONS_MS = {LONG_PROMPT: 7_200_000.0, CLICK: 100.0}
TEXTS: Mapping[str, str] = {
    "common.sflow": 'agent pbx = "sip:pbx.example.com"\ndefine shared() { wait 1s }\n',
}
TABLES: Mapping[str, TableInfo] = {
    "users.csv": TableInfo("users.csv", ("number",), 3),
    "people.csv": TableInfo("people.csv", ("number", "name"), 3),
    "empty.csv": TableInfo("empty.csv", ("number",), 0),
}


class ExampleFiles:
    """Files (`sipflow.lang.files.Files`): every prompt but `gret.wav`, a text that calls itself `notes.wav`, and the
    scenarios and tables above."""

    def probe(self, path: str) -> MediaInfo | FileProblem:
        """Two seconds of audio, except for `notes.wav`, which is text, `hours.wav`, which is long, and `click.wav`;
        `.gsm` holds frames of GSM, and of `torn.wav` one second more was announced."""
        if path == LOST:
            return _missing(path, PROMPT)
        if path == NOTES:
            return FileProblem("unreadable", f"{path} is not an audio file: it is text")
        encoded = "GSM" if path.endswith(".gsm") else ""
        return MediaInfo(path, 8000, 1, _DURATIONS_MS.get(path, 2000.0), encoded, 1000 if path == TORN else 0)

    def missing_for(self, codec: str) -> str:
        """The machine of the examples has no libopus."""
        return NO_OPUS if codec == "opus" else ""

    def text(self, path: str, importer: str) -> ImportedText | FileProblem:
        """One of `TEXTS`."""
        return ImportedText(path, TEXTS[path]) if path in TEXTS else _missing(path, *TEXTS)

    def table(self, path: str) -> TableInfo | FileProblem:
        """One of `TABLES`."""
        return TABLES.get(path) or _missing(path, *TABLES)


def _missing(path: str, *similar: str) -> FileProblem:
    return FileProblem("missing", f"there is no file {path}", (".", "~/.sipflow/media"), similar)
