"""`sipflow graph`: the graph that a scenario means, for programs and as a picture."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click

from sipflow.assets import Assets, media_folders
from sipflow.cli.completing import SCENARIO
from sipflow.ir.dump import graph_to_json
from sipflow.ir.graph import Graph
from sipflow.lang import compile_text


def _svg(graph: Graph) -> str:
    from sipflow.ir.draw.svg import graph_to_svg

    return graph_to_svg(graph)


def _mermaid(graph: Graph) -> str:
    from sipflow.ir.draw.mermaid import graph_to_mermaid

    return graph_to_mermaid(graph)


def _dot(graph: Graph) -> str:
    from sipflow.ir.draw.dot import graph_to_dot

    return graph_to_dot(graph)


def _json(graph: Graph) -> str:
    return json.dumps(graph_to_json(graph), indent=2, ensure_ascii=False) + "\n"


_WRITERS: dict[str, Callable[[Graph], str]] = {"json": _json, "svg": _svg, "mermaid": _mermaid, "dot": _dot}
_SUFFIXES = {".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot"}


@click.command()
@click.argument("file", type=SCENARIO, metavar="FILE|-")
@click.option("--format", "form", type=click.Choice(tuple(_WRITERS)),
              help="What to write; without it the form that the name behind -o ends in, else json.")  # fmt: skip
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file; without it to standard output.",
)
def graph(file: str, form: str | None, output: Path | None) -> None:
    """Show the graph that a scenario means: as a picture (svg, mermaid, dot), or as JSON for programs.

    The JSON form has a version and a schema (docs/graph.schema.json). Media files are not looked at. What is wrong
    with the scenario goes to standard error. - is standard input.

    \b
    Exit codes:
      0  written
      2  the scenario has an error, or cannot be read
      3  the file behind -o could not be written

    \b
    Examples:
      sipflow graph ivr.sflow -o ivr.svg
      sipflow graph ivr.sflow --format mermaid
      sipflow graph ivr.sflow | jq .nodes[].text
    """
    text = _WRITERS[form or _form_of(output)](compiled(file))
    write(text, output)


def compiled(file: str) -> Graph:
    """The graph of a scenario file, with its diagnostics on standard error; ends the command when it has an error."""
    source, folder = ("<stdin>", None) if file == "-" else (file, Path(file).parent)
    result = compile_text(read_text(file), source, files=_WithoutMedia(Assets(media_folders(folder, None))))
    for diagnostic in result.diagnostics:
        click.echo(result.render(diagnostic), err=True)
    if result.graph is None:
        sys.exit(2)
    return result.graph


def read_text(file: str) -> str:
    """The text of a file (`-`: standard input); a usage error of the command when it cannot be read."""
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise click.UsageError(f"cannot read {file}: {error.strerror}") from error
    return data.decode("utf-8", "surrogateescape")


def write(text: str, output: Path | None) -> None:
    """Put a text where the user wants it."""
    if output is None:
        click.echo(text, nl=False)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")


def _form_of(output: Path | None) -> str:
    return _SUFFIXES.get(output.suffix.lower(), "json") if output is not None else "json"


class _WithoutMedia:
    """Reads what a scenario imports; what it plays need not be here to be drawn."""

    def __init__(self, assets: Assets) -> None:
        self.text = assets.text
        self.table = assets.table

    def probe(self, path: str) -> None:
        """Nobody looks."""

    def missing_for(self, codec: str) -> str:
        """Nothing that is played is encoded here."""
        return ""
