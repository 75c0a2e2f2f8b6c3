"""The command line as a process of its own, as a user has it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SIPFLOW = [sys.executable, "-m", "sipflow"]


def sipflow(
    *arguments: str,
    folder: Path | None = None,
    text: str | bytes = b"",
    wrapper: Sequence[str] = (),
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run it to its end in `folder` with `text` as standard input, by a `wrapper` of the system if one is given.

    Outputs are decoded as UTF-8.
    """
    done = subprocess.run(
        [*wrapper, *SIPFLOW, *arguments],
        cwd=folder,
        input=text.encode() if isinstance(text, str) else text,
        capture_output=True,
        env=os.environ | {"PYTHONUTF8": "1", **environment},
        timeout=60,
        check=False,
    )
    out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)
