"""FlowData to a graph.

A start node of an instance begins a lane. A failure way that meets the success way again, or leads back, was provided
for: a `recover` stands on it. One that ends by itself fails the scenario, as an `else` without `recover` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sipflow.flowdata.model import DEFAULT_CALL, DEFAULT_TIMEOUT_MS, Flow, Instance, Step, carried_failures
from sipflow.flowdata.names import agent_name, call_name, unique
from sipflow.flowdata.notes import Note
from sipflow.flowdata.reading import parse_flow
from sipflow.flowdata.statements import Addresses, statement
from sipflow.ir import ops
from sipflow.ir.expr import Expr, Literal, Quantity, Unit
from sipflow.ir.graph import Agent, Graph, Lane, Node, Scenario
from sipflow.ir.text import statement_text


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a FlowData document."""

    graph: Graph | None
    """None when there was nothing that could be run."""
    notes: tuple[Note, ...]


def read_flow(data: object, name: str = "") -> Imported:
    """The graph of a FlowData document, and everything that is to be said about it. Never raises, whatever `data` is.

    `name` is the name of the scenario; FlowData has none.
    """
    flow, notes = parse_flow(data)
    if flow is None:
        return Imported(None, tuple(notes))
    importer = _Importer(flow, notes)
    graph = importer.graph(name)
    notes += _without_a_place(flow, data) if graph is not None else []
    return Imported(graph, tuple(notes))


@dataclass(slots=True)
class _Importer:
    flow: Flow
    notes: list[Note]
    names: dict[str, str] = field(default_factory=dict)
    """Names of agents by the ids of their instances."""
    owners: dict[str, str] = field(default_factory=dict)
    """Instances of the steps that lanes reached."""

    def graph(self, name: str) -> Graph | None:
        """Everything."""
        for instance in self.flow.instances:
            self.names[instance.id] = unique(agent_name(instance.label, instance.dn), self.names.values())
        starts = list(self._starts())
        if not starts:
            self.notes.append(Note("error", "no instance has a start node, so nothing would be done"))
            return None
        addresses = Addresses(self.flow.instances, self.names)
        lanes = [_LaneImport(self, addresses, *start) for start in _numbered(starts, self.names)]
        for lane in lanes:
            lane.build()
        self._say_what_is_missing(starts, addresses)
        wanted = {instance for instance, _ in starts} | addresses.named
        return Graph(
            scenario=Scenario(name),
            agents=tuple(self._agent(instance) for instance in self.flow.instances if instance.id in wanted),
            lanes=tuple(lane.lane() for lane in lanes),
            nodes=tuple(node for lane in lanes for node in lane.nodes),
        )

    def _starts(self) -> Iterator[tuple[str, str]]:
        """Instance and first step of every lane."""
        seen: set[tuple[str, str]] = set()
        for instance, step_id in self.flow.starts:
            step = self.flow.steps[step_id]
            if step.instance and step.instance != instance:
                message = f"an edge of `{instance}` leads to a step of `{step.instance}`, which runs it"
                self.notes.append(Note("warning", message, step.where, step_id))
                instance = step.instance
            if (instance, step_id) not in seen:
                seen.add((instance, step_id))
                yield instance, step_id

    def _agent(self, instance: Instance) -> Agent:
        transport = ";transport=tcp" if instance.pbx_transport == "TCP" else ""
        proxy = Literal(f"sip:{instance.pbx_host}:{instance.pbx_port}{transport}") if instance.pbx_host else None
        return Agent(
            self.names[instance.id],
            number=Literal(instance.dn) if instance.dn else None,
            proxy=proxy,
            register_every=milliseconds(1000 * instance.register_interval_s) if instance.register else None,
            codecs=instance.codecs,
        )

    def _say_what_is_missing(self, starts: list[tuple[str, str]], addresses: Addresses) -> None:
        started = {instance for instance, _ in starts}
        for instance in self.flow.instances:
            if instance.id not in started:
                ending = "" if instance.id in addresses.named else ", and nothing names it: it is left out"
                self.notes.append(
                    Note("warning", f"`{instance.label or instance.id}` has no start node{ending}", "", instance.id)
                )
        for step in self.flow.steps.values():
            if step.id not in self.owners:
                self.notes.append(
                    Note("warning", "no edge leads here from a start node: left out", step.where, step.id)
                )


