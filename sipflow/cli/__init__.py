"""The command line: the way in.

What people, hooks and CI call most, `sipflow check FILE…` without options, goes straight to the check; all else is
read by click, which takes a fifth of the time of such a check to import.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from sipflow.errors import SipflowError

PROGRAM = "sipflow"
COMPLETE_VARIABLE = "_SIPFLOW_COMPLETE"
"""Set by the scripts of `sipflow completion` when a shell wants to know how a line may go on."""


def main() -> None:
    """Entry point: no traceback reaches a user."""
    _take_any_text()
    try:
        if _is_plain_check(sys.argv[1:]):
            sys.exit(load("sipflow.cli.showing").check_files(sys.argv[2:]))
        load("sipflow.cli.main").run_command()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        drop_output()
        sys.exit(0)
    except (SipflowError, OSError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        sys.exit(3)
    except Exception as error:  # a bug: a line for the user, the traceback for us
        crash = load("sipflow.crash")
        print(f"{PROGRAM}: {crash.note_crash(error)}", file=sys.stderr)
        sys.exit(crash.EXIT_CODE)


def _is_plain_check(arguments: Sequence[str]) -> bool:
    """Whether it is `check` and nothing but names of files that are there."""
    command, *names = arguments or ("",)
    return (
        command == "check"
        and bool(names)
        and COMPLETE_VARIABLE not in os.environ
        and not any(name.startswith("-") for name in names)
        and all(map(os.path.isfile, names))
    )


def load(name: str) -> ModuleType:
    """A module. What it brings along stays, so that nobody needs to search it for garbage meanwhile."""
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.enable()


def _take_any_text() -> None:
    """Let both outputs take every character: a terminal without them shows escapes, no traceback."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def drop_output() -> None:
    """Nobody reads any more: what is still buffered must not complain when the interpreter ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
