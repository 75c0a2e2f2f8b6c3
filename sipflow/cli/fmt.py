"""`sipflow fmt`: scenarios in the one layout."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from sipflow.cli.completing import SCENARIO
from sipflow.cli.fixing import Change, coloured_diff
from sipflow.cli.formats.as_text import coloured, plural
from sipflow.cli.scenario_files import STDIN, UnreadableError, find_scenarios, read_text, source_name
from sipflow.lang.format import format_text
from sipflow.lang.rendering import render_one
from sipflow.lang.source import Source

WOULD_CHANGE = 1
FILE_IS_WRONG = 2
ENVIRONMENT_IS_WRONG = 3


@dataclass(frozen=True, slots=True)
class _File:
    """A file, and its text in the one layout."""

    name: str
    text: str = ""
    formatted: str = ""
    """The same as `text` when there are syntax errors: then nothing is touched."""
    problem: str = ""
    """Why there is no formatted text: rendered diagnostics, or why the file cannot be read."""

    @property
    def change(self) -> Change | None:
        """What there is to do."""
        if self.text == self.formatted:
            return None
        return Change(source_name(self.name), self.text, self.formatted, 0)


@click.command(short_help="Lay out scenarios the one way.")
@click.argument("paths", nargs=-1, required=True, type=SCENARIO, metavar="FILE|DIR|-…")
@click.option("--check", is_flag=True, help="Write nothing; name the files that are not in the layout.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change as a unified diff.")
@click.option("--color", "colour", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True,
              help="Colour diffs and diagnostics. auto: on a terminal, unless NO_COLOR is set.")  # fmt: skip
def fmt(paths: tuple[str, ...], check: bool, diff: bool, colour: str) -> None:
    """Lay out scenarios the one way: indentation, spaces, blank lines, columns. What they mean does not change.

    FILE is written anew when its layout changes, whatever it is called. DIR stands for all .sflow files in and below
    it; hidden folders, node_modules and sipflow-out are passed over. - is standard input, formatted to standard
    output. A file with syntax errors is left as it is, and they are told.

    Names and diffs go to standard output, the rest to standard error.

    \b
    Exit codes:
      0    all files are in the layout now (with --diff alone: could be brought into it)
      1    with --check: at least one file is not
      2    a file has a syntax error or cannot be read, or the command line is wrong
      3    a file could not be written
      130  interrupted

    \b
    Examples:
      sipflow fmt .                       all below this folder
      sipflow fmt --check --diff .        for a CI job
      sipflow fmt - < old.sflow > new.sflow
    """
    files = [_read(name) for name in find_scenarios(paths)]
    painted = _colour(colour)
    status = FILE_IS_WRONG if any(file.problem for file in files) else 0
    for file in files:
        if file.problem:
            click.echo(coloured(file.problem), nl=False, err=True, color=painted)
    if check or diff:
        changed = _show(files, painted, names=check and not diff, diff=diff)
        sys.exit(status or (WOULD_CHANGE if check and changed else 0))
    sys.exit(max(status, _write(files)))


def _read(name: str) -> _File:
    try:
        text = read_text(name)
    except UnreadableError as error:
        return _File(name, problem=f"sipflow: cannot read {name}: {error.reason}\n")
    result = format_text(text, source_name(name))
    if result.text is not None:
        return _File(name, text, result.text)
    source = Source(source_name(name), text)
    return _File(name, text, text, "".join(f"{render_one(found, source)}\n" for found in result.diagnostics))


def _colour(choice: str) -> bool | None:
    if choice == "auto":
        return False if os.environ.get("NO_COLOR") else None
    return choice == "always"


def _show(files: Sequence[_File], painted: bool | None, *, names: bool, diff: bool) -> int:
    """Tell what would change, and write nothing; how many files it is."""
    changes = [change for file in files if (change := file.change) is not None]
    for change in changes:
        if names:
            click.echo(change.name)
        if diff:
            click.echo(coloured_diff(change.diff()), nl=False, color=painted)
    _summary(files, f"{plural(len(changes), 'file')} would be formatted")
    return len(changes)


def _write(files: Sequence[_File]) -> int:
    """Write what changed; the exit code of that."""
    status = written = 0
    for file in files:
        if file.name == STDIN:
            click.echo(file.formatted if not file.problem else "", nl=False, color=True)
        elif file.change is not None:
            problem = file.change.write()
            status = ENVIRONMENT_IS_WRONG if problem else status
            written += not problem
            if problem:
                click.echo(f"sipflow: cannot write {file.name}: {problem}", err=True)
            else:
                click.echo(f"formatted {file.name}", err=True)
    if [file.name for file in files] != [STDIN]:
        _summary(files, f"{plural(written, 'file')} formatted")
    return status


def _summary(files: Sequence[_File], done: str) -> None:
    left = sum(file.change is None and not file.problem for file in files)
    wrong = sum(bool(file.problem) for file in files)
    parts = [done, f"{left} in the layout already"] if left else [done]
    parts += [f"{wrong} with errors left alone"] if wrong else []
    click.echo(", ".join(parts), err=True)