def _numbered(starts: list[tuple[str, str]], names: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Id, instance and first step of each lane: the second lane of an agent is `name#2`."""
    counts: dict[str, int] = {}
    for instance, step in starts:
        counts[instance] = counts.get(instance, 0) + 1
        name = names[instance]
        yield (name if counts[instance] == 1 else f"{name}#{counts[instance]}", instance, step)


def milliseconds(value: float) -> Expr:
    """A duration as an expression."""
    return Literal(Quantity(float(value), Unit.MILLISECOND))


# --- lanes ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _LaneImport:
    """One lane on its way into the graph."""

    importer: _Importer
    addresses: Addresses
    lane_id: str
    instance: str
    start: str
    entry: str | None = None
    nodes: list[Node] = field(default_factory=list)
    ways: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    """Of each step: where success and failure lead, over what is passed over."""
    calls: dict[str, str] = field(default_factory=dict)
    """Names of calls by `callId`; empty where the lane's current call will do."""

    def lane(self) -> Lane:
        """The lane, once it is built."""
        return Lane(self.lane_id, self.importer.names[self.instance], self.entry)

    def build(self) -> None:
        """Walk the steps that the lane reaches, and make their nodes."""
        first = self._resolve(self.start, None)
        if first is None:
            return
        self._walk(first)
        self._name_calls()
        depth = carried_failures([first], self.ways)
        ids = {step_id: f"{self.lane_id}.{number}" for number, step_id in enumerate(self.ways, 1)}
        self.entry = ids[first]
        named: set[str] = set()
        for step_id in self.ways:
            self._add(self.importer.flow.steps[step_id], ids, depth, named)

    def _walk(self, first: str) -> None:
        """Success before failure, each as deep as it goes, so that ids go down the main way."""
        stack = [first]
        while stack:
            step_id = stack.pop()
            if step_id not in self.ways:
                step = self.importer.flow.steps[step_id]
                success, failure = self._resolve(step.success, step), self._resolve(step.failure, step)
                self.ways[step_id] = (success, failure)
                stack += [target for target in (failure, success) if target is not None]

    def _resolve(self, step_id: str | None, source: Step | None) -> str | None:
        """The step that an edge comes to; None for the lane's end, and where it leaves the instance."""
        seen: set[str] = set()
        while step_id is not None and step_id not in seen:
            seen.add(step_id)
            step = self.importer.flow.steps[step_id]
            if not self._owns(step, source):
                return None
            if step.name:
                return step_id
            step_id = step.success
        return None

    def _owns(self, step: Step, source: Step | None) -> bool:
        owner = step.instance or self.importer.owners.get(step.id, self.instance)
        if owner == self.instance:
            self.importer.owners[step.id] = owner
            return True
        place = f"`{source.id}`" if source is not None else f"`{self.instance}`"
        message = f"the edge from {place} leads to a step that another instance, `{owner}`, runs; it is left out"
        self.importer.notes.append(Note("error", message, step.where, step.id))
        return False

    # --- calls -----------------------------------------------------------------------------------------------------

    def _name_calls(self) -> None:
        """Calls need names where a lane has several, or one that does not go by the name that all have."""
        steps = [self.importer.flow.steps[step_id] for step_id in self.ways]
        made = dict.fromkeys(step.call or DEFAULT_CALL for step in steps if step.name in ("MakeCall", "Answer"))
        if list(made) in ([], [DEFAULT_CALL]):
            return
        for call in made:
            self.calls[call] = unique(call_name(call), self.calls.values())

    def _call_of(self, step: Step, call: str) -> str | None:
        name = self.calls.get(call or DEFAULT_CALL)
        if name is None and call not in ("", DEFAULT_CALL):
            message = f"no step of this lane makes or answers the call `{call}`; the lane's current call is taken"
            self.importer.notes.append(Note("warning", message, f"{step.where}.callId", step.id))
        return name

    # --- nodes -----------------------------------------------------------------------------------------------------

    def _add(self, step: Step, ids: dict[str, str], depth: dict[str, int], named: set[str]) -> None:
        new_call = step.name in ("MakeCall", "Answer")
        name = None if step.name in ("INCOMING", "TIMEOUT") else self._call_of(step, step.primary or step.call)
        if step.name == "MakeCall" and name in named:
            message = f"the call id `{step.call}` is used for two calls of one lane; only the first has the name"
            self.importer.notes.append(Note("warning", message, f"{step.where}.callId", step.id))
            name = None
        consult = self._call_of(step, step.consult) if step.name == "MuteTransfer" else None
        op = statement(step, name, consult, self.importer.flow.instance(self.instance), self.addresses)
        if new_call and name is not None:
            named.add(name)
        call = name if op.call_bound else None
        within = self._within(step, op)
        place = len(self.nodes)
        success, failure = self.ways[step.id]
        node_id, carried = ids[step.id], depth[step.id]
        onward = self._edge(f"{node_id}.then", success, carried, ids, depth)
        otherwise = self._edge(f"{node_id}.else", failure, carried + 1, ids, depth)
        text = statement_text(op, call, within)
        agent = self.importer.names[self.instance]
        self.nodes.insert(place, Node(node_id, self.lane_id, agent, op, call, within, onward, otherwise, text=text))

    def _within(self, step: Step, op: ops.Op) -> Expr | None:
        if step.timeout_ms == DEFAULT_TIMEOUT_MS or step.name == "TIMEOUT":
            return None
        if op.waits:
            return milliseconds(step.timeout_ms)
        message = f"{step.name} does not wait, so its timeout means nothing"
        self.importer.notes.append(Note("note", message, f"{step.where}.timeout", step.id))
        return None

    def _edge(
        self, prefix: str, target: str | None, carried: int, ids: dict[str, str], depth: dict[str, int]
    ) -> str | None:
        """The node that an edge leads to: a `recover` for each failure that was provided for, then the target."""
        if target is None:
            return None
        onward = ids[target]
        for number in range(carried - depth[target], 0, -1):
            node_id = f"{prefix}.{number}"
            op = ops.Recover()
            agent = self.importer.names[self.instance]
            node = Node(node_id, self.lane_id, agent, op, success=onward, text=statement_text(op))
            self.nodes.append(node)
            onward = node_id
        return onward


# --- what text has no place for ------------------------------------------------------------------------------------


def _without_a_place(flow: Flow, data: object) -> list[Note]:
    """One note about everything that a text does not keep."""
    assert isinstance(data, dict), "it was a document"
    placed = sum(isinstance(node, dict) and "position" in node for node in data["nodes"])
    coloured = sum(bool(instance.color) for instance in flow.instances)
    labelled = sum(_has_own_label(step) for step in flow.steps.values())
    counts = [(placed, "position"), (coloured, "colour"), (labelled, "label")]
    parts = [f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts if count]
    return [Note("note", f"a text has no place for {' and '.join(parts)}")] if parts else []


def _has_own_label(step: Step) -> bool:
    plain = re.sub(r"[^a-z]", "", step.label.lower())
    return bool(plain and step.name) and plain not in (step.name.lower().replace("_", ""), "playaudio", "playmedia")
