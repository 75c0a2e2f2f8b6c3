"""A folder for what a bench writes, gone with the bench however that ends, but for kill -9."""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """The folder. While inside, SIGTERM and SIGHUP end the program as Ctrl-C does, with all that is cleaned up then:
    `timeout` ends a bench by SIGTERM, at which Python goes without a word and leaves its folders.
    """
    before = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with tempfile.TemporaryDirectory(prefix="sipflow-bench-") as folder:
            yield Path(folder)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: object) -> None:
    sys.exit(128 + number)
