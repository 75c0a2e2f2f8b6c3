"""What becomes of a fault in sipflow itself: a line for the user, the traceback in a file that can be sent to us."""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
import traceback
from pathlib import Path

from sipflow import __version__

EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h: none of the verdicts of a run, so that nobody takes a fault of ours for one."""


def crash_file(pid: int) -> Path:
    """Where the process `pid` of this user leaves its traceback."""
    return Path(tempfile.gettempdir()) / f"sipflow-crash-{pid}.txt"


def place_of(error: BaseException) -> str:
    """What a fault said, and the line of the program that said it."""
    steps = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(steps[-1].filename).name}, line {steps[-1].lineno})" if steps else ""
    return f"{error!r}{where}"


def note_crash(error: BaseException) -> str:
    """Write the traceback of this process's fault to its file; returns the line for the user. Raises nothing."""
    told = f"a fault in sipflow itself: {place_of(error)}"
    with contextlib.suppress(OSError):
        file = crash_file(os.getpid())
        # A name that others can guess in a folder that all may write to: what lies there already is not followed.
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as out:
            out.write(f"sipflow {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n")
            out.write("".join(traceback.format_exception(error)))
        told += f"; its traceback is in {file}"
    return told
