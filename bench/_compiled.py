"""C of the benches, compiled when it is called for: programs, and libraries with parts of the engine in them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

CSRC = Path(__file__).parents[1] / "csrc"
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-D_GNU_SOURCE"]
PROGRAM, LIBRARY = ["-O2"], ["-O3", "-fPIC", "-shared", "-fvisibility=default"]
"""A library is built as the engine is (csrc/build_native.py)."""


def compiled(name: str) -> Path:
    """The program made of `bench/NAME.c`."""
    return _compiled(name, PROGRAM, [])


def compiled_library(name: str, *, included: Sequence[str]) -> Path:
    """A shared library made of `bench/NAME.c` and csrc/core, without the files that NAME.c includes as they are."""
    core = [source for source in sorted((CSRC / "core").glob("*.c")) if source.name not in included]
    return _compiled(name, LIBRARY, core)


def _compiled(name: str, flags: list[str], others: list[Path]) -> Path:
    """Compiled once for each text of all that may go in, and kept with the system's temporary files."""
    source = Path(__file__).with_name(f"{name}.c")
    texts = [source, *(sorted(CSRC.glob("*/*.[ch]")) if others else [])]
    digest = hashlib.sha256(b"\0".join(text.read_bytes() for text in texts)).hexdigest()[:16]
    made = Path(tempfile.gettempdir()) / f"sipflow-bench-{os.getuid()}" / f"{name}-{digest}"
    if not made.exists():
        made.parent.mkdir(mode=0o700, exist_ok=True)
        fresh = made.with_suffix(f".{os.getpid()}")
        command = [os.environ.get("CC", "cc"), *FLAGS, *flags, "-o", str(fresh), str(source), *map(str, others), "-lm"]
        subprocess.run(command, check=True)
        fresh.replace(made)
    return made
