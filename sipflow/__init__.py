"""sipflow: say in text what a call should do, and see on the wire whether it does.

`run(path_or_text) -> Report`, `await arun(path_or_text) -> Report`, `check(text) -> list[Diagnostic]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sipflow.errors import SipflowError

if TYPE_CHECKING:
    from sipflow.api import NetworkConditions, Options, Report, arun, check, duration, run

__version__ = "0.1.0"
__all__ = [
    "NetworkConditions",
    "Options",
    "Report",
    "SipflowError",
    "__version__",
    "arun",
    "check",
    "duration",
    "run",
]


def __getattr__(name: str) -> Any:
    """Load the interface when it is first used: the command line must be up before a person notices."""
    if name in __all__:
        from sipflow import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
