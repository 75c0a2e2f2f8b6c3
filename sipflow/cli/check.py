"""`sipflow check`: what is wrong with scenarios, before a packet is sent."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sipflow.cli.checking import Checker, exit_code
from sipflow.cli.completing import SCENARIO
from sipflow.cli.formats import FORMATS
from sipflow.cli.formats.as_text import colour_flag, plural
from sipflow.cli.scenario_files import STDIN, STDIN_SOURCE, UnreadableError, file_key, find_scenarios, read_text
from sipflow.cli.showing import Look, collect_seldom, keep_all, show

if TYPE_CHECKING:
    from sipflow.cli.fixing import Change

ENVIRONMENT_IS_WRONG = 3


@click.command(short_help="Say what is wrong with scenarios before a packet is sent.")
@click.argument("paths", nargs=-1, required=True, type=SCENARIO, metavar="FILE|DIR|-…")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True,
              help="How to say it: text for people; json (docs/check.schema.json) for programs; github for "
                   "annotations in GitHub Actions; sarif (2.1.0) for code scanning; junit for CI servers, with a test "
                   "case for each file.")  # fmt: skip
@click.option("--fix", is_flag=True,
              help="Carry out the fixes that diagnostics offer, as long as they make something go away and bring no "
                   "new error, write the files, and show what is left. Files that are imported are changed only when "
                   "they lie below the given paths. The fixed text of - goes to standard output.")  # fmt: skip
@click.option("--diff", is_flag=True, help="With --fix: change no file, print what would change as a unified diff.")
@click.option("--watch", is_flag=True,
              help="Check again whenever one of the files changes, or something that they import, play or read. "
                   "Ctrl-C ends it, with exit code 130.")  # fmt: skip
@click.option("--media-dir", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR",
              help="Look for audio files and tables there, too, after the scenario's own folder.")  # fmt: skip
@click.option("--color", "colour", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True,
              help="Colour the text form. auto: on a terminal, unless NO_COLOR is set.")  # fmt: skip
def check(
    paths: tuple[str, ...], form: str, fix: bool, diff: bool, watch: bool, media_dir: Path | None, colour: str
) -> None:
    """Say what is wrong with scenarios: all mistakes at once, each with its place and, where there is one, a fix.

    FILE is checked whatever it is called. DIR stands for all .sflow files in and below it; hidden folders,
    node_modules and sipflow-out are passed over. - is standard input. What is wrong in a file that others import is
    told once.

    What was found goes to standard output, everything else (the summary, what was fixed) to standard error.
    `sipflow explain SF203` says more about a code.

    \b
    Exit codes (with --fix: of the files as they are now):
      0    no file has an error; warnings may be there
      2    a file has an error or cannot be read, or the command line is wrong
      3    a file that was fixed could not be written
      130  interrupted

    \b
    Examples:
      sipflow check ivr.sflow                       one file
      sipflow check .                               all below this folder
      sipflow check --fix --diff ivr.sflow          what --fix would do
      sipflow check --fix - < ivr.sflow > new.sflow
      sipflow check --watch scenarios               while you write
      sipflow check --format sarif . > sipflow.sarif
    """
    _refuse_what_does_not_fit(paths, form, fix=fix, diff=diff, watch=watch)
    collect_seldom()
    look = Look(form, colour_flag(colour), to_stderr=fix and not diff and STDIN in paths)
    if watch:
        from sipflow.cli.watching import watch_files

        watch_files(paths, media_dir, lambda files: show(files, look))
    names = find_scenarios(paths)
    checker = Checker(media_dir, {file_key(STDIN): _standard_input()} if STDIN in names else {})
    status = _fix(checker, names, paths, look, diff=diff) if fix else 0
    files = checker.check(names)
    if not diff:
        show(files, look)
    keep_all()
    sys.exit(status or exit_code(files))


def _refuse_what_does_not_fit(paths: Sequence[str], form: str, *, fix: bool, diff: bool, watch: bool) -> None:
    reason = ""
    if diff and not fix:
        reason = "--diff shows what --fix would do: give both"
    elif diff and form != "text":
        reason = f"--diff prints a diff; it has no form {form}"
    elif watch and (fix or form != "text" or STDIN in paths):
        reason = "--watch shows text about files that change; it goes neither with --fix nor --format nor -"
    elif fix and STDIN in paths and (form != "text" or len(paths) > 1):
        reason = "--fix - prints the fixed text: no other file and no --format beside it"
    if reason:
        raise click.UsageError(reason)


def _standard_input() -> str:
    try:
        return read_text(STDIN)
    except UnreadableError as error:
        raise click.UsageError(str(error)) from error


def _fix(checker: Checker, names: Sequence[str], paths: Sequence[str], look: Look, *, diff: bool) -> int:
    """Carry out what can be fixed, or show it; the exit code of the writing."""
    from sipflow.cli.fixing import Workshop, coloured_diff

    workshop = Workshop(checker, names, paths)
    changes = workshop.fix()
    if diff:
        click.echo("".join(coloured_diff(change.diff()) for change in changes), nl=False, color=look.colour)
        return 0
    written = [_write(change) for change in changes]
    for name, number in workshop.out_of_reach().items():
        click.echo(f"{plural(number, 'fix', 'fixes')} not made in {name}, outside of the given paths", err=True)
    if look.to_stderr:
        checker.texts[file_key(STDIN)] = workshop.texts[file_key(STDIN)]
        click.echo(workshop.texts[file_key(STDIN)], nl=False, color=True)
    return 0 if all(written) else ENVIRONMENT_IS_WRONG


def _write(change: Change) -> bool:
    """Write a file, unless it is standard input, and say so; whether that was possible."""
    problem = "" if change.name == STDIN_SOURCE else change.write()
    if problem:
        click.echo(f"sipflow: cannot write {change.name}: {problem}", err=True)
    else:
        click.echo(f"fixed {change.fixed} in {change.name}", err=True)
    return not problem
