"""A check from names to what people see. click has no part in it: importing that takes longer than a short check."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from sipflow.cli.checking import CheckedFile, Checker, exit_code
from sipflow.cli.formats import formatted
from sipflow.cli.formats.as_text import colour_flag, coloured, hint, summary
from sipflow.cli.scenario_files import find_scenarios
from sipflow.values import dataclass

_NEW_OBJECTS_PER_COLLECTION = 100_000
"""Nearly all that a check makes is needed to its end: searching it for garbage every 700 objects takes a quarter of the
time of a long file."""


@dataclass(frozen=True, slots=True)
class Look:
    """How what was found is shown."""

    form: str = "text"
    colour: bool | None = None
    """None: as the terminal likes it."""
    to_stderr: bool = False
    """Whether standard output has something else to carry: the fixed text of standard input."""


def check_files(paths: Sequence[str]) -> int:
    """`sipflow check FILE…` without options; the exit code."""
    collect_seldom()
    files = Checker().check(find_scenarios(paths))
    show(files, Look(colour=colour_flag()))
    keep_all()
    return exit_code(files)


def collect_seldom() -> None:
    """Search for garbage only where there is much that is new."""
    gc.set_threshold(_NEW_OBJECTS_PER_COLLECTION)


def keep_all() -> None:
    """Spare the last search of all, which would give back what the end of the process gives back anyway."""
    gc.freeze()


def show(files: Sequence[CheckedFile], look: Look) -> None:
    """Say what was found on standard output, and everything else on standard error."""
    stream = sys.stderr if look.to_stderr else sys.stdout
    text = formatted(files, look.form)
    if look.form == "text" and (stream.isatty() if look.colour is None else look.colour):
        text = coloured(text)
    print(text, end="", file=stream, flush=True)
    for file in files:
        if file.problem:
            print(f"sipflow: cannot read {file.name}: {file.problem}", file=sys.stderr)
    if look.form in ("text", "github"):
        print(summary(files), file=sys.stderr)
    if look.form == "text" and (more := hint(files)):
        print(more, file=sys.stderr)
    sys.stderr.flush()
