"""`sipflow import` and `sipflow export`: scenarios of the SIPFLOW desktop builder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from sipflow.cli.completing import SCENARIO
from sipflow.cli.graph import compiled, read_text, write
from sipflow.flowdata import Imported, Note, read_flow, write_flow
from sipflow.ir.program import NoTextError, graph_to_text

WRONG_FILE = 2


@click.command(name="import")
@click.argument("file", metavar="FILE|-")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file; without it to standard output.",
)
def import_flow(file: str, output: Path | None) -> None:
    """Make a scenario of the desktop builder (FlowData JSON) a .sflow text.

    What is wrong with it, and what a text has no place for, goes to standard error. - is standard input.

    \b
    Exit codes:
      0  written, perhaps without what could not be said
      2  nothing of the file could be used
      3  the file behind -o could not be written

    \b
    Examples:
      sipflow import flow.json -o flow.sflow
      sipflow import - < flow.json | sipflow check -
    """
    imported = _read(file)
    _print_notes(imported.notes, file)
    if imported.graph is None:
        sys.exit(WRONG_FILE)
    try:
        text = graph_to_text(imported.graph)
    except NoTextError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(WRONG_FILE)
    head = "" if file == "-" else f"# from {_plain(Path(file).name)}\n"
    write(head + text, output)


@click.command(name="export")
@click.argument("file", type=SCENARIO, metavar="FILE|-")
@click.option("--to", "form", type=click.Choice(("flowdata",)), default="flowdata", show_default=True,
              help="The form to write; there is one so far.")  # fmt: skip
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file; without it to standard output.",
)
@click.option("--strict", is_flag=True, help="Write nothing and exit with 2 when something would be lost.")
def export_flow(file: str, form: str, output: Path | None, strict: bool) -> None:
    """Write a scenario as the desktop builder stores it (FlowData JSON), as far as that can say it.

    What it cannot say goes to standard error, each with its line. - is standard input.

    \b
    Exit codes:
      0  written, perhaps without what the builder has no place for
      2  the scenario has an error, or --strict and something would be lost
      3  the file behind -o could not be written

    \b
    Examples:
      sipflow export ivr.sflow -o ivr.json
      sipflow export --strict ivr.sflow > ivr.json
    """
    exported = write_flow(compiled(file))
    _print_notes(exported.notes, file)
    if strict and exported.notes:
        sys.exit(WRONG_FILE)
    write(json.dumps(exported.data, indent=2, ensure_ascii=False) + "\n", output)


def _read(file: str) -> Imported:
    try:
        data = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        return Imported(None, (Note("error", f"this is no JSON: {error}"),))
    return read_flow(data, "" if file == "-" else _plain(Path(file).stem))


def _plain(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name)


def _print_notes(notes: tuple[Note, ...], file: str) -> None:
    for note in notes:
        click.echo(note.render("<stdin>" if file == "-" else file), err=True, nl=False)
