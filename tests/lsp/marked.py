"""Small documents with a `|` where the cursor is."""

from __future__ import annotations

import wave
from pathlib import Path

from sipflow.lsp.analysis import Document, Settings, analyse
from sipflow.lsp.completion import complete

PAIR = "on bob: answer; expect hangup\n"
"""Somebody to call."""


def marked(text: str, folder: Path | None = None, **settings: object) -> tuple[Document, int]:
    """The document, and the offset of the cursor in it."""
    offset = text.index("|")
    return document(text.replace("|", "", 1), folder, **settings), offset


def document(text: str, folder: Path | None = None, name: str = "main.sflow", **settings: object) -> Document:
    """A document as the editor has it; in a folder it has a path there, else none."""
    path = str(folder / name) if folder else "<untitled:main>"
    return analyse(path, text, folder, settings=Settings(**settings))  # type: ignore[arg-type]


def labels(text: str, folder: Path | None = None, environment: tuple[str, ...] = ()) -> list[str]:
    """What completion offers at the cursor."""
    found, offset = marked(text, folder)
    return [item.label for item in complete(found, offset, known_environment=environment)]


def uri_of(name: str) -> str:
    """A plain address of a text."""
    return name[1:-1] if name.startswith("<") else f"file://{name}"


def write_wav(path: Path, seconds: float, rate: int = 8000, channels: int = 1) -> None:
    """Silence of a length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * channels * round(seconds * rate)))
