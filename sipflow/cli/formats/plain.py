"""What several forms say alike."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from sipflow.lang.diagnostics import Diagnostic

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


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


def json_text(document: Any) -> str:
    """A JSON document with a line end, in ASCII; bytes of a file that are not UTF-8 are U+FFFD in it.

    Lone surrogates, by which Python carries such bytes, are escapes that other languages' parsers refuse.
    """
    whole = _LONE_SURROGATES.sub("\ufffd", json.dumps(document, ensure_ascii=False))
    return json.dumps(json.loads(whole), indent=2) + "\n"


def printable(text: str) -> str:
    """`text` without characters that XML has no place for; lines and tabs stay."""
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)
