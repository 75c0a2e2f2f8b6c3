"""C programs of the benches, compiled when they are called for."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE"]


def compiled(name: str) -> Path:
    """The program made of `bench/NAME.c`; compiled once for each text of it, kept with the system's temporary files."""
    source = Path(__file__).with_name(f"{name}.c")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    program = Path(tempfile.gettempdir()) / f"sipflow-bench-{os.getuid()}" / f"{name}-{digest}"
    if not program.exists():
        program.parent.mkdir(mode=0o700, exist_ok=True)
        fresh = program.with_suffix(f".{os.getpid()}")
        subprocess.run([os.environ.get("CC", "cc"), *FLAGS, "-o", str(fresh), str(source)], check=True)
        fresh.replace(program)
    return program
