"""Files that a command writes in the end: looked at before it begins, and a full disk takes nothing else along."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sipflow.cli import drop_output
from sipflow.errors import MachineError

Output = tuple[Path, Callable[[Path], None]]
"""Where, and what writes it there."""


class Steady:
    """Standard output for what comes to its end although nobody reads any more: `| head`, a closed terminal.

    All else is that of `sys.stdout`.
    """

    def write(self, text: str) -> int:
        """As that of a stream; into nothing once the reader is gone."""
        try:
            return sys.stdout.write(text)
        except OSError:
            drop_output()
            return len(text)

    def flush(self) -> None:
        """As that of a stream."""
        try:
            sys.stdout.flush()
        except OSError:
            drop_output()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stdout, name)


def look_at(paths: Iterable[Path | None]) -> None:
    """Make the folders above; raises `MachineError` for the first file that could not be written."""
    for path in paths:
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except FileExistsError as error:
                raise MachineError(f"cannot write {path}: {path.parent} is no folder") from error
            except OSError as error:
                raise MachineError(unwritten(path, error)) from error
            if not os.access(path if path.exists() else path.parent, os.W_OK):
                raise MachineError(f"cannot write {path}: Permission denied")


def write_all(outputs: Iterable[Output]) -> tuple[str, ...]:
    """Write each, whatever becomes of the others; gives what could not be written, and why. No half of a file stays."""
    problems = []
    for path, write in outputs:
        try:
            write(path)
        except OSError as error:
            problems.append(unwritten(path, error))
            if path.is_file():
                path.unlink()
    return tuple(problems)


def unwritten(path: Path, error: OSError) -> str:
    """What could not be written, and why."""
    return f"cannot write {path}: {error.strerror or error}"
