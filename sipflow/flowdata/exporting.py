"""A graph to FlowData, as far as FlowData can say it; what it cannot is listed with its lines.

Statements that have no counterpart are passed over: the flow goes on behind them. Ways that decide nothing in a flow
(`recover`, `end`) become edges.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from sipflow.flowdata.agents import AgentExport
from sipflow.flowdata.model import DEFAULT_TIMEOUT_MS, INCOMING_BEFORE, Flow, Step, carried_failures, with_incoming
from sipflow.flowdata.names import call_id
from sipflow.flowdata.notes import Note
from sipflow.flowdata.steps import Constants, step_of
from sipflow.flowdata.writing import Positions, document
from sipflow.ir import ops
from sipflow.ir.draw.layout import lay_out
from sipflow.ir.expr import constant_ms
from sipflow.ir.graph import Graph, Node

_MAKES_A_CALL = (ops.Call, ops.Dial, ops.Answer)


@dataclass(frozen=True, slots=True)
class Exported:
    """A FlowData document."""

    data: dict[str, Any]
    notes: tuple[Note, ...]
    """What it does not say of the scenario, in the order of the lines."""


def write_flow(graph: Graph) -> Exported:
    """The FlowData document of a graph."""
    exporter = _Exporter(graph, Constants(graph))
    flow = exporter.flow()
    notes = sorted(dict.fromkeys(exporter.notes), key=lambda note: note.line)
    return Exported(document(flow, _positions(graph, flow)), tuple(notes))


def _positions(graph: Graph, flow: Flow) -> Positions:
    """Where the picture of the graph has its boxes; a step that is put in stands above the one that it is for."""
    picture = lay_out(graph)
    places = {box.node.id: (round(box.x), round(box.y)) for box in picture.boxes}
    for lane in reversed(picture.lanes):
        places[f"agent:{lane.lane.agent}"] = (round(lane.axis), 0)
    for step in flow.steps.values():
        if step.id not in places:
            x, y = places[step.id.removesuffix(INCOMING_BEFORE)]
            places[step.id] = (x, y - 40)
    return places


@dataclass(slots=True)
class _Exporter:
    graph: Graph
    constants: Constants
    notes: list[Note] = field(default_factory=list)
    recovered: dict[tuple[str, str], int] = field(default_factory=dict)
    """How many failures each edge (by its source and handle) drops."""
    ended: set[tuple[str, str]] = field(default_factory=set)
    """Edges that lead to a `fail`."""

    def flow(self) -> Flow:
        """Everything."""
        self._tables()
        if self.graph.load is not None:
            line = self.graph.load.span.line
            self.notes.append(Note("warning", "FlowData has no load tests: `load { … }`", line=line))
        agents = AgentExport(self.graph, self.constants)
        self.notes += agents.notes
        made = {node.id: step for node in self.graph.nodes if (step := self._step(node)) is not None}
        starts: list[tuple[str, str]] = []
        for lane in self.graph.lanes:
            entry = self._resolve(lane.entry, "", made, ("", lane.id))
            if entry is not None:
                starts.append((f"agent:{lane.agent}", entry))
        steps = {node_id: self._connected(step, made) for node_id, step in made.items()}
        flow = _reachable(Flow(agents.instances(), steps, tuple(starts)))
        self._check_failures(flow)
        return _reachable(with_incoming(self._with_calls(flow)))

    def _say(self, node: Node | None, message: str) -> None:
        line = 0 if node is None else node.span.line
        self.notes.append(Note("warning", message, line=line, node="" if node is None else node.id))

    def _tables(self) -> None:
        for table in self.graph.tables:
            message = f"FlowData has no tables: `data {table.name}`"
            self.notes.append(Note("warning", message, line=table.span.line))

    # --- steps -----------------------------------------------------------------------------------------------------

    def _step(self, node: Node) -> Step | None:
        """The step of a node, None for one that becomes nothing but edges."""
        if isinstance(node.op, ops.Recover | ops.End | ops.Fail):
            return None
        step, lost = step_of(node, self.constants)
        for what in lost:
            self._say(node, f"FlowData has no counterpart of {what}")
        if step is None:
            return None
        return replace(step, instance=f"agent:{node.agent}", timeout_ms=self._timeout(node, step))

    def _timeout(self, node: Node, step: Step) -> int:
        if step.name == "TIMEOUT":
            return step.timeout_ms
        if not node.op.waits:
            return DEFAULT_TIMEOUT_MS
        if node.within is None:
            return self.graph.scenario.timeout_ms
        limit = constant_ms(self.constants.value(node.within))
        if limit is None:
            self._say(node, f"FlowData has no counterpart of a time limit that is not constant: `{node.within}`")
            return DEFAULT_TIMEOUT_MS
        return max(1, round(limit))

    # --- edges -----------------------------------------------------------------------------------------------------

    def _connected(self, step: Step, made: dict[str, Step]) -> Step:
        node = self.graph.node(step.id)
        return replace(
            step,
            success=self._resolve(node.success, node.id, made, (node.id, "success")),
            failure=self._resolve(node.failure, node.id, made, (node.id, "failure")),
        )

    def _resolve(self, target: str | None, source: str, made: dict[str, Step], edge: tuple[str, str]) -> str | None:
        """The step that a way comes to; None where the lane ends."""
        seen: set[str] = set()
        while target is not None and target not in made:
            if target in seen:
                return None
            seen.add(target)
            node = self.graph.node(target)
            if isinstance(node.op, ops.Recover):
                self.recovered[edge] = self.recovered.get(edge, 0) + 1
            if isinstance(node.op, ops.Fail):
                self.ended.add(edge)
            source, target = target, _onward(node, source)
        return target

    def _check_failures(self, flow: Flow) -> None:
        """In FlowData a failure was provided for where its way meets the others again, and only there."""
        ways = {step.id: (step.success, step.failure) for step in flow.steps.values()}
        depth = carried_failures([step for _, step in flow.starts], ways)
        for step_id, (success, failure) in ways.items():
            for handle, target, more in (("success", success, 0), ("failure", failure, 1)):
                carried = depth[step_id] + more
                dropped = self.recovered.get((step_id, handle), 0)
                means = carried - depth[target] if target is not None else 0
                node = self.graph.node(step_id)
                if dropped > means:
                    self._say(
                        node, "a `recover` behind this is lost: in FlowData a failure that ends there fails the flow"
                    )
                elif dropped < means:
                    self._say(
                        node, "a failure that is carried on from here would be taken for provided for in FlowData"
                    )
                if target is None and carried == 0 and (step_id, handle) in self.ended:
                    self._say(node, "the `fail` behind this is lost: in FlowData the flow ends there, passed")

    # --- calls -----------------------------------------------------------------------------------------------------

    def _with_calls(self, flow: Flow) -> Flow:
        """`callId`s: the call that a statement names, or the one that is current when it comes to run."""
        current: dict[str, str] = {}
        stack: list[tuple[str, str]] = [(step, "") for _, step in reversed(flow.starts)]
        while stack:
            step_id, name = stack.pop()
            if step_id in current:
                continue
            node = self.graph.node(step_id)
            if isinstance(node.op, _MAKES_A_CALL):
                name = node.op.name or ""
            current[step_id] = name if node.call is None else node.call
            step = flow.steps[step_id]
            stack += [(target, name) for target in (step.failure, step.success) if target is not None]
        return replace(flow, steps={step.id: _in_call(step, current[step.id]) for step in flow.steps.values()})


def _in_call(step: Step, name: str) -> Step:
    if not name or step.name in ("INCOMING", "TIMEOUT"):
        return step
    if step.name == "MuteTransfer":
        return replace(step, primary=call_id(name))
    return replace(step, call=call_id(name))


def _onward(node: Node, source: str) -> str | None:
    """Where a node that is passed over leads: an `if` or `choose` its first way, a loop once through its body."""
    if isinstance(node.op, ops.End | ops.Fail):
        return None
    if not node.arms:
        return node.success
    if isinstance(node.op, ops.Repeat | ops.While):
        again, done = node.arms
        return done if source.startswith(f"{node.id}.") or again is None else again
    return node.arms[0]


def _reachable(flow: Flow) -> Flow:
    """Without steps that nothing leads to any more."""
    reached: dict[str, None] = {}
    stack = [step for _, step in reversed(flow.starts)]
    while stack:
        step_id = stack.pop()
        if step_id not in reached:
            reached[step_id] = None
            step = flow.steps[step_id]
            stack += [target for target in (step.failure, step.success) if target is not None]
    return replace(flow, steps={step_id: flow.steps[step_id] for step_id in reached})
