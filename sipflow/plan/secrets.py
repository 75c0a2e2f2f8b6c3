"""Where a graph says `secret`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from sipflow.ir.expr import Secret
from sipflow.ir.graph import Graph
from sipflow.ir.span import Span


def secrets_in(graph: Graph) -> Iterator[Secret]:
    """Every `secret E` in agents, variables and statements, those inside of others first."""
    yield from _secrets((graph.agents, graph.variables, graph.nodes))


def _secrets(value: Any) -> Iterator[Secret]:
    if isinstance(value, tuple):
        for item in value:
            yield from _secrets(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, Span):
        for field in dataclasses.fields(value):
            yield from _secrets(getattr(value, field.name))
    if isinstance(value, Secret):
        yield value
