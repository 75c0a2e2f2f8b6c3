"""Single keys of a terminal, on an asyncio loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def keys(pressed: Callable[[str], None]) -> Iterator[bool]:
    """Call `pressed` with every key while inside; gives whether there is a terminal that has any."""
    if not sys.stdin.isatty():
        yield False
        return
    import termios
    import tty

    descriptor, loop = sys.stdin.fileno(), asyncio.get_running_loop()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)  # Ctrl-C stays a signal

    def read() -> None:
        try:
            typed = os.read(descriptor, 32)
        except OSError:
            typed = b""
        if not typed:  # the terminal was closed
            loop.remove_reader(descriptor)
        for key in typed.decode("utf-8", "ignore"):
            pressed(key)

    loop.add_reader(descriptor, read)
    try:
        yield True
    finally:
        loop.remove_reader(descriptor)
        with contextlib.suppress(termios.error):  # of a terminal that was closed
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
