"""What several forms say alike."""

from __future__ import annotations

import os
from pathlib import Path

from sipflow.lang.diagnostics import Diagnostic


def advice(diagnostic: Diagnostic) -> str:
    """`help: …`, empty when there is none."""
    text = diagnostic.help or (diagnostic.fix.title if diagnostic.fix is not None else "")
    return f"help: {text}" if text else ""


def relative(name: str) -> str:
    """A path as seen from the working directory, with slashes; absolute when it lies elsewhere."""
    path = Path(os.path.normpath(name))
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix()


def printable(text: str) -> str:
    """`text` without characters that XML has no place for; lines and tabs stay."""
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)
