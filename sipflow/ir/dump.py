"""Graphs as JSON and back: `load_graph(graph_to_json(graph)) == graph`. `docs/graph.schema.json` is the schema.

Times of quantities are milliseconds, offsets of spans are characters; a span without a `source` of its own is in the
graph's source, null is a thing that no text stands for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from sipflow.errors import SipflowError
from sipflow.ir import ops
from sipflow.ir.expr import (
    Apply,
    Binary,
    Env,
    Expr,
    Literal,
    Name,
    Quantity,
    Regex,
    Secret,
    Template,
    Unary,
    Unit,
    Value,
)
from sipflow.ir.graph import (
    GRAPH_VERSION,
    Agent,
    Auth,
    Challenge,
    Graph,
    Lane,
    Listen,
    MediaSettings,
    Node,
    Registrar,
    Scenario,
    SessionTimer,
    Table,
    Tls,
)
from sipflow.ir.load import Load, Stage
from sipflow.ir.ops import Edit, Let, Op, With
from sipflow.ir.span import NOWHERE, Span

Json = dict[str, Any]


class GraphFormatError(SipflowError):
    """A JSON value is not the graph of a version that this sipflow knows."""


OPS: dict[tuple[str, str], type[Op]] = {
    (op.kind, op.word): op
    for op in vars(ops).values()
    if isinstance(op, type) and issubclass(op, Op) and op.word  # bases have no name
}
"""Operations by node kind and name in graph JSON."""


# --- to JSON -------------------------------------------------------------------------------------------------------


def graph_to_json(graph: Graph) -> Json:
    """The JSON form of a graph: dicts, lists, strings, numbers, booleans and None only."""
    return _Dumper(graph.source).graph(graph)


class _Dumper:
    def __init__(self, source: str) -> None:
        self.source = source

    def graph(self, graph: Graph) -> Json:
        return {
            "version": graph.version,
            "source": graph.source,
            "scenario": self.fields(graph.scenario),
            "agents": [self.fields(agent) for agent in graph.agents],
            "variables": [self.fields(variable) for variable in graph.variables],
            "tables": [self.fields(table) for table in graph.tables],
            "load": None if graph.load is None else self.fields(graph.load),
            "lanes": [self.fields(lane) for lane in graph.lanes],
            "nodes": [self.node(node) for node in graph.nodes],
            "edges": [edge._asdict() for edge in graph.edges()],
        }

    def node(self, node: Node) -> Json:
        return {
            "id": node.id,
            "kind": node.op.kind,
            "op": node.op.word,
            "flow_name": node.op.flow_name,
            "agent": node.agent,
            "lane": node.lane,
            "call": node.call,
            "params": self.fields(node.op),
            "within": self.value(node.within),
            "waits": node.op.waits,
            "span": self.span(node.span),
            "text": node.text,
            "label": node.label,
            "arms": len(node.arms),
            "via": [self.span(span) for span in node.via],
        }

    def fields(self, thing: Any) -> Json:
        return {field.name: self.value(getattr(thing, field.name)) for field in dataclasses.fields(thing)}

    def value(self, value: Any) -> Any:
        if value is None or isinstance(value, str | int | float | bool):
            return value
        if isinstance(value, tuple):
            return [self.value(item) for item in value]
        if isinstance(value, Span):
            return self.span(value)
        if isinstance(value, Op):  # the event of an arm
            return {"kind": value.kind, "op": value.word, "params": self.fields(value)}
        return self.expression(value) if isinstance(value, Expr) else self.fields(value)

    def span(self, span: Span) -> Json | None:
        if span == NOWHERE:
            return None
        values = {field.name: getattr(span, field.name) for field in dataclasses.fields(span)}
        if span.source == self.source:
            del values["source"]
        return values

    def expression(self, expression: Expr) -> Json:
        if isinstance(expression, Literal):
            return {**_literal_to_json(expression.value), "span": self.span(expression.span)}
        return {"type": _TYPE_OF[type(expression)], **self.fields(expression)}


def _literal_to_json(value: Value) -> Json:
    match value:
        case bool():
            return {"type": "boolean", "value": value}
        case Quantity(value=number, unit=unit):
            return {"type": "quantity", "value": number, "unit": unit.value}
        case Regex(pattern=pattern):
            return {"type": "regex", "value": pattern}
        case str():
            return {"type": "string", "value": value}
        case _:
            return {"type": "number", "value": value}


_TYPE_OF: dict[type, str] = {
    Template: "template",
    Name: "name",
    Env: "env",
    Secret: "secret",
    Apply: "apply",
    Unary: "unary",
    Binary: "binary",
}
_TYPES = {name: cls for cls, name in _TYPE_OF.items()}

_LITERALS: dict[str, Callable[[Json], Value]] = {
    "boolean": lambda data: bool(data["value"]),
    "quantity": lambda data: Quantity(float(data["value"]), Unit(data["unit"])),
    "regex": lambda data: Regex(data["value"]),
    "string": lambda data: str(data["value"]),
    "number": lambda data: float(data["value"]),
}


_PARTS: dict[str, type] = {
    "extra": With,
    "edits": Edit,
    "listens": Listen,
    "tls": Tls,
    "auth": Auth,
    "session_timer": SessionTimer,
    "challenge": Challenge,
    "registrar": Registrar,
    "users": Auth,
    "media": MediaSettings,
    "stages": Stage,
}
"""Fields that hold values of another class, under whatever class they stand."""


# --- from JSON -----------------------------------------------------------------------------------------------------


def load_graph(data: Json) -> Graph:
    """The graph of a JSON form; raises `GraphFormatError` when it is none."""
    try:
        if data["version"] != GRAPH_VERSION:
            raise GraphFormatError(f"graph version {data['version']} is not {GRAPH_VERSION}")
        return _Loader(data["source"]).graph(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GraphFormatError(f"this is no graph: {error!r}") from error


class _Loader:
    def __init__(self, source: str) -> None:
        self.source = source

    def graph(self, data: Json) -> Graph:
        edges = {(edge["source"], edge["handle"], edge["arm"]): edge["target"] for edge in data["edges"]}
        return Graph(
            scenario=self.make(Scenario, data["scenario"]),
            agents=tuple(self.make(Agent, agent) for agent in data["agents"]),
            lanes=tuple(self.make(Lane, lane) for lane in data["lanes"]),
            nodes=tuple(self.node(node, edges) for node in data["nodes"]),
            variables=tuple(self.make(Let, variable) for variable in data["variables"]),
            tables=tuple(self.make(Table, table) for table in data["tables"]),
            load=self.part(Load, data.get("load")),
            source=self.source,
            version=data["version"],
        )

    def node(self, data: Json, edges: dict[tuple[str, str, int | None], str]) -> Node:
        return Node(
            id=data["id"],
            lane=data["lane"],
            agent=data["agent"],
            op=self.op(data),
            call=data["call"],
            within=self.value(data["within"]),
            success=edges.get((data["id"], "success", None)),
            failure=edges.get((data["id"], "failure", None)),
            span=self.span(data["span"]),
            text=data["text"],
            arms=tuple(edges.get((data["id"], "success", arm)) for arm in range(data["arms"])),
            label=data["label"],
            via=tuple(self.span(span) for span in data["via"]),
        )

    def op(self, data: Json) -> Any:
        op = OPS[data["kind"], data["op"]]
        if op is not ops.Choose:
            return self.make(op, data["params"])
        arms = tuple(ops.Arm(self.op(arm["event"]), arm["call"]) for arm in data["params"]["events"])
        return ops.Choose(arms, data["params"]["timeout"])

    def make(self, cls: Any, data: Json) -> Any:
        names = {field.name for field in dataclasses.fields(cls)}
        values = {name: self.value(value) for name, value in data.items() if name in names}
        if "span" in names:
            values["span"] = self.span(data["span"])
        values |= {name: self.part(_PARTS[name], data[name]) for name in values.keys() & _PARTS.keys()}
        return cls(**values)

    def part(self, cls: Any, data: Any) -> Any:
        """A value of its own class in a field, some of them in a tuple, or None."""
        if isinstance(data, list):
            return tuple(self.make(cls, item) for item in data)
        return None if data is None else self.make(cls, data)

    def value(self, data: Any) -> Any:
        if isinstance(data, list):
            return tuple(self.value(item) for item in data)
        return self.expression(data) if isinstance(data, dict) and "type" in data else data

    def span(self, data: Json | None) -> Span:
        return NOWHERE if data is None else Span(**{"source": self.source, **data})

    def expression(self, data: Json) -> Expr:
        if data["type"] in _LITERALS:
            return Literal(_LITERALS[data["type"]](data), self.span(data["span"]))
        cls: Any = _TYPES[data["type"]]
        expression: Expr = self.make(cls, {name: value for name, value in data.items() if name != "type"})
        return expression
