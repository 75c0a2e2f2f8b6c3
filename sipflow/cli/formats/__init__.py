"""The forms in which `sipflow check` says what it found: one module each, a text out of checked files."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import cast

from sipflow.cli.checking import CheckedFile

FORMATS = ("text", "json", "github", "sarif", "junit")
"""`text` is for people, the others are for programs: all of them go to standard output, and nothing else does."""


def formatted(files: Sequence[CheckedFile], form: str) -> str:
    """What a program reads, in one of `FORMATS`; the text form without colours."""
    module = importlib.import_module(f"sipflow.cli.formats.as_{form}")
    return cast(Callable[[Sequence[CheckedFile]], str], module.formatted)(files)
