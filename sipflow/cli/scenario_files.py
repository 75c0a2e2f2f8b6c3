"""The scenario files that a command line names: which they are, and their texts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from sipflow.errors import SipflowError
from sipflow.lang.source import MAX_SOURCE_CHARACTERS

STDIN = "-"
STDIN_SOURCE = "<stdin>"
"""What spans call the text of standard input."""
SUFFIX = ".sflow"
_MAX_BYTES = 4 * MAX_SOURCE_CHARACTERS + 1
"""Enough to see that a text is too long, whatever its characters are."""
_SKIPPED_FOLDERS = frozenset(("node_modules", "sipflow-out"))
"""What others put there is not the user's; hidden folders (`.git`, `.venv`) are passed over as well."""


Stamp = tuple[int, int, int] | None
"""When a file was written, how long it is, which file it is; None when there is none."""


class UnreadableError(SipflowError):
    """A file cannot be read; `reason` says why in a few words."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"cannot read {name}: {reason}")
        self.reason = reason


def source_name(name: str) -> str:
    """What spans call the file that the command line names so."""
    return STDIN_SOURCE if name == STDIN else name


def file_key(name: str) -> str:
    """The same for every way of writing a path; standard input and texts without a file are their own keys."""
    name = source_name(name)
    return name if name.startswith("<") else os.path.realpath(name)


def read_text(name: str) -> str:
    """The text of a file; bytes that are not UTF-8 become lone surrogates, which the language reports.

    Raises `UnreadableError`.
    """
    try:
        with sys.stdin.buffer if name == STDIN else Path(name).open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "surrogateescape")
    except (OSError, ValueError) as error:
        raise UnreadableError(name, getattr(error, "strerror", None) or str(error)) from error


def stamp_of(path: str) -> Stamp:
    """What changes when the file does."""
    try:
        status = os.stat(path)  # noqa: PTH116 - any text, also what could be no path
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def find_scenarios(paths: Iterable[str]) -> list[str]:
    """The files that `paths` stand for, each once: a folder for all .sflow files in and below it, a file for itself.

    Raises `click.UsageError` for a folder without any.
    """
    found: dict[str, str] = {}
    for path in paths:
        for name in _expanded(path):
            found.setdefault(file_key(name), name)
    return list(found.values())


def _expanded(path: str) -> list[str]:
    if path == STDIN or not Path(path).is_dir():
        return [path]
    found = [str(file) for folder in folders_below(path) for file in _scenarios_in(folder)]
    if not found:
        from click import UsageError  # a check of files does without it

        raise UsageError(f"there is no {SUFFIX} file in {path}")
    return sorted(found)


def folders_below(path: str) -> Iterator[Path]:
    """A folder and all in it in which scenarios are looked for."""
    for folder, names, _ in os.walk(path):
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in _SKIPPED_FOLDERS)
        yield Path(folder)


def _scenarios_in(folder: Path) -> Iterator[Path]:
    try:
        yield from (file for file in folder.iterdir() if file.suffix == SUFFIX and file.is_file())
    except OSError:
        return
