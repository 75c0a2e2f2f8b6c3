"""`sipflow graph`: the graph that a scenario means."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import click

from sipflow.cli.check import read_text
from sipflow.ir.draw import graph_to_dot, graph_to_mermaid
from sipflow.ir.dump import graph_to_json
from sipflow.ir.graph import Graph
from sipflow.lang import compile_text
from sipflow.lang.rendering import render_one


def _json(graph: Graph) -> str:
    return json.dumps(graph_to_json(graph), indent=2, ensure_ascii=False) + "\n"


_WRITERS: dict[str, Callable[[Graph], str]] = {"json": _json, "mermaid": graph_to_mermaid, "dot": graph_to_dot}


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--format", "form", type=click.Choice(tuple(_WRITERS)), default="json", show_default=True)
def graph(file: str, form: str) -> None:
    """Show the graph that a scenario means: its nodes with success and failure edges.

    The JSON form has a version and a schema (docs/graph.schema.json). Media files are not looked at. Exit code 2 when
    the scenario has an error.
    """
    result = compile_text(read_text(file), "<stdin>" if file == "-" else file)
    for diagnostic in result.diagnostics:
        click.echo(render_one(diagnostic, result.source), err=True)
    if result.graph is None:
        sys.exit(2)
    click.echo(_WRITERS[form](result.graph), nl=False)
