"""Signals by which a program is asked to end."""

from __future__ import annotations

import signal

_ASKING = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl-C, `kill` and service managers, a terminal that is closed."""


def signals_that_end() -> tuple[signal.Signals, ...]:
    """Those that this process is not to ignore: who starts it with `nohup` wants it to outlive the terminal."""
    known = (getattr(signal, name, None) for name in _ASKING)
    return tuple(one for one in known if one is not None and signal.getsignal(one) is not signal.SIG_IGN)
