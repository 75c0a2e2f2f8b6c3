"""What stands between quotes: files that can be played, imported or read as a table, names of header fields."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sipflow.ir.expr import format_duration
from sipflow.lang.files import FileProblem, MediaInfo
from sipflow.lsp.analysis import Document
from sipflow.lsp.completion.suggestion import Kind, Suggestion
from sipflow.lsp.place import Place
from sipflow.media_params import CAPTURE_FILES, FRAME_FILES

AUDIO = frozenset(
    (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", *FRAME_FILES, *CAPTURE_FILES)
)
_MOST_FILES = 500
_DEPTH = 4
_HEADERS = (
    *("Accept", "Alert-Info", "Allow", "Call-Info", "Contact", "Content-Type", "Diversion", "Event", "Expires", "From"),
    *("History-Info", "P-Asserted-Identity", "Privacy", "Reason", "Referred-By", "Replaces", "Require", "Server"),
    *("Session-Expires", "Subject", "Supported", "To", "User-Agent", "Via"),
)
_BODIES = ("text/plain", "application/json", "application/sdp", "application/dtmf-relay", "message/sipfrag")


def quoted(document: Document, place: Place) -> Iterator[Suggestion]:
    """What may stand in the string that the cursor is in."""
    kinds = [token.kind for token in place.tokens()]
    last, before = [*kinds, "", ""][:2]
    if last in ("PLAY", "HEARD", "RECORD"):
        yield from _media(document)
    elif last == "IMPORT":
        yield from _files(document, {".sflow"})
    elif last == "FROM" and "DATA" in kinds:
        yield from _files(document, {".csv"})
    elif last == "HEADER" or (last == "LPAR" and before == "NAME"):
        yield from (Suggestion(name, Kind.Field, "header field") for name in _HEADERS)
    elif last == "TYPE":
        yield from (Suggestion(name, Kind.Value, "media type") for name in _BODIES)


def _media(document: Document) -> Iterator[Suggestion]:
    for found in _files(document, AUDIO):
        known = document.files.probe(found.label)
        if not isinstance(known, FileProblem):
            yield Suggestion(found.label, Kind.File, describe_audio(known), rank=1)


def describe_audio(info: MediaInfo) -> str:
    """Length and format of an audio file in a few words."""
    channels = {1: "mono", 2: "stereo"}.get(info.channels, f"{info.channels} channels")
    return f"{_seconds(info.duration_ms)}, {info.sample_rate_hz} Hz, {channels}"


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s" if 100 <= milliseconds < 60_000 else format_duration(round(milliseconds))


def _files(document: Document, suffixes: frozenset[str] | set[str]) -> Iterator[Suggestion]:
    """Files of the folders in which the scenario's files are looked for, by the names that it has for them."""
    found: dict[str, None] = {}
    for folder in document.files.assets.folders:
        for path in _walk(folder):
            if path.suffix.lower() in suffixes and len(found) < _MOST_FILES and str(path) != document.name:
                found.setdefault(path.relative_to(folder).as_posix())
    yield from (Suggestion(name, Kind.File, rank=1) for name in found)


def _walk(folder: Path) -> Iterator[Path]:
    """Files in a folder and a few levels below; hidden ones stay hidden."""
    for parent, folders, files in os.walk(folder):
        depth = len(Path(parent).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < _DEPTH else []
        yield from (Path(parent, name) for name in sorted(files) if not name.startswith("."))
